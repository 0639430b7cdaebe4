/**
 * The upload queue: sends requests, at most three at a time, and retries each until all of its files have a
 * result. It decides about order, attempts, pauses and cancellation. Clock, random numbers and transport are
 * passed to the constructor, so that tests can replace them.
 */
import { readResponse, UNREADABLE, type FileResult } from './read-response';
import type { Outcome } from './request-outcome';
import { retryDecision } from './retry-policy';
import type { Send } from './xhr-transport';

/** One file of a request. `id` is a running number, because several files may have the same name. */
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
  /** the request is waiting; it will be sent in `delayMs` ms, or if null, when the network is back */
  onWait(request: UploadRequest, delayMs: number | null): void;
  /**
   * final results for `request.parts`, in order. These parts have left the queue; the other parts of the same
   * request may still be in it.
   */
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
  /** number of attempts, the running one included */
  attempts: number;
  /** time in ms before which the request is not sent */
  notBefore: number;
  /** an attempt has sent the whole body: the server may have stored the files even if no response arrived */
  bodySent: boolean;
  /** the running attempt, which its controller can abort; null while the request is waiting */
  attempt: AbortController | null;
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
      this.#entries.push({ request, attempts: 0, notBefore: 0, bodySent: false, attempt: null });
    }
    this.startRequests();
  }

  /** True while any request is being sent or is waiting. */
  get busy(): boolean {
    return this.#entries.length > 0;
  }

  /**
   * Cancels files. Each affected request starts again without these files, with a new idempotency key because
   * its content differs. If the body has already been sent completely, the request is left alone: sending it
   * again under a new key could store its other files twice.
   * @returns the ids of the cancelled files
   */
  cancel(ids: ReadonlySet<number>): number[] {
    const cancelled: number[] = [];
    for (const entry of [...this.#entries]) {
      const remaining = entry.request.parts.filter((part) => !ids.has(part.id));
      if (entry.bodySent || remaining.length === entry.request.parts.length) continue;
      cancelled.push(...entry.request.parts.filter((part) => ids.has(part.id)).map((part) => part.id));
      entry.attempt?.abort();
      entry.attempt = null;
      if (remaining.length === 0) this.#drop(entry);
      else this.#requeueWith(entry, remaining);
    }
    this.startRequests();
    return cancelled;
  }

  /**
   * Starts every request that may start now. Called by the queue itself. The code that owns the queue must also
   * call it when the browser goes online or offline.
   */
  startRequests(): void {
    if (!this.#env.isOnline()) {
      for (const entry of this.#entries) if (!entry.attempt) this.#events.onWait(entry.request, null);
      return;
    }
    const now = this.#env.now();
    let running = this.#entries.filter((entry) => entry.attempt).length;
    for (const entry of this.#entries) {
      if (running >= MAX_CONCURRENT) return;
      if (entry.attempt || Math.max(entry.notBefore, this.#pausedUntil) > now) continue;
      running += 1;
      void this.#send(entry);
    }
  }

  async #send(entry: Entry): Promise<void> {
    const { request } = entry;
    const attempt = new AbortController();
    entry.attempt = attempt;
    entry.attempts += 1;
    this.#events.onStart(request);
    const outcome = await this.#env.send(
      { ...request, files: request.parts.map((part) => part.file) },
      (loaded, total) => {
        if (entry.attempt !== attempt) return;
        entry.bodySent ||= total > 0 && loaded >= total;
        this.#events.onBytes(request, loaded, total);
      },
      attempt.signal,
    );
    const hasSettledUnreadable =
      outcome.kind === 'network' && !entry.bodySent && (await this.#settleUnreadable(entry, attempt));
    // If the request was cancelled or restarted meanwhile, this attempt's outcome is ignored.
    if (!hasSettledUnreadable && entry.attempt === attempt) this.#finishAttempt(entry, outcome);
    this.startRequests();
  }

  #finishAttempt(entry: Entry, outcome: Outcome): void {
    entry.attempt = null;
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
   * If a file changes on disk after it was chosen, the browser cannot read it and reports a network error at
   * every attempt. This method settles such files as rejected, and the request starts again without them.
   * @returns true if it settled unreadable files; then the attempt's outcome must be ignored
   */
  async #settleUnreadable(entry: Entry, attempt: AbortController): Promise<boolean> {
    const request = entry.request;
    const readable = await Promise.all(request.parts.map((part) => this.#env.isReadable(part.file)));
    if (readable.every(Boolean) || entry.attempt !== attempt) return false;
    const rejected = request.parts.filter((_, index) => !readable[index]);
    const remaining = request.parts.filter((_, index) => readable[index]);
    if (remaining.length === 0) this.#drop(entry);
    else this.#requeueWith(entry, remaining);
    this.#events.onSettled(
      { ...request, parts: rejected },
      rejected.map((): FileResult => ({ kind: 'rejected', failure: UNREADABLE })),
    );
    return true;
  }

  /** Puts the request back into the queue with only these parts, as if it had never been sent. */
  #requeueWith(entry: Entry, parts: readonly Part[]): void {
    entry.request = { ...entry.request, parts, key: this.#env.newKey() };
    entry.attempt = null;
    entry.attempts = 0;
    this.#events.onWait(entry.request, 0);
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}
