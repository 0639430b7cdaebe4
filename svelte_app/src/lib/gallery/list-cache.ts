/**
 * The image lists that were shown recently, by filter, so that "back" shows a list as it was left.
 */
import { filterParameters, NO_FILTER, type Filter } from './gallery-filter';
import { ImageList } from './image-list.svelte';

// A list of many pages takes a few MB of memory.
const MAX_LISTS = 6;

const lists = new Map<string, ImageList>();
let latest: ImageList | null = null;

/** The list of a filter, from the cache or new. The list becomes the latest list. */
export function cachedList(filter: Filter): ImageList {
  const key = filterParameters(filter).toString();
  const list = lists.get(key) ?? new ImageList(filter);
  // The list is inserted again, so that the first key is always the least recently used list.
  lists.delete(key);
  lists.set(key, list);
  const oldest = lists.keys().next();
  if (lists.size > MAX_LISTS && !oldest.done) lists.delete(oldest.value);
  latest = list;
  return list;
}

/** The latest list if it contains the image, else the unfiltered list. */
export function listContaining(id: string): ImageList {
  return latest?.find(id) ? latest : cachedList(NO_FILTER);
}

/** Removes a deleted image from all cached lists. */
export function deleteFromLists(id: string): void {
  for (const list of lists.values()) list.markDeleted(id);
}
