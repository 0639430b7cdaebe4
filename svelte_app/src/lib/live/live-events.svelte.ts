/**
 * The page's live connection: who follows what, what is newest, and the state a person sees. Thin: the
 * socket, the frames and the merging live in plain modules beside it.
 */
import { token } from '../token.svelte';
import type { JobEvent } from './messages';
import { parseMessage, sameTopic, subscribeMessages, unsubscribeMessages, type Topic } from './messages';
import { LatestEvents } from './latest-events';
import { ReconnectingSocket, socketUrl, type Connection } from './reconnecting-socket';

interface Listener {
  /** only what is newer than all that was heard of each job */
  news(news: readonly JobEvent[]): void;
  removed(jobId: string): void;
}

class Live {
  connection = $state<Connection>('connecting');
  readonly book = new LatestEvents();
  #listeners = new Set<Listener>();
  #topics = new Set<Topic>();
  #cursor: string | null = null;
  #socket: ReconnectingSocket | null = null;

  start(): void {
    this.#socket ??= new ReconnectingSocket(
      () => socketUrl(location, import.meta.env.BASE_URL, token.value),
      {
        opened: () => this.#subscribe([...this.#topics]),
        heard: (text) => this.#hear(text),
        changed: (connection) => (this.connection = connection),
        locked: () => void this.unlock(),
      },
    );
    token.given = () => {
      if (this.connection === 'locked') this.#socket?.start();
    };
    this.#socket.start();
  }

  /** Asks for the server's token; whoever's question brings it, the connection is made with it. */
  async unlock(): Promise<void> {
    await token.renew(token.value);
  }

  /** Subscribes now and on every reconnect, until the returned function is called. */
  follow(topic: Topic): () => void {
    this.#topics.add(topic);
    this.#subscribe([topic]);
    return () => {
      this.#topics.delete(topic);
      // Two followers of one topic (two views of a batch): the subscription ends with the last of them.
      if ([...this.#topics].some((other) => sameTopic(other, topic))) return;
      for (const frame of unsubscribeMessages(topic)) this.#socket?.say(frame);
    };
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes in what came by another way (an answer, a list), so that all ways are merged alike. */
  merge(news: readonly JobEvent[]): void {
    const fresh = news.filter((one) => this.book.merge(one));
    if (fresh.length > 0) for (const listener of this.#listeners) listener.news(fresh);
  }

  remove(jobId: string): void {
    this.book.remove(jobId);
    for (const listener of this.#listeners) listener.removed(jobId);
  }

  #subscribe(topics: readonly Topic[]): void {
    for (const frame of subscribeMessages(topics, this.#cursor)) this.#socket?.say(frame);
  }

  #hear(text: string): void {
    const { frame, cursor } = parseMessage(text);
    if (cursor !== null) this.#cursor = cursor;
    switch (frame.kind) {
      case 'news':
        return this.merge(frame.news);
      case 'snapshot':
        return this.merge(frame.images);
      case 'removed':
        return this.remove(frame.jobId);
      case 'resync':
        return this.#subscribe([...this.#topics]);
    }
  }
}

export const live = new Live();
