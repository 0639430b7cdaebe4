/**
 * The lists that were looked at lately, by what they show, so that "back" finds each sheet as it was left.
 * The image view asks here for the pictures before and after its own.
 */
import type { Image } from '../api/types';
import { NO_FILTER, filterParameters, type Filter } from './gallery-filter';
import { ImageList } from './image-list.svelte';

// A list of many pages is a few MB; nobody goes back further than this.
const REMEMBERED = 6;

const lists = new Map<string, ImageList>();
let latest: ImageList | null = null;

/** The list of a filter, as it was left or new; the one that was looked at last from now on. */
export function cachedList(filter: Filter): ImageList {
  const key = filterParameters(filter).toString();
  const list = lists.get(key) ?? new ImageList(filter);
  // Re-inserted, so that the first key is the one unused for longest.
  lists.delete(key);
  lists.set(key, list);
  const oldest = lists.keys().next();
  if (lists.size > REMEMBERED && !oldest.done) lists.delete(oldest.value);
  latest = list;
  return list;
}

/** The list a picture was opened from, else the whole gallery. */
export function listContaining(id: string): ImageList {
  return latest?.find(id) ? latest : cachedList(NO_FILTER);
}

/** What another list or a view has learned: an image is gone. */
export function removeFromLists(id: string): void {
  for (const list of lists.values()) list.remove(id);
}

export interface Neighbours {
  readonly before: Image | null;
  readonly after: Image | null;
}

/** Who hangs beside an image; nobody, if it is not on the list. */
export function neighbours(images: readonly Image[], id: string): Neighbours {
  const at = images.findIndex((image) => image.id === id);
  if (at < 0) return { before: null, after: null };
  return { before: images[at - 1] ?? null, after: images[at + 1] ?? null };
}
