/**
 * The socket is a hint, the list is the truth: asks the list about jobs that have been silent too long,
 * once for all of them. Owns its clock; what comes back is handed on to be merged.
 */
import { ApiError, listByIds } from '../api/client';
import type { Image } from '../api/types';

const SILENT_MS = 10_000;
// A job asked about again and again waits longer each time, up to a minute.
const SLOWEST_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
// The API's own bound on `ids`.
const IDS_PER_REQUEST = 100;

interface Watched {
  lastEventAt: number;
  pollAfterMs: number;
}

/** The jobs to ask about now. Pure. */
export function silentJobs(jobs: ReadonlyMap<string, Watched>, now: number): string[] {
  return [...jobs].filter(([, job]) => now - job.lastEventAt >= job.pollAfterMs).map(([id]) => id);
}

export class SilentJobPoller {
  #jobs = new Map<string, Watched>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #asking = false;

  constructor(
    readonly answers: {
      merge(images: readonly Image[]): void;
      /** the list does not know the job any more */
      gone(jobId: string): void;
    },
  ) {}

  heard(jobId: string): void {
    this.#jobs.set(jobId, { lastEventAt: Date.now(), pollAfterMs: SILENT_MS });
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  over(jobId: string): void {
    this.#jobs.delete(jobId);
    if (this.#jobs.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const now = Date.now();
    const silent = silentJobs(this.#jobs, now);
    try {
      for (let at = 0; at < silent.length; at += IDS_PER_REQUEST) {
        const ids = silent.slice(at, at + IDS_PER_REQUEST);
        for (const id of ids) this.#postpone(id, now);
        const images = await listByIds(ids);
        this.answers.merge(images);
        const known = new Set(images.map((image) => image.job_id));
        for (const id of ids) if (!known.has(id)) this.answers.gone(id);
      }
    } catch (fault) {
      // Not reachable: the next look asks again.
      if (!(fault instanceof ApiError)) throw fault;
    } finally {
      this.#asking = false;
    }
  }

  #postpone(id: string, now: number): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    this.#jobs.set(id, { lastEventAt: now, pollAfterMs: Math.min(SLOWEST_MS, job.pollAfterMs * 1.5) });
  }
}
