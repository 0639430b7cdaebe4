/**
 * A filtered list of images: older images load page by page, new images arrive as WebSocket events. The list
 * cache keeps recent lists, so that "back" shows the gallery as it was left.
 */
import { ApiError, listByIds, listImages } from '../api/client';
import type { Image } from '../api/types';
import { live } from '../live/live-events.svelte';
import type { JobEvent, Topic } from '../live/messages';
import { isFinal } from '../status';
import { filterParameters, matches, type Filter } from './gallery-filter';

const PAGE_SIZE = 60;
// Images whose events arrive within this time are fetched in one request. The server coalesces its events at the same interval.
const COALESCE_MS = 250;
// The API's limit for the parameter `ids`.
const IDS_PER_REQUEST = 100;
const RETRY_MS = 1_000;

export class ImageList {
  /** the loaded pages, newest first */
  images = $state.raw<readonly Image[]>([]);
  /** images that arrived while the list was open, newest first; shown above `images` */
  arrivals = $state.raw<readonly Image[]>([]);
  /** the last page is loaded */
  complete = $state(false);
  loading = $state(false);
  problem = $state<string | null>(null);

  #nextUrl: string | undefined;
  /** ids of matching images of which only an event has arrived; their other fields have to be fetched */
  #idsToFetch = new Set<string>();
  /** deleted images: a response that the server sent before the deletion must not add them again */
  #deletedIds = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly filter: Filter) {}

  /** All loaded images, newest first. */
  get all(): readonly Image[] {
    return [...this.arrivals, ...this.images];
  }

  find(id: string): Image | undefined {
    return this.all.find((image) => image.id === id);
  }

  /** Loads the first page or refreshes it, and applies events until the returned function is called. */
  open(): () => void {
    const { batch } = this.filter;
    const topic: Topic = batch === null ? { type: 'all' } : { type: 'batch', id: batch };
    const unsubscribe = live.subscribe(topic);
    const removeListener = live.addListener({
      onEvents: (events) => this.#applyEvents(events),
      onDeleted: (jobId) => this.markDeleted(jobId),
    });
    if (this.all.length > 0 || this.complete) void this.#refresh();
    else void this.loadMore();
    return () => {
      unsubscribe();
      removeListener();
    };
  }

  async loadMore(): Promise<void> {
    if (this.loading || this.complete) return;
    this.loading = true;
    await this.#reportErrors(async () => {
      const page = await this.#fetchPage(this.#nextUrl);
      const loadedIds = new Set(this.all.map((image) => image.id));
      this.images = [...this.images, ...page.value.filter((image) => !loadedIds.has(image.id))];
      this.#nextUrl = page.next ?? undefined;
      this.complete = page.next === null;
    });
    this.loading = false;
  }

  /** Removes an image that was deleted on the server. */
  markDeleted(id: string): void {
    this.#idsToFetch.delete(id);
    this.#deletedIds.add(id);
    const others = (image: Image): boolean => image.id !== id;
    if (this.images.some((image) => image.id === id)) this.images = this.images.filter(others);
    if (this.arrivals.some((image) => image.id === id)) this.arrivals = this.arrivals.filter(others);
  }

  #fetchPage(url?: string): ReturnType<typeof listImages> {
    return listImages(filterParameters(this.filter), PAGE_SIZE, url);
  }

  /**
   * Adds images that were uploaded while the list was closed. If they fill more than one page, the list starts
   * again with its newest page.
   */
  async #refresh(): Promise<void> {
    await this.#reportErrors(async () => {
      const page = await this.#fetchPage();
      const loadedIds = new Set(this.all.map((image) => image.id));
      if (page.value.some((image) => loadedIds.has(image.id))) return this.#merge(page.value);
      this.arrivals = [];
      this.images = page.value;
      this.#nextUrl = page.next ?? undefined;
      this.complete = page.next === null;
    });
  }

  #applyEvents(events: readonly JobEvent[]): void {
    const loaded = new Map(this.all.map((image) => [image.id, image]));
    const changed: Image[] = [];
    for (const event of events) {
      const image = loaded.get(event.job_id);
      if (image) changed.push(withEvent(image, event));
      // Events do not contain the collection. `#merge` checks it after the image has been fetched.
      else if (matches({ ...event, collection: this.filter.collection ?? '' }, this.filter))
        this.#idsToFetch.add(event.job_id);
    }
    if (changed.length > 0) this.#merge(changed);
    if (this.#idsToFetch.size > 0) this.#timer ??= setTimeout(() => void this.#fetchMissing(), COALESCE_MS);
  }

  /** Fetches the fields that events do not contain (type, times, original), for 100 images per request. */
  async #fetchMissing(): Promise<void> {
    if (this.loading) {
      // The page that is being loaded may contain these images.
      this.#timer = setTimeout(() => void this.#fetchMissing(), COALESCE_MS);
      return;
    }
    const ids = [...this.#idsToFetch];
    await this.#reportErrors(async () => {
      for (let start = 0; start < ids.length; start += IDS_PER_REQUEST) {
        const chunk = ids.slice(start, start + IDS_PER_REQUEST);
        for (const id of chunk) this.#idsToFetch.delete(id);
        this.#merge(await listByIds(chunk));
      }
    });
    this.#timer =
      this.#idsToFetch.size > 0 ? setTimeout(() => void this.#fetchMissing(), RETRY_MS) : undefined;
  }

  /** Updates loaded images whose new version is higher, and adds other images to `arrivals`. */
  #merge(images: readonly Image[]): void {
    const incoming = new Map(images.map((image) => [image.id, image]));
    for (const id of this.#deletedIds) incoming.delete(id);
    const isShown = (image: Image): boolean => matches(image, this.filter);
    const updated = (old: Image): Image => {
      const update = incoming.get(old.id);
      incoming.delete(old.id);
      return update && update.version > old.version ? update : old;
    };
    this.images = this.images.map(updated).filter(isShown);
    const arrivals = this.arrivals.map(updated).filter(isShown);
    // An image older than the last loaded image belongs to a later page, not to the arrivals.
    const oldest = this.complete ? '' : (this.images.at(-1)?.uploaded_at ?? '');
    const added = [...incoming.values()].filter((image) => image.uploaded_at > oldest && isShown(image));
    added.sort((a, b) => b.uploaded_at.localeCompare(a.uploaded_at));
    this.arrivals = [...added, ...arrivals];
  }

  async #reportErrors(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem = error.message;
    }
  }
}

function withEvent(image: Image, event: JobEvent): Image {
  const { version, status, width, height, thumbnails, error, finished_at } = event;
  const changes = { version, status, width, height, thumbnails, error, finished_at, image: event.image };
  return { ...image, ...changes, final: isFinal(status) };
}
