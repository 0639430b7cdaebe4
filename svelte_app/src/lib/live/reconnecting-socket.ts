/**
 * A WebSocket that reconnects. After a failure it waits with back-off; when the browser goes online or the tab
 * becomes visible, it reconnects immediately. A ping detects dead connections. Does not interpret the messages.
 */
import { backoffMs } from '../backoff';
import { isOffline } from '../offline';

export type Connection = 'connecting' | 'open' | 'waiting' | 'offline' | 'unauthorized';

export interface SocketEvents {
  /** called after every connect and reconnect, so that the caller can subscribe again */
  onOpen(): void;
  onMessage(text: string): void;
  onStateChange(connection: Connection): void;
  /** the server requires a token; the socket stays closed until `start` is called again */
  onUnauthorized(): void;
}

const PING_INTERVAL_MS = 30_000;
// A pong takes one round trip. A connection without any message for 10 s after a ping is dead.
const PONG_TIMEOUT_MS = 10_000;
// The server's close code for a missing or wrong token.
const CLOSE_UNAUTHORIZED = 4401;

export class ReconnectingSocket {
  #socket: WebSocket | null = null;
  #failures = 0;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  #pongTimer: ReturnType<typeof setTimeout> | undefined;
  #listening = false;
  #unauthorized = false;
  readonly #url: () => string;
  readonly #events: SocketEvents;

  constructor(url: () => string, events: SocketEvents) {
    this.#url = url;
    this.#events = events;
  }

  /** Connects and stays connected. Call it again after the person has entered a token. */
  start(): void {
    this.#unauthorized = false;
    if (!this.#listening) this.#addListeners();
    this.#connect();
  }

  #addListeners(): void {
    this.#listening = true;
    window.addEventListener('online', () => this.#wake());
    window.addEventListener('offline', () => {
      if (isOffline()) this.#scheduleReconnect('offline');
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake();
    });
  }

  /** Sends the message as JSON. False if the socket is not open; the caller then sends the message again in `onOpen`. */
  send(message: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #connect(): void {
    this.#close();
    this.#events.onStateChange('connecting');
    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    // A handshake can hang without an error, so it has a time limit.
    this.#expectMessage();
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#messageArrived();
      this.#failures = 0;
      this.#events.onStateChange('open');
      this.#events.onOpen();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#socket !== socket) return;
      this.#messageArrived();
      if (typeof event.data === 'string') this.#events.onMessage(event.data);
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      if (event.code === CLOSE_UNAUTHORIZED) this.#stopUnauthorized();
      else this.#scheduleReconnect(isOffline() ? 'offline' : 'waiting');
    };
  }

  #stopUnauthorized(): void {
    this.#close();
    this.#unauthorized = true;
    this.#events.onStateChange('unauthorized');
    this.#events.onUnauthorized();
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const timer of [this.#reconnectTimer, this.#pingTimer, this.#pongTimer]) clearTimeout(timer);
  }

  #scheduleReconnect(state: 'waiting' | 'offline'): void {
    this.#close();
    this.#failures += 1;
    this.#events.onStateChange(state);
    // Attempts continue while offline, because browsers do not always fire the event `online`.
    this.#reconnectTimer = setTimeout(() => this.#connect(), backoffMs(this.#failures, Math.random()));
  }

  /** Any message proves that the connection is alive and postpones the next ping. */
  #messageArrived(): void {
    clearTimeout(this.#pongTimer);
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.#sendPing(), PING_INTERVAL_MS);
  }

  #sendPing(): void {
    if (this.send({ type: 'ping' })) this.#expectMessage();
  }

  #expectMessage(): void {
    clearTimeout(this.#pongTimer);
    this.#pongTimer = setTimeout(() => this.#scheduleReconnect('waiting'), PONG_TIMEOUT_MS);
  }

  /** Called when the tab becomes visible or the browser goes online: connects, or tests the open connection. */
  #wake(): void {
    if (this.#unauthorized) return;
    if (this.#socket === null) this.#connect();
    else this.#sendPing();
  }
}

/** The WebSocket URL for this page's host, scheme and path prefix. */
export function socketUrl(page: Location, base: string, token: string | null): string {
  const url = new URL(`${base}ws/upload/`, page.href);
  url.protocol = page.protocol === 'https:' ? 'wss:' : 'ws:';
  // The browser's WebSocket API cannot set request headers.
  if (token !== null) url.searchParams.set('token', token);
  return url.href;
}
