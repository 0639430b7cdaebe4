/**
 * One batch as the server counts it, kept up to date while it is looked at: asked again when news of it
 * comes, and now and then without any. The batch view owns one.
 */
import { ApiError, changeBatch, deleteBatch, getBatch } from '../api/client';
import type { Batch } from '../api/types';
import { live } from '../live/live-events.svelte';

// The counts are the server's own, asked again at most this often while news comes in…
const GATHER_MS = 500;
// …and without news this often, until the batch is final.
const SILENT_MS = 10_000;

export class BatchState {
  value = $state.raw<Batch | null>(null);
  problem = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;
  #closed = false;

  constructor(readonly id: string) {}

  /** Follows the batch until the returned function is called. */
  open(): () => void {
    void this.#refresh();
    const unlisten = live.listen({
      news: (news) => {
        if (news.some((one) => one.batch_id === this.id)) this.#soon(GATHER_MS);
      },
      removed: () => this.#soon(GATHER_MS),
    });
    return () => {
      this.#closed = true;
      clearTimeout(this.#timer);
      unlisten();
    };
  }

  change(what: 'retry' | 'abort'): Promise<boolean> {
    return this.#guarded(async () => {
      await changeBatch(this.id, what);
      await this.#refresh();
    });
  }

  /** @returns whether it is deleted */
  remove(): Promise<boolean> {
    return this.#guarded(() => deleteBatch(this.id));
  }

  async #refresh(): Promise<void> {
    this.#dueAt = Infinity;
    await this.#guarded(async () => {
      this.value = await getBatch(this.id);
    });
    if (!this.value?.final && !this.#closed) this.#soon(SILENT_MS);
  }

  #soon(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#refresh(), ms);
  }

  async #guarded(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.problem = null;
      return true;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.problem = fault.message;
      return false;
    }
  }
}
