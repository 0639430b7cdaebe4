/**
 * The state of one batch. The server counts its images; the counts are fetched again after events of the batch,
 * and at intervals until the batch is final. Each batch view has its own instance.
 */
import { ApiError, deleteBatch, getBatch, postBatchAction } from '../api/client';
import type { Batch } from '../api/types';
import { live } from '../live/live-events.svelte';

// While events arrive, the counts are fetched at most once in this time.
const COALESCE_MS = 500;
// Without events, the counts are fetched at this interval until the batch is final.
const POLL_MS = 10_000;

export class BatchState {
  value = $state.raw<Batch | null>(null);
  problem = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshAt = Infinity;
  #closed = false;

  constructor(readonly id: string) {}

  /** Keeps the batch up to date until the returned function is called. */
  open(): () => void {
    void this.#refresh();
    const removeListener = live.addListener({
      onEvents: (events) => {
        if (events.some((event) => event.batch_id === this.id)) this.#refreshIn(COALESCE_MS);
      },
      onDeleted: () => this.#refreshIn(COALESCE_MS),
    });
    return () => {
      this.#closed = true;
      clearTimeout(this.#timer);
      removeListener();
    };
  }

  /** Retries or aborts all jobs of the batch whose status allows it. Resolves with true on success. */
  postAction(action: 'retry' | 'abort'): Promise<boolean> {
    return this.#reportErrors(async () => {
      await postBatchAction(this.id, action);
      await this.#refresh();
    });
  }

  /** Deletes the batch with its images. Resolves with true on success. */
  delete(): Promise<boolean> {
    return this.#reportErrors(() => deleteBatch(this.id));
  }

  async #refresh(): Promise<void> {
    this.#refreshAt = Infinity;
    await this.#reportErrors(async () => {
      this.value = await getBatch(this.id);
    });
    if (!this.value?.final && !this.#closed) this.#refreshIn(POLL_MS);
  }

  #refreshIn(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.#refreshAt) return;
    clearTimeout(this.#timer);
    this.#refreshAt = at;
    this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  async #reportErrors(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.problem = null;
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem = error.message;
      return false;
    }
  }
}
