/**
 * One image as it is looked at: loaded, kept up to date, changed. The image view owns one per image.
 */
import { announcer } from '../announcer.svelte';
import { ApiError, deleteImage, getImage, retryJob } from '../api/client';
import type { Image } from '../api/types';
import { live } from '../live/live-events.svelte';
import { removeFromLists } from './list-cache';

export class ImageState {
  value = $state.raw<Image | null>(null);
  problem = $state<string | null>(null);
  #deleting = false;

  /** @param known what a list has of it, shown until the server has told more */
  constructor(
    readonly id: string,
    known: Image | undefined,
  ) {
    this.value = known ?? null;
  }

  /** Loads and follows the image until the returned function is called. */
  open(): () => void {
    void this.#load();
    const stops = [
      live.follow({ type: 'jobs', ids: [this.id] }),
      live.listen({
        news: (news) => {
          const newer = (version: number): boolean => version > (this.value?.version ?? 0);
          if (news.some((one) => one.job_id === this.id && newer(one.version))) void this.#load();
        },
        removed: (jobId) => {
          if (jobId === this.id && !this.#deleting) this.problem = 'This image was deleted.';
        },
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }

  retry(): Promise<boolean> {
    return this.#guarded(async () => {
      this.value = await retryJob(this.id);
    });
  }

  /** @returns whether it is deleted */
  async remove(): Promise<boolean> {
    this.#deleting = true;
    const deleted = await this.#guarded(async () => {
      await deleteImage(this.id);
      live.remove(this.id);
      removeFromLists(this.id);
      announcer.say('Deleted.');
    });
    this.#deleting = deleted;
    return deleted;
  }

  #load(): Promise<boolean> {
    return this.#guarded(async () => {
      this.value = await getImage(this.id);
    });
  }

  async #guarded(work: () => Promise<void>): Promise<boolean> {
    try {
      this.problem = null;
      await work();
      return true;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.problem = fault.message;
      announcer.say(fault.message);
      return false;
    }
  }
}
