/**
 * A list of images that pages backwards and grows at the front as news comes in: the gallery through some
 * filter. Lives as long as its owner keeps it, so that "back" finds the sheet as it was left.
 */
import { ApiError, listByIds, listImages } from '../api/client';
import type { Image } from '../api/types';
import { live } from '../live/live-events.svelte';
import type { JobEvent, Topic } from '../live/messages';
import { isFinal } from '../status';
import { matches, filterParameters, type Filter } from './gallery-filter';

const PAGE = 60;
// News of one burst is looked up together; a quarter second is the server's own rhythm.
const GATHER_MS = 250;
const IDS_PER_REQUEST = 100;
const AGAIN_MS = 1_000;

export class ImageList {
  /** newest first, as paged */
  images = $state.raw<readonly Image[]>([]);
  /** came in while the list was open; newest first, above the others */
  arrivals = $state.raw<readonly Image[]>([]);
  ended = $state(false);
  loading = $state(false);
  problem = $state<string | null>(null);

  #next: string | undefined;
  #unknown = new Set<string>();
  /** an answer under way when the image was deleted must not bring it back */
  #removed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly filter: Filter) {}

  /** All that is shown, newest first. */
  get all(): readonly Image[] {
    return [...this.arrivals, ...this.images];
  }

  find(id: string): Image | undefined {
    return this.all.find((image) => image.id === id);
  }

  /** Loads or catches up, and follows the news until the returned function is called. */
  open(): () => void {
    const { batch } = this.filter;
    const topic: Topic = batch === null ? { type: 'all' } : { type: 'batch', id: batch };
    const unfollow = live.follow(topic);
    const unlisten = live.listen({
      news: (news) => this.#hear(news),
      removed: (jobId) => this.remove(jobId),
    });
    if (this.all.length > 0 || this.ended) void this.#catchUp();
    else void this.more();
    return () => {
      unfollow();
      unlisten();
    };
  }

  async more(): Promise<void> {
    if (this.loading || this.ended) return;
    this.loading = true;
    await this.#guarded(async () => {
      const page = await this.#page(this.#next);
      const known = new Set(this.all.map((image) => image.id));
      this.images = [...this.images, ...page.value.filter((image) => !known.has(image.id))];
      this.#next = page.next ?? undefined;
      this.ended = page.next === null;
    });
    this.loading = false;
  }

  remove(id: string): void {
    this.#unknown.delete(id);
    this.#removed.add(id);
    const others = (image: Image): boolean => image.id !== id;
    if (this.images.some((image) => image.id === id)) this.images = this.images.filter(others);
    if (this.arrivals.some((image) => image.id === id)) this.arrivals = this.arrivals.filter(others);
  }

  #page(at?: string): ReturnType<typeof listImages> {
    return listImages(filterParameters(this.filter), PAGE, at);
  }

  /** What came while nobody looked goes on top; if that is more than a page, the list starts anew. */
  async #catchUp(): Promise<void> {
    await this.#guarded(async () => {
      const page = await this.#page();
      const known = new Set(this.all.map((image) => image.id));
      if (page.value.some((image) => known.has(image.id))) return this.#take(page.value);
      this.arrivals = [];
      this.images = page.value;
      this.#next = page.next ?? undefined;
      this.ended = page.next === null;
    });
  }

  #hear(news: readonly JobEvent[]): void {
    const known = new Map(this.all.map((image) => [image.id, image]));
    const told: Image[] = [];
    for (const one of news) {
      const image = known.get(one.job_id);
      if (image) told.push(withNews(image, one));
      // News does not tell the collection: that is judged when the list has told the rest.
      else if (matches({ ...one, collection: this.filter.collection ?? '' }, this.filter))
        this.#unknown.add(one.job_id);
    }
    if (told.length > 0) this.#take(told);
    if (this.#unknown.size > 0) this.#timer ??= setTimeout(() => void this.#lookUp(), GATHER_MS);
  }

  /** News is short; the list tells the rest (type, times, original), a hundred images at a time. */
  async #lookUp(): Promise<void> {
    if (this.loading) {
      // The page under way may hold them.
      this.#timer = setTimeout(() => void this.#lookUp(), GATHER_MS);
      return;
    }
    const ids = [...this.#unknown];
    await this.#guarded(async () => {
      for (let at = 0; at < ids.length; at += IDS_PER_REQUEST) {
        const asked = ids.slice(at, at + IDS_PER_REQUEST);
        for (const id of asked) this.#unknown.delete(id);
        this.#take(await listByIds(asked));
      }
    });
    this.#timer = this.#unknown.size > 0 ? setTimeout(() => void this.#lookUp(), AGAIN_MS) : undefined;
  }

  /** Replaces what is known by what is newer; puts on top what is not known. */
  #take(images: readonly Image[]): void {
    const fresh = new Map(images.map((image) => [image.id, image]));
    for (const id of this.#removed) fresh.delete(id);
    const fits = (image: Image): boolean => matches(image, this.filter);
    const update = (old: Image): Image => {
      const found = fresh.get(old.id);
      fresh.delete(old.id);
      return found && found.version > old.version ? found : old;
    };
    this.images = this.images.map(update).filter(fits);
    const arrived = this.arrivals.map(update).filter(fits);
    // What is older than the last picture loaded comes with a later page: it is no news to put on top.
    const oldest = this.ended ? '' : (this.images.at(-1)?.uploaded_at ?? '');
    const unseen = [...fresh.values()].filter((image) => image.uploaded_at > oldest && fits(image));
    unseen.sort((a, b) => b.uploaded_at.localeCompare(a.uploaded_at));
    this.arrivals = [...unseen, ...arrived];
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = null;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.problem = fault.message;
    }
  }
}

function withNews(image: Image, news: JobEvent): Image {
  const { version, status, width, height, thumbnails, error, finished_at } = news;
  const told = { version, status, width, height, thumbnails, error, finished_at, image: news.image };
  return { ...image, ...told, final: isFinal(status) };
}
