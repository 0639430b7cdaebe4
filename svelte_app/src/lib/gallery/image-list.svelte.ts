/**
 * A filtered list of images: older images load page by page, new images arrive as WebSocket events. The list
 * cache keeps it, so that "back" shows the gallery as it was left.
 */
import { ApiError, listByIds, listImages } from '../api/client';
import type { Image } from '../api/types';
import { live } from '../live/live-events.svelte';
import type { JobEvent, Topic } from '../live/messages';
import { isFinal } from '../status';
import { filterParameters, matches, type Filter } from './gallery-filter';

const PAGE_SIZE = 60;
// Events within this time are looked up in one request. The server coalesces its events at the same interval.
const COALESCE_MS = 250;
// The API's limit on `ids`.
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
  /** ids of matching images of which only an event is known */
  #unknownIds = new Set<string>();
  /** A response that was under way during a deletion must not add the image again. */
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
      const known = new Set(this.all.map((image) => image.id));
      this.images = [...this.images, ...page.value.filter((image) => !known.has(image.id))];
      this.#nextUrl = page.next ?? undefined;
      this.complete = page.next === null;
    });
    this.loading = false;
  }

  /** Drops an image that was deleted on the server. */
  markDeleted(id: string): void {
    this.#unknownIds.delete(id);
    this.#deletedIds.add(id);
    const others = (image: Image): boolean => image.id !== id;
    if (this.images.some((image) => image.id === id)) this.images = this.images.filter(others);
    if (this.arrivals.some((image) => image.id === id)) this.arrivals = this.arrivals.filter(others);
  }

  #fetchPage(url?: string): ReturnType<typeof listImages> {
    return listImages(filterParameters(this.filter), PAGE_SIZE, url);
  }

  /** Adds images that were uploaded while the list was closed. After more than one page the list restarts. */
  async #refresh(): Promise<void> {
    await this.#reportErrors(async () => {
      const page = await this.#fetchPage();
      const known = new Set(this.all.map((image) => image.id));
      if (page.value.some((image) => known.has(image.id))) return this.#merge(page.value);
      this.arrivals = [];
      this.images = page.value;
      this.#nextUrl = page.next ?? undefined;
      this.complete = page.next === null;
    });
  }

  #applyEvents(events: readonly JobEvent[]): void {
    const known = new Map(this.all.map((image) => [image.id, image]));
    const changed: Image[] = [];
    for (const event of events) {
      const image = known.get(event.job_id);
      if (image) changed.push(withEvent(image, event));
      // An event has no collection. The collection is checked once the image is looked up.
      else if (matches({ ...event, collection: this.filter.collection ?? '' }, this.filter))
        this.#unknownIds.add(event.job_id);
    }
    if (changed.length > 0) this.#merge(changed);
    if (this.#unknownIds.size > 0) this.#timer ??= setTimeout(() => void this.#lookUp(), COALESCE_MS);
  }

  /** Fetches the fields that events lack (type, times, original), 100 images per request. */
  async #lookUp(): Promise<void> {
    if (this.loading) {
      // The page that is loading may contain them.
      this.#timer = setTimeout(() => void this.#lookUp(), COALESCE_MS);
      return;
    }
    const ids = [...this.#unknownIds];
    await this.#reportErrors(async () => {
      for (let start = 0; start < ids.length; start += IDS_PER_REQUEST) {
        const some = ids.slice(start, start + IDS_PER_REQUEST);
        for (const id of some) this.#unknownIds.delete(id);
        this.#merge(await listByIds(some));
      }
    });
    this.#timer = this.#unknownIds.size > 0 ? setTimeout(() => void this.#lookUp(), RETRY_MS) : undefined;
  }

  /** Updates known images whose version is newer, and adds unknown images to `arrivals`. */
  #merge(images: readonly Image[]): void {
    const incoming = new Map(images.map((image) => [image.id, image]));
    for (const id of this.#deletedIds) incoming.delete(id);
    const isShown = (image: Image): boolean => matches(image, this.filter);
    const update = (old: Image): Image => {
      const found = incoming.get(old.id);
      incoming.delete(old.id);
      return found && found.version > old.version ? found : old;
    };
    this.images = this.images.map(update).filter(isShown);
    const arrivals = this.arrivals.map(update).filter(isShown);
    // An image older than the last loaded one belongs to a later page, not to the arrivals.
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
