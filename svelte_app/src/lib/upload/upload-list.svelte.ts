/**
 * The upload list: items, totals and speed. Every change of an item goes through this class, which updates the
 * totals with it. Byte counts update the items once per frame. Sends nothing. uploads.svelte.ts has the only
 * instance.
 */
import { oncePerFrame } from '../animation-frame';
import { bytesPerFile } from './bytes-per-file';
import { isInUpload, type Phase } from './phase';
import type { UploadRequest } from './request-queue';
import { TotalsCounter, type Totals } from './totals';
import type { UploadItem } from './upload-item.svelte';
import { MODE_PLANS } from './upload-modes';
import { UploadSpeed } from './upload-speed';

export class UploadList {
  items = $state.raw<readonly UploadItem[]>([]);
  totals = $state.raw<Totals>(new TotalsCounter().totals);
  /** 0 while unknown */
  bytesPerSecond = $state(0);

  #counter = new TotalsCounter();
  #speed = new UploadSpeed();
  #byId = new Map<number, UploadItem>();
  #byJobId = new Map<string, UploadItem>();
  #progress = new Map<UploadRequest, { loaded: number; total: number }>();
  readonly #scheduleUpdate = oncePerFrame(() => this.#update());

  /** @param onTotals called after the totals have changed, at most once per frame */
  constructor(readonly onTotals: (totals: Totals) => void) {}

  add(items: readonly UploadItem[]): void {
    for (const item of items) {
      this.#byId.set(item.id, item);
      this.#counter.change(null, counted(item));
    }
    this.items = [...this.items, ...items];
    this.#scheduleUpdate();
  }

  /** Removes items from the list. */
  remove(items: ReadonlySet<UploadItem>): void {
    if (items.size === 0) return;
    for (const item of items) {
      this.#counter.change(counted(item), null);
      this.#byId.delete(item.id);
      if (item.jobId !== null) this.#byJobId.delete(item.jobId);
    }
    this.items = this.items.filter((item) => !items.has(item));
    this.#scheduleUpdate();
  }

  byId(id: number): UploadItem | undefined {
    return this.#byId.get(id);
  }

  byJobId(jobId: string): UploadItem | undefined {
    return this.#byJobId.get(jobId);
  }

  /** The items of a request that are still on the list. */
  ofRequest(request: UploadRequest): UploadItem[] {
    return request.parts.flatMap((part) => this.#byId.get(part.id) ?? []);
  }

  /** Records that the server has accepted the file. */
  setAccepted(item: UploadItem, jobId: string): void {
    const before = counted(item);
    item.file = null;
    item.jobId = jobId;
    this.#byJobId.set(jobId, item);
    this.#counter.change(before, counted(item));
  }

  setPhase(item: UploadItem, phase: Phase, sent: number): void {
    const before = counted(item);
    item.phase = phase;
    item.sent = sent;
    this.#counter.change(before, counted(item));
    this.#scheduleUpdate();
  }

  /** Records the byte count of a running request. Its items are updated with the next frame. */
  setProgress(request: UploadRequest, loaded: number, total: number): void {
    this.#progress.set(request, { loaded, total });
    this.#scheduleUpdate();
  }

  /** Discards the byte count of a request that is not running any more. */
  clearProgress(request: UploadRequest): void {
    this.#progress.delete(request);
  }

  /** Restarts the speed measurement: the speed before a pause does not predict the time left. */
  resetSpeed(): void {
    this.#speed.reset();
  }

  #update(): void {
    for (const [request, { loaded, total }] of this.#progress) this.#updateItems(request, loaded, total);
    this.#progress.clear();
    this.totals = this.#counter.totals;
    if (this.totals.inUpload > 0) this.#speed.addSample(this.totals.bytesSent, performance.now());
    else this.#speed.reset();
    this.bytesPerSecond = this.#speed.bytesPerSecond;
    this.onTotals(this.totals);
  }

  #updateItems(request: UploadRequest, loaded: number, total: number): void {
    const sizes = request.parts.map((part) => part.file.size);
    const sentPerFile = bytesPerFile(sizes, loaded, total);
    // In sync mode the response contains the thumbnails: the server is processing.
    const processing = loaded >= total && request.url === MODE_PLANS.sync.url;
    for (const [index, part] of request.parts.entries()) {
      const item = this.#byId.get(part.id);
      if (!item || !isInUpload(item.phase.kind)) continue;
      const sent = sentPerFile[index] ?? 0;
      const uploaded = loaded >= total || (sent >= item.size && item.size > 0);
      this.setPhase(item, uploaded ? { kind: 'uploaded', processing } : { kind: 'uploading' }, sent);
    }
  }
}

const counted = ({ size, sent, phase, jobId }: UploadItem): Parameters<TotalsCounter['change']>[0] => ({
  size,
  sent,
  kind: phase.kind,
  accepted: jobId !== null,
});
