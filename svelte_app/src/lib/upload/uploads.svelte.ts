/**
 * The uploads: adds files to the queue, applies responses and events to the upload list, and offers the
 * actions of the views (retry, cancel, clear). There is one instance outside the views, so that uploads
 * continue when the view changes.
 */
import { abortJob, ApiError, postBatchAction, retryJob } from '../api/client';
import type { Image, Limits } from '../api/types';
import { forEachConcurrent } from '../concurrency';
import { live } from '../live/live-events.svelte';
import type { JobEvent } from '../live/messages';
import { uuid } from '../uuid';
import { BatchSubscriptions } from './batch-subscriptions';
import { browserEnvironment } from './browser-environment';
import { validateFile } from './file-validation';
import { isDone, isInProcessing, isInUpload, phaseOfJob, type Phase } from './phase';
import { isRetryableCode, UNREADABLE, type FileResult } from './read-response';
import { RequestQueue, type Part, type UploadRequest } from './request-queue';
import { SilentJobPoller } from './silent-job-polling';
import { UploadItem } from './upload-item.svelte';
import { UploadList } from './upload-list.svelte';
import { buildRequests, MODE_PLANS, type Mode, type UploadPlan } from './upload-modes';

class Uploads {
  /** the batch of the latest accepted drop, if it has one */
  batchId = $state<string | null>(null);

  #itemCount = 0;
  /** item → its request, if that failed as a whole: a retry sends the whole request again */
  #unsent = new Map<UploadItem, { request: UploadRequest; maybeStored: boolean }>();
  #plans = new Map<UploadItem, UploadPlan>();
  #subscriptions = new BatchSubscriptions();
  readonly list = new UploadList((totals) => {
    if (totals.inUpload + totals.inProcessing === 0) this.#subscriptions.unsubscribeAll();
  });
  #poller = new SilentJobPoller({
    onImages: (images) => live.merge(images),
    onMissing: (jobId) => live.markDeleted(jobId),
  });
  #queue = new RequestQueue(
    {
      onStart: (request) => this.#setPhaseOfAll(request, { kind: 'uploading' }),
      onBytes: (request, loaded, total) => this.list.setProgress(request, loaded, total),
      onWait: (request, delayMs) => {
        this.list.clearProgress(request);
        this.list.resetSpeed();
        this.#setPhaseOfAll(request, delayMs === 0 ? { kind: 'queued' } : { kind: 'waiting', delayMs });
      },
      onSettled: (request, results) => this.#settle(request, results),
    },
    browserEnvironment,
  );

  constructor() {
    live.addListener({
      onEvents: (events) => events.forEach((event) => this.#applyEvent(event)),
      onDeleted: (jobId) => this.#removeDeleted(jobId),
    });
    window.addEventListener('online', () => this.#queue.startRequests());
    window.addEventListener('offline', () => this.#queue.startRequests());
    window.addEventListener('beforeunload', (event) => {
      if (this.#queue.busy) event.preventDefault();
    });
  }

  /**
   * Adds files to the list, marks files that exceed the limits as invalid, and sends the other files.
   * @param unreadable names of dropped files that could not be read
   */
  add(files: readonly File[], mode: Mode, limits: Limits | null, unreadable: readonly string[]): void {
    const modePlan = MODE_PLANS[mode];
    const plan = { ...modePlan, batchId: modePlan.sharesBatch ? this.#subscriptions.nextId : null };
    const valid: Part[] = [];
    const items = files.map((file) => {
      const item = new UploadItem((this.#itemCount += 1), file.name, file.size, file);
      const failure = limits && validateFile(file, limits);
      if (failure) {
        item.phase = { kind: 'invalid', failure };
        item.file = null;
      } else {
        this.#plans.set(item, plan);
        valid.push({ id: item.id, file });
      }
      return item;
    });
    this.list.add([...items, ...unreadable.map((name) => this.#unreadableItem(name))]);
    if (plan.batchId !== null && valid.length > 0) this.#subscriptions.useNextId();
    this.#queue.add(buildRequests(valid, plan, limits));
  }

  /**
   * Retries a failed file. If it has a job, the job is retried. If its request failed as a whole, that request is
   * sent again. Otherwise the file is sent in a request of its own.
   */
  async retry(item: UploadItem): Promise<void> {
    if (item.phase.kind !== 'failed') return;
    if (item.jobId !== null) {
      live.merge([await retryJob(item.jobId)]);
      this.#subscriptions.subscribeToJob(item.jobId);
      return;
    }
    const unsent = this.#unsent.get(item);
    const plan = this.#plans.get(item);
    if (unsent) {
      const key = unsent.maybeStored ? unsent.request.key : uuid();
      const request = { ...unsent.request, key };
      for (const sibling of this.list.ofRequest(request)) this.#unsent.delete(sibling);
      this.#setPhaseOfAll(request, { kind: 'queued' });
      this.#queue.add([request]);
    } else if (item.file && plan) {
      this.list.setPhase(item, { kind: 'queued' }, 0);
      this.#queue.add(buildRequests([{ id: item.id, file: item.file }], plan, null));
    }
  }

  canRetry(item: UploadItem): boolean {
    const { phase } = item;
    if (phase.kind !== 'failed' || !isRetryableCode(phase.failure.code)) return false;
    return item.jobId !== null || item.file !== null;
  }

  /** Cancels files: removes files that are not sent from the queue, and aborts the jobs of accepted files. */
  async cancel(items: readonly UploadItem[]): Promise<void> {
    const inUpload = items.filter((item) => isInUpload(item.phase.kind));
    const inProcessing = items.filter((item) => isInProcessing(item.phase.kind));
    const cancelledIds = new Set(this.#queue.cancel(new Set(inUpload.map((item) => item.id))));
    for (const item of inUpload) {
      if (!cancelledIds.has(item.id)) item.cancelRequested = true;
      else {
        item.file = null;
        this.list.setPhase(item, { kind: 'cancelled' }, 0);
      }
    }
    await forEachConcurrent(inProcessing, (item) => this.#abort(item));
  }

  /** Cancels all files that are not done. Accepted files are aborted with one request per batch. */
  async cancelAll(): Promise<void> {
    const batchIds = new Set<string>();
    const others = this.list.items.filter((item) => {
      const batchId = isInProcessing(item.phase.kind) && live.latest.get(item.jobId ?? '')?.batch_id;
      if (batchId) batchIds.add(batchId);
      return !batchId;
    });
    await this.cancel(others);
    await forEachConcurrent(batchIds, (batchId) => postBatchAction(batchId, 'abort'));
  }

  /** Removes files that are done from the list. Failed files, which can be retried, only if `failed` is true. */
  clear({ failed }: { failed: boolean }): void {
    const isCleared = ({ phase: { kind } }: UploadItem): boolean =>
      isDone(kind) && (failed || kind !== 'failed');
    const cleared = new Set(this.list.items.filter(isCleared));
    for (const item of cleared) {
      this.#unsent.delete(item);
      this.#plans.delete(item);
    }
    this.list.remove(cleared);
  }

  async #abort(item: UploadItem): Promise<void> {
    if (item.jobId === null) return;
    try {
      live.merge([await abortJob(item.jobId)]);
    } catch (error) {
      // The job finished before the request arrived. Its event reports the final status.
      if (!(error instanceof ApiError && error.code === 'not_abortable')) throw error;
    }
  }

  #settle(request: UploadRequest, results: readonly FileResult[]): void {
    this.list.clearProgress(request);
    for (const [index, part] of request.parts.entries()) {
      const item = this.list.byId(part.id);
      const result = results[index];
      if (!item || !result) continue;
      if (result.kind === 'accepted') this.#setAccepted(item, result.image);
      else {
        const isFinal = result.kind === 'rejected' && !isRetryableCode(result.failure.code);
        if (isFinal) item.file = null;
        if (result.kind === 'unsent') this.#unsent.set(item, { request, maybeStored: result.maybeStored });
        const phase: Phase = item.cancelRequested
          ? { kind: 'cancelled' }
          : { kind: 'failed', failure: result.failure };
        this.list.setPhase(item, phase, 0);
      }
    }
  }

  #setAccepted(item: UploadItem, image: Image): void {
    this.#plans.delete(item);
    const before = item.phase;
    this.list.setAccepted(item, image.job_id);
    // Merged before the phase is set, because a newer event of this job may have arrived before the response.
    live.merge([image]);
    if (item.phase === before) this.#setPhase(item, live.latest.get(image.job_id) ?? image);
    if (image.batch_id !== null) this.batchId = image.batch_id;
    // If the abort fails, the job continues and its events set the file's phase.
    if (item.cancelRequested && isInProcessing(item.phase.kind))
      void this.#abort(item).catch(() => undefined);
  }

  #applyEvent(event: JobEvent): void {
    const item = this.list.byJobId(event.job_id);
    if (item) this.#setPhase(item, event);
  }

  #setPhase(item: UploadItem, event: JobEvent): void {
    const phase = phaseOfJob(event);
    if (isInProcessing(phase.kind)) this.#poller.watch(event.job_id);
    else this.#poller.unwatch(event.job_id);
    this.list.setPhase(item, phase, item.size);
  }

  #removeDeleted(jobId: string): void {
    this.#poller.unwatch(jobId);
    const item = this.list.byJobId(jobId);
    if (item) this.list.remove(new Set([item]));
  }

  #unreadableItem(name: string): UploadItem {
    const item = new UploadItem((this.#itemCount += 1), name, 0, null);
    item.phase = { kind: 'invalid', failure: UNREADABLE };
    return item;
  }

  #setPhaseOfAll(request: UploadRequest, phase: Phase): void {
    for (const item of this.list.ofRequest(request)) this.list.setPhase(item, phase, 0);
  }
}

export const uploads = new Uploads();
