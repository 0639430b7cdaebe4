/**
 * The selected images of the gallery and the actions on them. Each gallery view has its own
 * instance. If an action fails, `problem` contains a sentence about it.
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
   * @param range the images in list order, to toggle every image from the last toggled image to this image. Null:
   *   toggle only this image.
   */
  toggle(id: string, range: readonly Image[] | null): void {
    const select = !this.ids.has(id);
    for (const toggledId of range ? idsBetween(range, this.#lastToggled ?? id, id) : [id]) {
      if (select) this.ids.add(toggledId);
      else this.ids.delete(toggledId);
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
    let succeeded = 0;
    const reasons = new Set<string>();
    await forEachConcurrent(ids, async (id) => {
      try {
        await action(id);
        succeeded += 1;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        reasons.add(error.message);
      }
    });
    const failed = ids.length - succeeded;
    if (failed > 0) this.problem = `${plural(failed, 'photo')} not ${participle}: ${[...reasons].join(' ')}`;
    this.busy = false;
    return succeeded;
  }
}

/** The ids from the anchor to the target, both included, in list order. Only the target if the anchor is not listed. */
function idsBetween(images: readonly Image[], anchorId: string, targetId: string): string[] {
  const indexes = [anchorId, targetId].map((id) => images.findIndex((image) => image.id === id));
  const [from, to] = [Math.min(...indexes), Math.max(...indexes)];
  return from < 0 ? [targetId] : images.slice(from, to + 1).map(({ id }) => id);
}

/** If somebody else has deleted the image meanwhile, the deletion counts as successful. */
function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ApiError && error.code === 'not_found')) throw error;
}
