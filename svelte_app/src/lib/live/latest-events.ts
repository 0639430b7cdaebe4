/**
 * The newest state of each job, from any source: events, snapshots, lists, HTTP responses. Events may
 * arrive twice, out of order, or before the HTTP response that names their job. No I/O.
 */
import type { JobEvent } from './messages';

// Events that arrive before their HTTP response are kept until it arrives. 20,000 entries take about 10 MB.
const MAX_ENTRIES = 20_000;

export class LatestEvents {
  #latest = new Map<string, JobEvent>();
  #deleted = new Set<string>();

  /** Stores the event if its version is the highest yet. False if it is outdated or its job was deleted. */
  merge(event: JobEvent): boolean {
    if (this.#deleted.has(event.job_id)) return false;
    const previous = this.#latest.get(event.job_id);
    if (previous && previous.version >= event.version) return false;
    // The event is inserted again, so that the first key is always the job whose last event is the oldest.
    this.#latest.delete(event.job_id);
    this.#latest.set(event.job_id, event);
    evictOldest(this.#latest);
    return true;
  }

  get(jobId: string): JobEvent | undefined {
    return this.#latest.get(jobId);
  }

  markDeleted(jobId: string): void {
    this.#latest.delete(jobId);
    this.#deleted.add(jobId);
    evictOldest(this.#deleted);
  }
}

/** Maps and sets iterate in insertion order. */
function evictOldest(entries: Map<string, unknown> | Set<string>): void {
  if (entries.size <= MAX_ENTRIES) return;
  const oldest = entries.keys().next();
  if (!oldest.done) entries.delete(oldest.value);
}
