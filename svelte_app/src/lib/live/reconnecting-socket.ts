/**
 * One WebSocket that stays: it comes back with back-off, wakes with the network or the tab, and notices
 * when the line is dead. Owns the connection only; what is said and heard is the caller's.
 */
import { isOffline } from '../offline';
import { backoffMs } from '../backoff';

export type Connection = 'connecting' | 'open' | 'waiting' | 'offline' | 'locked';

export interface SocketEvents {
  /** open, or open again: the time to subscribe */
  opened(): void;
  heard(text: string): void;
  changed(connection: Connection): void;
  /** the server asks for its token: nothing is tried again until `start` is called once more */
  locked(): void;
}

const PING_EVERY_MS = 30_000;
// A pong takes a round trip; ten seconds without any frame mean a line that only looks open.
const PONG_WITHIN_MS = 10_000;
// The contract's close code for a missing or wrong token.
const NO_TOKEN = 4401;

export class ReconnectingSocket {
  #socket: WebSocket | null = null;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #dead: ReturnType<typeof setTimeout> | undefined;
  #started = false;
  #locked = false;
  readonly #url: () => string;
  readonly #events: SocketEvents;

  constructor(url: () => string, events: SocketEvents) {
    this.#url = url;
    this.#events = events;
  }

  /** Connects, and stays so. Called at the start, and again when the door it was locked by may open. */
  start(): void {
    this.#locked = false;
    if (!this.#started) this.#listen();
    this.#connect();
  }

  #listen(): void {
    this.#started = true;
    window.addEventListener('online', () => this.#wake());
    window.addEventListener('offline', () => {
      if (isOffline()) this.#lost('offline');
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake();
    });
  }

  /** Sends when open; else says no, and `opened` will be the time to say it again. */
  say(frame: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect(): void {
    this.#drop();
    this.#events.changed('connecting');
    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    // A handshake may hang as well as fail.
    this.#expectSign();
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#alive();
      this.#failures = 0;
      this.#events.changed('open');
      this.#events.opened();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#socket !== socket) return;
      this.#alive();
      if (typeof event.data === 'string') this.#events.heard(event.data);
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      if (event.code === NO_TOKEN) this.#lock();
      else this.#lost(isOffline() ? 'offline' : 'waiting');
    };
  }

  #lock(): void {
    this.#drop();
    this.#locked = true;
    this.#events.changed('locked');
    this.#events.locked();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const timer of [this.#retry, this.#ping, this.#dead]) clearTimeout(timer);
  }

  #lost(why: 'waiting' | 'offline'): void {
    this.#drop();
    this.#failures += 1;
    this.#events.changed(why);
    // Also while offline: `online` events are known to be missed.
    this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#failures, Math.random()));
  }

  /** A sign of life came: the next ping is due a whole interval from now. */
  #alive(): void {
    clearTimeout(this.#dead);
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => this.#probe(), PING_EVERY_MS);
  }

  #probe(): void {
    if (this.say({ type: 'ping' })) this.#expectSign();
  }

  #expectSign(): void {
    clearTimeout(this.#dead);
    this.#dead = setTimeout(() => this.#lost('waiting'), PONG_WITHIN_MS);
  }

  /** The tab or the network came back: connect now, or make sure that the line is what it seems. */
  #wake(): void {
    if (this.#locked) return;
    if (this.#socket === null) this.#connect();
    else this.#probe();
  }
}

/** The socket's address as seen from this page: works behind TLS and under a path prefix. */
export function socketUrl(page: Location, base: string, token: string | null): string {
  const url = new URL(`${base}ws/upload/`, page.href);
  url.protocol = page.protocol === 'https:' ? 'wss:' : 'ws:';
  // A browser sends no header of ours with a WebSocket.
  if (token !== null) url.searchParams.set('token', token);
  return url.href;
}
