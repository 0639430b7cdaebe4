/**
 * Polls the list API for jobs without recent WebSocket events, because events can be lost. One request covers
 * up to 100 jobs. Passes the results to the caller.
 */
import { ApiError, listByIds } from '../api/client';
import type { Image } from '../api/types';

const POLL_AFTER_MS = 10_000;
// After each poll without an event, the job's interval grows by half, up to this value.
const MAX_POLL_AFTER_MS = 60_000;
const POLL_FACTOR = 1.5;
const CHECK_INTERVAL_MS = 2_000;
// The API's limit for the parameter `ids`.
const IDS_PER_REQUEST = 100;

interface WatchedJob {
  lastEventAt: number;
  pollAfterMs: number;
}

/** The ids of the jobs to poll now. Pure. */
export function silentJobs(jobs: ReadonlyMap<string, WatchedJob>, now: number): string[] {
  return [...jobs].filter(([, job]) => now - job.lastEventAt >= job.pollAfterMs).map(([id]) => id);
}

export class SilentJobPoller {
  #jobs = new Map<string, WatchedJob>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #polling = false;

  constructor(
    readonly results: {
      onImages(images: readonly Image[]): void;
      /** the list does not contain the job: it was deleted */
      onMissing(jobId: string): void;
    },
  ) {}

  /** Starts watching a job. Also called for each event of the job, which restarts its polling interval. */
  watch(jobId: string): void {
    this.#jobs.set(jobId, { lastEventAt: Date.now(), pollAfterMs: POLL_AFTER_MS });
    this.#timer ??= setInterval(() => void this.#poll(), CHECK_INTERVAL_MS);
  }

  /** Stops watching a final job. */
  unwatch(jobId: string): void {
    this.#jobs.delete(jobId);
    if (this.#jobs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    const now = Date.now();
    const silent = silentJobs(this.#jobs, now);
    try {
      for (let start = 0; start < silent.length; start += IDS_PER_REQUEST) {
        const ids = silent.slice(start, start + IDS_PER_REQUEST);
        for (const id of ids) this.#postpone(id, now);
        const images = await listByIds(ids);
        this.results.onImages(images);
        const listedIds = new Set(images.map((image) => image.job_id));
        for (const id of ids) if (!listedIds.has(id)) this.results.onMissing(id);
      }
    } catch (error) {
      // The server cannot be reached. The next poll sends the request again.
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.#polling = false;
    }
  }

  #postpone(id: string, now: number): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    const pollAfterMs = Math.min(MAX_POLL_AFTER_MS, job.pollAfterMs * POLL_FACTOR);
    this.#jobs.set(id, { lastEventAt: now, pollAfterMs });
  }
}
