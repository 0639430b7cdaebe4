/**
 * The selected images of the gallery and the actions on them. The gallery view owns one. A failed action
 * leaves one sentence in `problem`.
 */
import { SvelteSet } from 'svelte/reactivity';

import { ApiError, deleteImage, retryJob } from '../api/client';
import type { Image } from '../api/types';
import { forEachConcurrent } from '../concurrency';
import { plural } from '../format';
import { live } from '../live/live-events.svelte';
import { canRetry } from '../status';
import { deleteFromLists } from './list-cache';

export class Selection {
  /** a click selects an image and does not open it */
  active = $state(false);
  /** an action is running */
  busy = $state(false);
  problem = $state<string | null>(null);
  readonly ids = new SvelteSet<string>();
  #lastToggled: string | null = null;

  /**
   * Selects or deselects one image, or a range.
   * @param range the images in order: every image from the last toggled one to this one is meant. Null: one.
   */
  toggle(id: string, range: readonly Image[] | null): void {
    const select = !this.ids.has(id);
    for (const each of range ? idsBetween(range, this.#lastToggled ?? id, id) : [id]) {
      if (select) this.ids.add(each);
      else this.ids.delete(each);
    }
    this.#lastToggled = id;
  }

  selectAll(images: readonly Image[]): void {
    for (const { id } of images) this.ids.add(id);
  }

  end(): void {
    this.active = false;
    this.problem = null;
    this.#lastToggled = null;
    this.ids.clear();
  }

  /** Deletes the selected images. Resolves with the number of deleted images. */
  deleteSelected(): Promise<number> {
    return this.#run([...this.ids], 'deleted', async (id) => {
      await deleteImage(id).catch(ignoreNotFound);
      this.ids.delete(id);
      live.markDeleted(id);
      deleteFromLists(id);
    });
  }

  /** Retries the selected images that failed or were aborted. Resolves with the number of retried images. */
  retrySelected(images: readonly Image[]): Promise<number> {
    const ids = images
      .filter((image) => this.ids.has(image.id) && canRetry(image.status))
      .map(({ id }) => id);
    return this.#run(ids, 'tried again', async (id) => {
      live.merge([await retryJob(id)]);
      this.ids.delete(id);
    });
  }

  async #run(
    ids: readonly string[],
    participle: string,
    action: (id: string) => Promise<void>,
  ): Promise<number> {
    this.busy = true;
    this.problem = null;
    let done = 0;
    const reasons = new Set<string>();
    await forEachConcurrent(ids, async (id) => {
      try {
        await action(id);
        done += 1;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        reasons.add(error.message);
      }
    });
    const failed = ids.length - done;
    if (failed > 0) this.problem = `${plural(failed, 'photo')} not ${participle}: ${[...reasons].join(' ')}`;
    this.busy = false;
    return done;
  }
}

/** The ids from one image to the other in list order, both included. */
function idsBetween(images: readonly Image[], one: string, other: string): string[] {
  const indexes = [one, other].map((id) => images.findIndex((image) => image.id === id));
  const [from, to] = [Math.min(...indexes), Math.max(...indexes)];
  return from < 0 ? [other] : images.slice(from, to + 1).map(({ id }) => id);
}

/** An image that somebody else has deleted meanwhile counts as deleted. */
function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ApiError && error.code === 'not_found')) throw error;
}
