/**
 * The WebSocket subscriptions of the page's own batches. The id of the next batch is generated and subscribed
 * to in advance, so that none of its events are missed. The subscription also limits the traffic of an
 * idle page: a connection without any subscription receives the events of all images.
 */
import { live } from '../live/live-events.svelte';
import type { Topic } from '../live/messages';
import { uuid } from '../uuid';

export class BatchSubscriptions {
  /** batch or job id → unsubscribe */
  #unsubscribe = new Map<string, () => void>();
  #next = this.#subscribeNext();

  /** The id for the next batch. */
  get nextId(): string {
    return this.#next.id;
  }

  /** Marks the next batch id as used and generates a new one. Its subscription stays until unsubscribeAll. */
  useNextId(): void {
    this.#unsubscribe.set(this.#next.id, this.#next.unsubscribe);
    this.#next = this.#subscribeNext();
  }

  /** Subscribes to a job that is retried after its batch was unsubscribed. */
  subscribeToJob(jobId: string): void {
    this.#unsubscribe.get(jobId)?.();
    this.#unsubscribe.set(jobId, live.subscribe({ type: 'jobs', ids: [jobId] }));
  }

  /** Ends all subscriptions except that of the next batch. */
  unsubscribeAll(): void {
    for (const unsubscribe of this.#unsubscribe.values()) unsubscribe();
    this.#unsubscribe.clear();
  }

  #subscribeNext(): { id: string; unsubscribe: () => void } {
    const id = uuid();
    const topic: Topic = { type: 'batch', id };
    return { id, unsubscribe: live.subscribe(topic) };
  }
}
