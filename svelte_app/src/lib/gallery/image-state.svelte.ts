/**
 * The state of one image: loading, updates and actions. Each image view has its own instance.
 */
import { announcer } from '../announcer.svelte';
import { ApiError, deleteImage, getImage, retryJob } from '../api/client';
import type { Image } from '../api/types';
import { live } from '../live/live-events.svelte';
import { deleteFromLists } from './list-cache';

export class ImageState {
  value = $state.raw<Image | null>(null);
  problem = $state<string | null>(null);
  #deleting = false;

  /** @param cached the image from a list, shown until the server has answered */
  constructor(
    readonly id: string,
    cached: Image | undefined,
  ) {
    this.value = cached ?? null;
  }

  /** Loads the image and keeps it up to date until the returned function is called. */
  open(): () => void {
    void this.#load();
    const stops = [
      live.subscribe({ type: 'jobs', ids: [this.id] }),
      live.addListener({
        onEvents: (events) => {
          const isNewer = (version: number): boolean => version > (this.value?.version ?? 0);
          if (events.some((event) => event.job_id === this.id && isNewer(event.version))) void this.#load();
        },
        onDeleted: (jobId) => {
          if (jobId === this.id && !this.#deleting) this.problem = 'This photo was deleted.';
        },
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  retry(): Promise<boolean> {
    return this.#reportErrors(async () => {
      this.value = await retryJob(this.id);
    });
  }

  /** Deletes the image. Resolves with true on success. */
  async delete(): Promise<boolean> {
    this.#deleting = true;
    const deleted = await this.#reportErrors(async () => {
      await deleteImage(this.id);
      live.markDeleted(this.id);
      deleteFromLists(this.id);
      announcer.announce('Deleted.');
    });
    this.#deleting = deleted;
    return deleted;
  }

  #load(): Promise<boolean> {
    return this.#reportErrors(async () => {
      this.value = await getImage(this.id);
    });
  }

  async #reportErrors(work: () => Promise<void>): Promise<boolean> {
    try {
      this.problem = null;
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem = error.message;
      announcer.announce(error.message);
      return false;
    }
  }
}
