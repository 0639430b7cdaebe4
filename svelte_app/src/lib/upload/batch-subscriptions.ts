/**
 * Which batches the page listens to. The batch of the next drop is followed before it exists, so that no
 * news of it is missed; it also keeps an idle page's connection narrow: one that follows nothing hears all.
 */
import { live } from '../live/live-events.svelte';
import type { Topic } from '../live/messages';
import { uuid } from '../uuid';

export class BatchSubscriptions {
  #stops = new Map<string, () => void>();
  #next = this.#prepare();

  /** The id the next drop will have, if it needs one. */
  get next(): string {
    return this.#next.id;
  }

  /** The next batch is in use now: it is followed until all work is over, and another one prepared. */
  take(): void {
    this.#stops.set(this.#next.id, this.#next.stop);
    this.#next = this.#prepare();
  }

  /** A job is worked on again after its batch was let go. */
  subscribeToJob(jobId: string): void {
    this.#stops.get(jobId)?.();
    this.#stops.set(jobId, live.follow({ type: 'jobs', ids: [jobId] }));
  }

  unsubscribeAll(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  #prepare(): { id: string; stop: () => void } {
    const id = uuid();
    const topic: Topic = { type: 'batch', id };
    return { id, stop: live.follow(topic) };
  }
}
