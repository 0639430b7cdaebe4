/**
 * The upload list itself: every item, the totals and the speed, kept in step. The one writer of items;
 * knows nothing of wire or server. The upload store is its only caller.
 */
import { oncePerFrame } from '../animation-frame';
import { bytesPerFile } from './bytes-per-file';
import type { UploadItem } from './upload-item.svelte';
import { MODE_PLANS } from './upload-modes';
import { isInUpload, type Phase } from './phase';
import type { UploadRequest } from './request-queue';
import { UploadSpeed } from './upload-speed';
import { TotalsCounter, type Totals } from './totals';

export class UploadList {
  list = $state.raw<readonly UploadItem[]>([]);
  totals = $state.raw<Totals>(new TotalsCounter().totals);
  /** bytes a second; 0 while unknown */
  rate = $state(0);

  #tally = new TotalsCounter();
  #speed = new UploadSpeed();
  #byId = new Map<number, UploadItem>();
  #byJob = new Map<string, UploadItem>();
  #bytes = new Map<UploadRequest, { loaded: number; total: number }>();
  readonly #publish = oncePerFrame(() => this.#flush());

  /** @param published called after the totals have changed, once a frame at most */
  constructor(readonly published: (totals: Totals) => void) {}

  add(items: readonly UploadItem[]): void {
    for (const item of items) {
      this.#byId.set(item.id, item);
      this.#tally.change(null, counted(item));
    }
    this.list = [...this.list, ...items];
    this.#publish();
  }

  /** Takes items off the list. */
  drop(gone: ReadonlySet<UploadItem>): void {
    if (gone.size === 0) return;
    for (const item of gone) {
      this.#tally.change(counted(item), null);
      this.#byId.delete(item.id);
      if (item.jobId !== null) this.#byJob.delete(item.jobId);
    }
    this.list = this.list.filter((item) => !gone.has(item));
    this.#publish();
  }

  get(id: number): UploadItem | undefined {
    return this.#byId.get(id);
  }

  ofJob(jobId: string): UploadItem | undefined {
    return this.#byJob.get(jobId);
  }

  /** The server has taken the file. */
  accept(item: UploadItem, jobId: string): void {
    const before = counted(item);
    item.file = null;
    item.jobId = jobId;
    this.#byJob.set(jobId, item);
    this.#tally.change(before, counted(item));
  }

  set(item: UploadItem, phase: Phase, sent: number): void {
    const before = counted(item);
    item.phase = phase;
    item.sent = sent;
    this.#tally.change(before, counted(item));
    this.#publish();
  }

  /** The items of a request that are still on the list. */
  of(request: UploadRequest): UploadItem[] {
    return request.parts.flatMap((part) => this.#byId.get(part.id) ?? []);
  }

  /** How far a request has come; told to its items with the next frame. */
  requestProgress(request: UploadRequest, loaded: number, total: number): void {
    this.#bytes.set(request, { loaded, total });
    this.#publish();
  }

  /** A request stands still or is over: what its bytes were is of no interest any more. */
  requestStopped(request: UploadRequest): void {
    this.#bytes.delete(request);
  }

  /** What was fast before a pause says nothing about the time left. */
  resetSpeed(): void {
    this.#speed.reset();
  }

  #flush(): void {
    for (const [request, { loaded, total }] of this.#bytes) this.#spread(request, loaded, total);
    this.#bytes.clear();
    this.totals = this.#tally.totals;
    if (this.totals.inUpload > 0) this.#speed.sample(this.totals.bytesSent, performance.now());
    else this.#speed.reset();
    this.rate = this.#speed.rate;
    this.published(this.totals);
  }

  #spread(request: UploadRequest, loaded: number, total: number): void {
    const sizes = request.parts.map((part) => part.file.size);
    const sent = bytesPerFile(sizes, loaded, total);
    // The answer to a synchronous upload is its result: what is awaited is the work.
    const working = loaded >= total && request.url === MODE_PLANS.sync.url;
    for (const [at, part] of request.parts.entries()) {
      const item = this.#byId.get(part.id);
      if (!item || !isInUpload(item.phase.kind)) continue;
      const done = sent[at] ?? 0;
      const arrived = loaded >= total || (done >= item.size && item.size > 0);
      this.set(item, arrived ? { kind: 'arrived', working } : { kind: 'uploading' }, done);
    }
  }
}

const counted = ({ size, sent, phase, jobId }: UploadItem): Parameters<TotalsCounter['change']>[0] => ({
  size,
  sent,
  kind: phase.kind,
  accepted: jobId !== null,
});
