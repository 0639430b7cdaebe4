/**
 * The latest that is known of each job, by whichever way it came: frames, snapshots, lists, answers.
 * News may come twice, out of order, and before the answer that names its job. Pure but for its own map.
 */
import type { JobEvent } from './messages';

// Early news waits here for its answer; 20,000 entries are about 10 MB, far more than waits at once.
const REMEMBERED = 20_000;

export class LatestEvents {
  #latest = new Map<string, JobEvent>();
  #removed = new Set<string>();

  /** Keeps the highest version. True when this was news. What was removed stays gone, whatever comes late. */
  merge(news: JobEvent): boolean {
    if (this.#removed.has(news.job_id)) return false;
    const known = this.#latest.get(news.job_id);
    if (known && known.version >= news.version) return false;
    // Re-inserted, so that the oldest entry of the map is the one unheard of for longest.
    this.#latest.delete(news.job_id);
    this.#latest.set(news.job_id, news);
    dropOldest(this.#latest);
    return true;
  }

  get(jobId: string): JobEvent | undefined {
    return this.#latest.get(jobId);
  }

  remove(jobId: string): void {
    this.#latest.delete(jobId);
    this.#removed.add(jobId);
    dropOldest(this.#removed);
  }
}

/** Maps and sets alike go through their keys in the order in which they came. */
function dropOldest(book: Map<string, unknown> | Set<string>): void {
  if (book.size <= REMEMBERED) return;
  const oldest = book.keys().next();
  if (!oldest.done) book.delete(oldest.value);
}
