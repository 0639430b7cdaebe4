/**
 * Takes files in, feeds the queue, and turns answers and news into what the list shows. Lives outside the
 * views, so that an upload goes on while another is looked at. The views' one door to uploading.
 */
import { abortJob, ApiError, changeBatch, retryJob } from '../api/client';
import type { Image, Limits } from '../api/types';
import { forEachConcurrent } from '../concurrency';
import { live } from '../live/live-events.svelte';
import type { JobEvent } from '../live/messages';
import { uuid } from '../uuid';
import { isRetryableCode, UNREADABLE, type FileResult } from './read-response';
import { BatchSubscriptions } from './batch-subscriptions';
import { browserEnvironment } from './browser-environment';
import { UploadItem } from './upload-item.svelte';
import { UploadList } from './upload-list.svelte';
import { MODE_PLANS, buildRequests, type UploadPlan, type Mode } from './upload-modes';
import { isInProcessing, isDone, isInUpload, phaseOfJob, type Phase } from './phase';
import { RequestQueue, type Part, type UploadRequest } from './request-queue';
import { validateFile } from './file-validation';
import { SilentJobPoller } from './silent-job-polling';

class Uploads {
  /** the batch of the latest drop that has one and was accepted */
  batchId = $state<string | null>(null);

  #count = 0;
  /** requests that failed as a whole, by item: sent again as they were, under the key that is safe */
  #unsent = new Map<UploadItem, { request: UploadRequest; maybeStored: boolean }>();
  #plans = new Map<UploadItem, UploadPlan>();
  #batches = new BatchSubscriptions();
  readonly items = new UploadList((totals) => {
    if (totals.inUpload + totals.inProcessing === 0) this.#batches.unsubscribeAll();
  });
  #watch = new SilentJobPoller({ merge: (images) => live.merge(images), gone: (id) => live.remove(id) });
  #queue = new RequestQueue(
    {
      started: (request) => this.#all(request, { kind: 'uploading' }),
      bytes: (request, loaded, total) => this.items.requestProgress(request, loaded, total),
      waiting: (request, delayMs) => {
        this.items.requestStopped(request);
        this.items.resetSpeed();
        this.#all(request, delayMs === 0 ? { kind: 'queued' } : { kind: 'waiting', delayMs });
      },
      settled: (request, results) => this.#settle(request, results),
    },
    browserEnvironment,
  );

  constructor() {
    live.listen({
      news: (news) => news.forEach((one) => this.#hear(one)),
      removed: (jobId) => this.#removed(jobId),
    });
    window.addEventListener('online', () => this.#queue.startRequests());
    window.addEventListener('offline', () => this.#queue.startRequests());
    window.addEventListener('beforeunload', (event) => {
      if (this.#queue.busy) event.preventDefault();
    });
  }

  /**
   * Takes files in: refuses what breaks the limits, cuts the rest into requests and sends them.
   * @param unreadable names of files that were meant too but cannot be read
   */
  add(files: readonly File[], mode: Mode, limits: Limits | null, unreadable: readonly string[]): void {
    const plan = { ...MODE_PLANS[mode], batch: MODE_PLANS[mode].batched ? this.#batches.next : null };
    const taken: Part[] = [];
    const items = files.map((file) => {
      const item = new UploadItem((this.#count += 1), file.name, file.size, file);
      const failure = limits && validateFile(file, limits);
      if (failure) {
        item.phase = { kind: 'refused', failure };
        item.file = null;
      } else {
        this.#plans.set(item, plan);
        taken.push({ id: item.id, file });
      }
      return item;
    });
    this.items.add([...items, ...unreadable.map((name) => this.#unreadable(name))]);
    if (plan.batch !== null && taken.length > 0) this.#batches.take();
    this.#queue.add(buildRequests(taken, plan, limits));
  }

  /** Sends a failed file again: as its request was, or alone; or has its failed job worked on again. */
  async retry(item: UploadItem): Promise<void> {
    if (item.phase.kind !== 'failed') return;
    if (item.jobId !== null) {
      live.merge([await retryJob(item.jobId)]);
      this.#batches.subscribeToJob(item.jobId);
      return;
    }
    const unsent = this.#unsent.get(item);
    const plan = this.#plans.get(item);
    if (unsent) {
      const key = unsent.maybeStored ? unsent.request.key : uuid();
      const request = { ...unsent.request, key };
      for (const one of this.items.of(request)) this.#unsent.delete(one);
      this.#all(request, { kind: 'queued' });
      this.#queue.add([request]);
    } else if (item.file && plan) {
      this.items.set(item, { kind: 'queued' }, 0);
      this.#queue.add(buildRequests([{ id: item.id, file: item.file }], plan, null));
    }
  }

  mayRetry(item: UploadItem): boolean {
    const { phase } = item;
    if (phase.kind !== 'failed' || !isRetryableCode(phase.failure.code)) return false;
    return item.jobId !== null || item.file !== null;
  }

  /** A file whose bytes wait or travel is taken out; one the server has is stopped there. */
  async cancel(items: readonly UploadItem[]): Promise<void> {
    const inUpload = items.filter((item) => isInUpload(item.phase.kind));
    const inProcessing = items.filter((item) => isInProcessing(item.phase.kind));
    const called = new Set(this.#queue.cancel(new Set(inUpload.map((item) => item.id))));
    for (const item of inUpload) {
      if (!called.has(item.id)) item.cancelRequested = true;
      else {
        item.file = null;
        this.items.set(item, { kind: 'cancelled' }, 0);
      }
    }
    await forEachConcurrent(inProcessing, (item) => this.#abort(item));
  }

  /** Cancels whatever is not over. */
  async cancelAll(): Promise<void> {
    const batches = new Set<string>();
    const single = this.items.list.filter((item) => {
      const batch = isInProcessing(item.phase.kind) && live.book.get(item.jobId ?? '')?.batch_id;
      if (batch) batches.add(batch);
      return !batch;
    });
    await this.cancel(single);
    await forEachConcurrent(batches, (batch) => changeBatch(batch, 'abort'));
  }

  /** Takes what is over off the list; what failed, and may be tried again, only when asked. */
  clear({ failed }: { failed: boolean }): void {
    const goes = ({ phase: { kind } }: UploadItem): boolean => isDone(kind) && (failed || kind !== 'failed');
    const gone = new Set(this.items.list.filter(goes));
    for (const item of gone) {
      this.#unsent.delete(item);
      this.#plans.delete(item);
    }
    this.items.drop(gone);
  }

  async #abort(item: UploadItem): Promise<void> {
    if (item.jobId === null) return;
    try {
      live.merge([await abortJob(item.jobId)]);
    } catch (fault) {
      // Finished before the word came: what it has become is told by the news.
      if (!(fault instanceof ApiError && fault.code === 'not_abortable')) throw fault;
    }
  }

  #settle(request: UploadRequest, results: readonly FileResult[]): void {
    this.items.requestStopped(request);
    for (const [at, part] of request.parts.entries()) {
      const item = this.items.get(part.id);
      const result = results[at];
      if (!item || !result) continue;
      if (result.kind === 'accepted') this.#accept(item, result.image);
      else {
        const hopeless = result.kind === 'rejected' && !isRetryableCode(result.failure.code);
        if (hopeless) item.file = null;
        if (result.kind === 'unsent') this.#unsent.set(item, { request, maybeStored: result.maybeStored });
        const phase: Phase = item.cancelRequested
          ? { kind: 'cancelled' }
          : { kind: 'failed', failure: result.failure };
        this.items.set(item, phase, 0);
      }
    }
  }

  #accept(item: UploadItem, image: Image): void {
    this.#plans.delete(item);
    const before = item.phase;
    this.items.accept(item, image.job_id);
    // Merged before the item is told: news of this job may have come first and be newer.
    live.merge([image]);
    if (item.phase === before) this.#tell(item, live.book.get(image.job_id) ?? image);
    if (image.batch_id !== null) this.batchId = image.batch_id;
    // A failure here is no loss: the file then ends as if it had not been cancelled.
    if (item.cancelRequested && isInProcessing(item.phase.kind))
      void this.#abort(item).catch(() => undefined);
  }

  #hear(news: JobEvent): void {
    const item = this.items.ofJob(news.job_id);
    if (item) this.#tell(item, news);
  }

  #tell(item: UploadItem, news: JobEvent): void {
    const phase = phaseOfJob(news);
    if (isInProcessing(phase.kind)) this.#watch.heard(news.job_id);
    else this.#watch.over(news.job_id);
    this.items.set(item, phase, item.size);
  }

  #removed(jobId: string): void {
    this.#watch.over(jobId);
    const item = this.items.ofJob(jobId);
    if (item) this.items.drop(new Set([item]));
  }

  #unreadable(name: string): UploadItem {
    const item = new UploadItem((this.#count += 1), name, 0, null);
    item.phase = { kind: 'refused', failure: UNREADABLE };
    return item;
  }

  #all(request: UploadRequest, phase: Phase): void {
    for (const item of this.items.of(request)) this.items.set(item, phase, 0);
  }
}

export const uploads = new Uploads();
