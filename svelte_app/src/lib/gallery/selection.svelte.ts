/**
 * Which pictures of a sheet are picked, and what is done to them. Lives as long as the gallery is looked
 * at; told of every outcome in one sentence.
 */
import { SvelteSet } from 'svelte/reactivity';

import { ApiError, deleteImage, retryJob } from '../api/client';
import type { Image } from '../api/types';
import { forEachConcurrent } from '../concurrency';
import { plural } from '../format';
import { live } from '../live/live-events.svelte';
import { canRetry } from '../status';

export class Selection {
  /** pictures are picked instead of opened */
  selecting = $state(false);
  /** something is being done to what is picked */
  busy = $state(false);
  problem = $state<string | null>(null);
  readonly ids = new SvelteSet<string>();
  #last: string | null = null;

  /**
   * Picks or unpicks one.
   * @param all the sheet in order, where a whole row of pictures is meant: from the last one touched to this
   */
  toggle(id: string, all: readonly Image[] | null): void {
    const on = !this.ids.has(id);
    for (const each of all ? between(all, this.#last ?? id, id) : [id]) {
      if (on) this.ids.add(each);
      else this.ids.delete(each);
    }
    this.#last = id;
  }

  selectAll(all: readonly Image[]): void {
    for (const { id } of all) this.ids.add(id);
  }

  end(): void {
    this.selecting = false;
    this.problem = null;
    this.#last = null;
    this.ids.clear();
  }

  /** @returns how many were deleted */
  remove(removed: (id: string) => void): Promise<number> {
    return this.#do([...this.ids], 'deleted', async (id) => {
      await deleteImage(id).catch(unlessGone);
      this.ids.delete(id);
      live.remove(id);
      removed(id);
    });
  }

  /** @returns how many are worked on again */
  retry(images: readonly Image[]): Promise<number> {
    const ids = images
      .filter((image) => this.ids.has(image.id) && canRetry(image.status))
      .map(({ id }) => id);
    return this.#do(ids, 'tried again', async (id) => {
      live.merge([await retryJob(id)]);
      this.ids.delete(id);
    });
  }

  async #do(ids: readonly string[], done: string, work: (id: string) => Promise<void>): Promise<number> {
    this.busy = true;
    this.problem = null;
    let count = 0;
    const reasons = new Set<string>();
    await forEachConcurrent(ids, async (id) => {
      try {
        await work(id);
        count += 1;
      } catch (fault) {
        if (!(fault instanceof ApiError)) throw fault;
        reasons.add(fault.message);
      }
    });
    const left = ids.length - count;
    if (left > 0) this.problem = `${plural(left, 'picture')} not ${done}: ${[...reasons].join(' ')}`;
    this.busy = false;
    return count;
  }
}

/** The ids from one picture to another, both included, whichever comes first. */
export function between(all: readonly Image[], one: string, other: string): string[] {
  const places = [one, other].map((id) => all.findIndex((image) => image.id === id));
  const [from, to] = [Math.min(...places), Math.max(...places)];
  return from < 0 ? [other] : all.slice(from, to + 1).map(({ id }) => id);
}

/** Deleted by somebody else meanwhile: that is what was wanted. */
function unlessGone(fault: unknown): void {
  if (!(fault instanceof ApiError && fault.code === 'not_found')) throw fault;
}
