/**
 * The page's only live connection. It keeps the subscriptions across reconnects, drops outdated events and
 * publishes the others to listeners. The socket, the message format and the version check are plain modules
 * beside this file.
 */
import { token } from '../token.svelte';
import { LatestEvents } from './latest-events';
import type { JobEvent } from './messages';
import { isSameTopic, parseMessage, subscribeMessages, unsubscribeMessages, type Topic } from './messages';
import { ReconnectingSocket, socketUrl, type Connection } from './reconnecting-socket';

interface Listener {
  /** only events newer than every earlier event of the same job */
  onEvents(events: readonly JobEvent[]): void;
  onDeleted(jobId: string): void;
}

class LiveEvents {
  connection = $state<Connection>('connecting');
  readonly latest = new LatestEvents();
  #listeners = new Set<Listener>();
  #topics = new Set<Topic>();
  /** the server's position in its change log, as of the last message */
  #cursor: string | null = null;
  #socket: ReconnectingSocket | null = null;

  start(): void {
    this.#socket ??= new ReconnectingSocket(
      () => socketUrl(location, import.meta.env.BASE_URL, token.value),
      {
        onOpen: () => this.#sendSubscribe([...this.#topics]),
        onMessage: (text) => this.#receive(text),
        onStateChange: (connection) => (this.connection = connection),
        onUnauthorized: () => void this.requestToken(),
      },
    );
    token.onEntered = () => {
      if (this.connection === 'unauthorized') this.#socket?.start();
    };
    this.#socket.start();
  }

  /** Asks the person for the access token. `token.onEntered` then reconnects. */
  async requestToken(): Promise<void> {
    await token.requestNew(token.value);
  }

  /** Subscribes now and after every reconnect, until the returned function is called. */
  subscribe(topic: Topic): () => void {
    this.#topics.add(topic);
    this.#sendSubscribe([topic]);
    return () => {
      this.#topics.delete(topic);
      // Another subscriber (a second view of the same batch) may still need the topic.
      if ([...this.#topics].some((other) => isSameTopic(other, topic))) return;
      for (const message of unsubscribeMessages(topic)) this.#socket?.send(message);
    };
  }

  /** @returns a function that removes the listener */
  addListener(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Publishes job states from any source (event, HTTP response, list) that are newer than the stored states. */
  merge(events: readonly JobEvent[]): void {
    const newer = events.filter((event) => this.latest.merge(event));
    if (newer.length > 0) for (const listener of this.#listeners) listener.onEvents(newer);
  }

  markDeleted(jobId: string): void {
    this.latest.markDeleted(jobId);
    for (const listener of this.#listeners) listener.onDeleted(jobId);
  }

  #sendSubscribe(topics: readonly Topic[]): void {
    for (const message of subscribeMessages(topics, this.#cursor)) this.#socket?.send(message);
  }

  #receive(text: string): void {
    const { message, cursor } = parseMessage(text);
    if (cursor !== null) this.#cursor = cursor;
    switch (message.kind) {
      case 'events':
        return this.merge(message.events);
      case 'snapshot':
        return this.merge(message.images);
      case 'removed':
        return this.markDeleted(message.jobId);
      case 'resync':
        return this.#sendSubscribe([...this.#topics]);
    }
  }
}

export const live = new LiveEvents();
