/**
 * Sends requests, at most three at a time, again when that helps, until each has one result per file.
 * Owns order, attempts, pauses and cancelling; knows nothing of views. Time, chance and the wire are
 * handed in, so that its tests need neither.
 */
import { readResponse, UNREADABLE, type FileResult } from './read-response';
import type { Outcome } from './request-outcome';
import { retryDecision } from './retry-policy';
import type { Send } from './xhr-transport';

/** One file on its way. `id` is a counter: names repeat. */
export interface Part {
  readonly id: number;
  readonly file: File;
}

export interface UploadRequest {
  readonly url: string;
  readonly field: string;
  readonly key: string;
  readonly parts: readonly Part[];
}

export interface QueueEvents {
  started(request: UploadRequest): void;
  bytes(request: UploadRequest, loaded: number, total: number): void;
  /** not sent now, but again in `delayMs`; null while the network is away */
  waiting(request: UploadRequest, delayMs: number | null): void;
  /** one result per part, in order; the queue has let go of the files */
  settled(request: UploadRequest, results: readonly FileResult[]): void;
}

export interface QueueEnvironment {
  send: Send;
  readable(file: File): Promise<boolean>;
  online(): boolean;
  now(): number;
  random(): number;
  later(run: () => void, ms: number): void;
  newKey(): string;
}

interface Entry {
  request: UploadRequest;
  attempts: number;
  /** not before this time, in ms */
  notBefore: number;
  /** all bytes of an attempt have travelled: the server may have stored them, whatever was heard of it */
  complete: boolean;
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
      this.#entries.push({ request, attempts: 0, notBefore: 0, complete: false, abort: null });
    }
    this.startRequests();
  }

  /** Bytes may be travelling, or wait to. */
  get busy(): boolean {
    return this.#entries.length > 0;
  }

  /**
   * Takes files out; their requests go on without them under a new key (other files, other request).
   * Answers the ids taken out: a request that has travelled whole is left alone, since its other files
   * would be stored twice.
   */
  cancel(ids: ReadonlySet<number>): number[] {
    const gone: number[] = [];
    for (const entry of [...this.#entries]) {
      const parts = entry.request.parts.filter((part) => !ids.has(part.id));
      if (entry.complete || parts.length === entry.request.parts.length) continue;
      gone.push(...entry.request.parts.filter((part) => ids.has(part.id)).map((part) => part.id));
      entry.abort?.abort();
      entry.abort = null;
      if (parts.length === 0) this.#drop(entry);
      else this.#renew(entry, parts);
    }
    this.startRequests();
    return gone;
  }

  /** Starts what may start. Called by itself, and when the network comes back. */
  startRequests(): void {
    if (!this.#env.online()) {
      for (const entry of this.#entries) if (!entry.abort) this.#events.waiting(entry.request, null);
      return;
    }
    const now = this.#env.now();
    let running = this.#entries.filter((entry) => entry.abort).length;
    for (const entry of this.#entries) {
      if (running >= MAX_CONCURRENT) return;
      if (entry.abort || Math.max(entry.notBefore, this.#pausedUntil) > now) continue;
      running += 1;
      void this.#run(entry);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const { request } = entry;
    const abort = new AbortController();
    entry.abort = abort;
    entry.attempts += 1;
    this.#events.started(request);
    const outcome = await this.#env.send(
      { ...request, files: request.parts.map((part) => part.file) },
      (loaded, total) => {
        if (entry.abort !== abort) return;
        entry.complete ||= total > 0 && loaded >= total;
        this.#events.bytes(request, loaded, total);
      },
      abort.signal,
    );
    const stillWhole =
      outcome.kind !== 'network' || entry.complete || (await this.#allReadable(entry, abort));
    // Cancelled or cut anew in the meantime: the entry has gone on without this attempt.
    if (stillWhole && entry.abort === abort) this.#conclude(entry, outcome);
    this.startRequests();
  }

  #conclude(entry: Entry, outcome: Outcome): void {
    entry.abort = null;
    if (outcome.kind === 'network' && !this.#env.online()) {
      // The network's absence is no attempt: it waits for the network to be back.
      entry.attempts -= 1;
      this.#events.waiting(entry.request, null);
      return;
    }
    const verdict = retryDecision(outcome, entry.attempts, this.#env.random());
    if (!verdict.again) {
      this.#drop(entry);
      this.#events.settled(entry.request, readResponse(outcome, entry.request.parts.length));
      return;
    }
    entry.notBefore = this.#env.now() + verdict.delayMs;
    if (verdict.pauseAll) this.#pausedUntil = Math.max(this.#pausedUntil, entry.notBefore);
    this.#events.waiting(entry.request, verdict.delayMs);
    this.#env.later(() => this.startRequests(), verdict.delayMs);
  }

  /**
   * A file changed on disk looks like a broken network and would fail its neighbours for ever. Such files
   * are settled as rejected and the rest cut anew: false then.
   */
  async #allReadable(entry: Entry, attempt: AbortController): Promise<boolean> {
    const request = entry.request;
    const readable = await Promise.all(request.parts.map((part) => this.#env.readable(part.file)));
    if (readable.every(Boolean) || entry.abort !== attempt) return true;
    const lost = request.parts.filter((_, at) => !readable[at]);
    const kept = request.parts.filter((_, at) => readable[at]);
    if (kept.length === 0) this.#drop(entry);
    else this.#renew(entry, kept);
    this.#events.settled(
      { ...request, parts: lost },
      lost.map((): FileResult => ({ kind: 'rejected', failure: UNREADABLE })),
    );
    return false;
  }

  #renew(entry: Entry, parts: readonly Part[]): void {
    entry.request = { ...entry.request, parts, key: this.#env.newKey() };
    entry.abort = null;
    entry.attempts = 0;
    this.#events.waiting(entry.request, 0);
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}
