/**
 * The upload queue: sends requests, at most three at a time, with retries, until every request has one result
 * per file. Owns order, attempts, pauses and cancellation. Clock, random numbers and transport are injected,
 * so that tests control them.
 */
import { readResponse, UNREADABLE, type FileResult } from './read-response';
import type { Outcome } from './request-outcome';
import { retryDecision } from './retry-policy';
import type { Send } from './xhr-transport';

/** One file of a request. `id` is a counter, because names repeat. */
export interface Part {
  readonly id: number;
  readonly file: File;
}

export interface UploadRequest {
  readonly url: string;
  readonly field: string;
  /** the idempotency key */
  readonly key: string;
  readonly parts: readonly Part[];
}

export interface QueueEvents {
  onStart(request: UploadRequest): void;
  onBytes(request: UploadRequest, loaded: number, total: number): void;
  /** the request waits and is sent again in `delayMs`; null: once the network is back */
  onWait(request: UploadRequest, delayMs: number | null): void;
  /** one result per part, in order; the queue has dropped the request */
  onSettled(request: UploadRequest, results: readonly FileResult[]): void;
}

export interface QueueEnvironment {
  send: Send;
  isReadable(file: File): Promise<boolean>;
  isOnline(): boolean;
  now(): number;
  random(): number;
  setTimer(run: () => void, ms: number): void;
  newKey(): string;
}

interface Entry {
  request: UploadRequest;
  attempts: number;
  /** time in ms before which the request is not sent */
  notBefore: number;
  /** an attempt has sent the whole body, so the server may have stored it even without a response */
  bodySent: boolean;
  /** set while an attempt is running */
  abort: AbortController | null;
}

const MAX_CONCURRENT = 3;

export class RequestQueue {
  #entries: Entry[] = [];
  #pausedUntil = 0;
  readonly #events: QueueEvents;
  readonly #env: QueueEnvironment;

  constructor(events: QueueEvents, env: QueueEnvironment) {
    this.#events = events;
    this.#env = env;
  }

  add(requests: readonly UploadRequest[]): void {
    for (const request of requests) {
      this.#entries.push({ request, attempts: 0, notBefore: 0, bodySent: false, abort: null });
    }
    this.startRequests();
  }

  /** A request is being sent or waits to be sent. */
  get busy(): boolean {
    return this.#entries.length > 0;
  }

  /**
   * Cancels files. Their requests restart without them and under a new idempotency key, because they have
   * other content. A request whose body is sent is not changed, since a restart would store its other files
   * twice.
   * @returns the ids of the cancelled files
   */
  cancel(ids: ReadonlySet<number>): number[] {
    const cancelled: number[] = [];
    for (const entry of [...this.#entries]) {
      const parts = entry.request.parts.filter((part) => !ids.has(part.id));
      if (entry.bodySent || parts.length === entry.request.parts.length) continue;
      cancelled.push(...entry.request.parts.filter((part) => ids.has(part.id)).map((part) => part.id));
      entry.abort?.abort();
      entry.abort = null;
      if (parts.length === 0) this.#drop(entry);
      else this.#restart(entry, parts);
    }
    this.startRequests();
    return cancelled;
  }

  /** Starts every request that may start. The queue calls it; its owner calls it when the network changes. */
  startRequests(): void {
    if (!this.#env.isOnline()) {
      for (const entry of this.#entries) if (!entry.abort) this.#events.onWait(entry.request, null);
      return;
    }
    const now = this.#env.now();
    let running = this.#entries.filter((entry) => entry.abort).length;
    for (const entry of this.#entries) {
      if (running >= MAX_CONCURRENT) return;
      if (entry.abort || Math.max(entry.notBefore, this.#pausedUntil) > now) continue;
      running += 1;
      void this.#attempt(entry);
    }
  }

  async #attempt(entry: Entry): Promise<void> {
    const { request } = entry;
    const abort = new AbortController();
    entry.abort = abort;
    entry.attempts += 1;
    this.#events.onStart(request);
    const outcome = await this.#env.send(
      { ...request, files: request.parts.map((part) => part.file) },
      (loaded, total) => {
        if (entry.abort !== abort) return;
        entry.bodySent ||= total > 0 && loaded >= total;
        this.#events.onBytes(request, loaded, total);
      },
      abort.signal,
    );
    const isComplete =
      outcome.kind !== 'network' || entry.bodySent || (await this.#rejectUnreadable(entry, abort));
    // The abort controller differs if the request was cancelled or restarted meanwhile.
    if (isComplete && entry.abort === abort) this.#finishAttempt(entry, outcome);
    this.startRequests();
  }

  #finishAttempt(entry: Entry, outcome: Outcome): void {
    entry.abort = null;
    if (outcome.kind === 'network' && !this.#env.isOnline()) {
      // A failure while offline does not count as an attempt.
      entry.attempts -= 1;
      this.#events.onWait(entry.request, null);
      return;
    }
    const decision = retryDecision(outcome, entry.attempts, this.#env.random());
    if (!decision.retry) {
      this.#drop(entry);
      this.#events.onSettled(entry.request, readResponse(outcome, entry.request.parts.length));
      return;
    }
    entry.notBefore = this.#env.now() + decision.delayMs;
    if (decision.pauseAll) this.#pausedUntil = Math.max(this.#pausedUntil, entry.notBefore);
    this.#events.onWait(entry.request, decision.delayMs);
    this.#env.setTimer(() => this.startRequests(), decision.delayMs);
  }

  /**
   * A file that was changed on disk fails its request with a network error on every attempt. Such files are
   * settled as rejected, and the request restarts without them.
   * @returns whether all files are readable
   */
  async #rejectUnreadable(entry: Entry, attempt: AbortController): Promise<boolean> {
    const request = entry.request;
    const readable = await Promise.all(request.parts.map((part) => this.#env.isReadable(part.file)));
    if (readable.every(Boolean) || entry.abort !== attempt) return true;
    const rejected = request.parts.filter((_, index) => !readable[index]);
    const remaining = request.parts.filter((_, index) => readable[index]);
    if (remaining.length === 0) this.#drop(entry);
    else this.#restart(entry, remaining);
    this.#events.onSettled(
      { ...request, parts: rejected },
      rejected.map((): FileResult => ({ kind: 'rejected', failure: UNREADABLE })),
    );
    return false;
  }

  #restart(entry: Entry, parts: readonly Part[]): void {
    entry.request = { ...entry.request, parts, key: this.#env.newKey() };
    entry.abort = null;
    entry.attempts = 0;
    this.#events.onWait(entry.request, 0);
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}
