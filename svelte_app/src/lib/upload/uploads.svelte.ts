/**
 * The upload list: takes files in, feeds the queue, and keeps every item, the totals and the jobs in step.
 * Lives outside the views, so that an upload goes on while another is looked at. The one writer of items.
 */
import { retryJob } from '../api/client';
import type { Image, Limits } from '../api/types';
import { oncePerFrame } from '../frame';
import { live } from '../live/live.svelte';
import type { News } from '../live/messages';
import { uuid } from '../uuid';
import { mayRetryFile, type FileResult } from './answers';
import { attribute } from './attribution';
import { cutIntoRequests } from './cutting';
import { environment } from './environment';
import { UploadItem } from './item.svelte';
import { PLANS, type Mode, type ModePlan } from './modes';
import { isAtWork, isOver, isTravelling, phaseOfJob, type Phase } from './phase';
import { UploadQueue, type Part, type UploadRequest } from './queue';
import { refuse } from './refusal';
import { SilenceWatch } from './silence';
import { Speed } from './speed';
import { Tally, type Totals } from './tally';

class Uploads {
  mode = $state<Mode>('batch');
  items = $state.raw<readonly UploadItem[]>([]);
  totals = $state.raw<Totals>(new Tally().totals);
  /** bytes a second; 0 while unknown */
  rate = $state(0);
  /** the batch of the latest drop that has one and was accepted */
  batchId = $state<string | null>(null);

  #tally = new Tally();
  #speed = new Speed();
  #count = 0;
  #byId = new Map<number, UploadItem>();
  #byJob = new Map<string, UploadItem>();
  /** requests that failed as a whole, by item: sent again as they were, under the key that is safe */
  #unsent = new Map<UploadItem, { request: UploadRequest; maybeStored: boolean }>();
  #plans = new Map<number, ModePlan & { batch: string | null }>();
  #followed = new Map<string, () => void>();
  /**
   * The batch of the next drop, followed before it exists, so that no news of it is missed. It also keeps
   * an idle page's connection narrow: one that follows nothing hears everything.
   */
  #nextBatch = this.#prepareBatch();
  #bytes = new Map<UploadRequest, { loaded: number; total: number }>();
  #publish = oncePerFrame(() => this.#flush());
  #watch = new SilenceWatch({ merge: (images) => live.merge(images), gone: (id) => live.remove(id) });
  #queue = new UploadQueue(
    {
      started: (request) => this.#each(request, (item) => this.#set(item, { kind: 'uploading' }, 0)),
      bytes: (request, loaded, total) => {
        this.#bytes.set(request, { loaded, total });
        this.#publish();
      },
      waiting: (request, delayMs) => {
        this.#bytes.delete(request);
        // What was fast before the pause says nothing about the time left.
        this.#speed.reset();
        const phase: Phase = delayMs === 0 ? { kind: 'queued' } : { kind: 'waiting', delayMs };
        this.#each(request, (item) => this.#set(item, phase, 0));
      },
      settled: (request, results) => this.#settle(request, results),
    },
    environment,
  );

  constructor() {
    live.listen({
      news: (news) => news.forEach((one) => this.#hear(one)),
      removed: (jobId) => this.#removed(jobId),
    });
    window.addEventListener('online', () => this.#queue.pump());
    window.addEventListener('offline', () => this.#queue.pump());
    window.addEventListener('beforeunload', (event) => {
      if (this.#queue.busy) event.preventDefault();
    });
  }

  /** Takes files in: refuses what breaks the limits, cuts the rest into requests and sends them. */
  add(files: readonly File[], limits: Limits | null): void {
    const plan = { ...PLANS[this.mode], batch: PLANS[this.mode].batched ? this.#nextBatch.id : null };
    const items = files.map((file) => new UploadItem((this.#count += 1), file.name, file.size, file));
    const taken: Part[] = [];
    for (const [at, file] of files.entries()) {
      const item = items[at];
      if (!item) continue;
      const failure = limits && refuse(file, limits);
      if (failure) {
        item.phase = { kind: 'refused', failure };
        item.file = null;
      } else {
        this.#plans.set(item.id, plan);
        taken.push({ id: item.id, file });
      }
      this.#byId.set(item.id, item);
      this.#tally.change(null, { size: item.size, sent: 0, kind: item.phase.kind, accepted: false });
    }
    this.items = [...this.items, ...items];
    if (plan.batch !== null && taken.length > 0) {
      this.#followed.set(plan.batch, this.#nextBatch.stop);
      this.#nextBatch = this.#prepareBatch();
    }
    this.#send(taken, plan, limits);
    this.#publish();
  }

  /** Sends a failed file again: as its request was, or alone; or has its failed job worked on again. */
  async retry(item: UploadItem): Promise<void> {
    const { phase } = item;
    if (phase.kind !== 'failed') return;
    if (phase.jobId !== null) {
      live.merge([await retryJob(phase.jobId)]);
      this.#followed.get(phase.jobId)?.();
      this.#followed.set(phase.jobId, live.follow({ type: 'jobs', ids: [phase.jobId] }));
      return;
    }
    const unsent = this.#unsent.get(item);
    const plan = this.#plans.get(item.id);
    if (unsent) {
      const key = unsent.maybeStored ? unsent.request.key : uuid();
      const request = { ...unsent.request, key };
      this.#each(request, (one) => {
        this.#unsent.delete(one);
        this.#set(one, { kind: 'queued' }, 0);
      });
      this.#queue.add([request]);
    } else if (item.file && plan) {
      this.#set(item, { kind: 'queued' }, 0);
      this.#send([{ id: item.id, file: item.file }], plan, null);
    }
  }

  mayRetry(item: UploadItem): boolean {
    const { phase } = item;
    if (phase.kind !== 'failed' || !mayRetryFile(phase.failure.code)) return false;
    return phase.jobId !== null || item.file !== null;
  }

  /** Takes out every file whose bytes still wait or travel. */
  cancelTravelling(): void {
    const ids = this.items.filter((item) => isTravelling(item.phase.kind)).map((item) => item.id);
    for (const id of this.#queue.cancel(new Set(ids))) {
      const item = this.#byId.get(id);
      if (item) this.#set(item, { kind: 'cancelled' }, 0);
    }
  }

  /** Leaves only what is still on its way. */
  clear(): void {
    for (const item of this.items) if (isOver(item.phase.kind)) this.#forget(item);
    this.items = this.items.filter((item) => !isOver(item.phase.kind));
    this.#publish();
  }

  #send(parts: readonly Part[], plan: ModePlan & { batch: string | null }, limits: Limits | null): void {
    const cut = {
      files: Math.min(plan.cut.files, limits?.files_per_request ?? Infinity),
      bytes: Math.min(plan.cut.bytes, limits?.bytes_per_request ?? Infinity),
    };
    const sized = parts.map((part) => ({ ...part, size: part.file.size }));
    const url = plan.batch === null ? plan.url : `${plan.url}?batch=${plan.batch}`;
    const requests = cutIntoRequests(sized, cut).map((cutParts) => ({
      url,
      field: plan.field,
      key: uuid(),
      parts: cutParts,
    }));
    this.#queue.add(requests);
  }

  #settle(request: UploadRequest, results: readonly FileResult[]): void {
    this.#bytes.delete(request);
    for (const [at, part] of request.parts.entries()) {
      const item = this.#byId.get(part.id);
      const result = results[at];
      if (!item || !result) continue;
      if (result.kind === 'accepted') this.#accept(item, result.image);
      else {
        const hopeless = result.kind === 'rejected' && !mayRetryFile(result.failure.code);
        if (hopeless) item.file = null;
        if (result.kind === 'unsent') this.#unsent.set(item, { request, maybeStored: result.maybeStored });
        this.#set(item, { kind: 'failed', failure: result.failure, jobId: null }, 0);
      }
    }
  }

  #accept(item: UploadItem, image: Image): void {
    item.file = null;
    this.#plans.delete(item.id);
    this.#byJob.set(image.job_id, item);
    // Confirmed before the item is told: news of this job may have come first and be newer.
    live.merge([image]);
    this.#tell(item, live.book.get(image.job_id) ?? image);
    if (image.batch_id !== null) this.batchId = image.batch_id;
  }

  #hear(news: News): void {
    const item = this.#byJob.get(news.job_id);
    if (item) this.#tell(item, news);
  }

  #tell(item: UploadItem, news: News): void {
    const phase = phaseOfJob(news);
    if (isAtWork(phase.kind)) this.#watch.heard(news.job_id);
    else this.#watch.over(news.job_id);
    this.#set(item, phase, item.size, true);
  }

  #removed(jobId: string): void {
    const item = this.#byJob.get(jobId);
    this.#watch.over(jobId);
    if (!item) return;
    this.#forget(item);
    this.items = this.items.filter((other) => other !== item);
    this.#publish();
  }

  #forget(item: UploadItem): void {
    const { size, sent, accepted, phase } = item;
    this.#tally.change({ size, sent, accepted, kind: phase.kind }, null);
    this.#byId.delete(item.id);
    this.#unsent.delete(item);
    if ('jobId' in phase && phase.jobId !== null) this.#byJob.delete(phase.jobId);
  }

  #prepareBatch(): { id: string; stop: () => void } {
    const id = uuid();
    return { id, stop: live.follow({ type: 'batch', id }) };
  }

  #each(request: UploadRequest, change: (item: UploadItem) => void): void {
    for (const part of request.parts) {
      const item = this.#byId.get(part.id);
      if (item) change(item);
    }
  }

  #set(item: UploadItem, phase: Phase, sent: number, accepted = item.accepted): void {
    const before = { size: item.size, sent: item.sent, kind: item.phase.kind, accepted: item.accepted };
    item.phase = phase;
    item.sent = sent;
    item.accepted = accepted;
    this.#tally.change(before, { size: item.size, sent, kind: phase.kind, accepted });
    this.#publish();
  }

  /** Once a frame: bytes to their files, then the totals. */
  #flush(): void {
    for (const [request, { loaded, total }] of this.#bytes) {
      const sizes = request.parts.map((part) => part.file.size);
      const sent = attribute(sizes, loaded, total);
      // The answer to a synchronous upload is its result: what is awaited is the work.
      const working = loaded >= total && request.url === PLANS.sync.url;
      for (const [at, part] of request.parts.entries()) {
        const item = this.#byId.get(part.id);
        if (!item || !isTravelling(item.phase.kind)) continue;
        const done = sent[at] ?? 0;
        const arrived = loaded >= total || (done >= item.size && item.size > 0);
        this.#set(item, arrived ? { kind: 'arrived', working } : { kind: 'uploading' }, done);
      }
    }
    this.#bytes.clear();
    this.totals = this.#tally.totals;
    if (this.totals.travelling > 0) this.#speed.sample(this.totals.bytesSent, performance.now());
    else this.#speed.reset();
    this.rate = this.#speed.rate;
    if (this.totals.travelling + this.totals.atWork === 0) this.#unfollow();
  }

  #unfollow(): void {
    for (const stop of this.#followed.values()) stop();
    this.#followed.clear();
  }
}

export const uploads = new Uploads();
