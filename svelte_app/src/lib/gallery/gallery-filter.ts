/**
 * Which images the gallery shows, as an address and as a test of one image. Pure. The server filters what
 * it lists; the same test here decides about what the news brings.
 */
import type { Image, Status } from '../api/types';
import { STATUSES } from '../status';

export interface Filter {
  readonly status: Status | null;
  readonly collection: string | null;
  readonly batch: string | null;
  /** part of the name, as typed; empty for any */
  readonly q: string;
}

export const NO_FILTER: Filter = { status: null, collection: null, batch: null, q: '' };

/** Reads an address's query. What makes no sense there filters nothing. */
export function parseFilter(query: string): Filter {
  const asked = new URLSearchParams(query);
  const status = asked.get('status') ?? '';
  return {
    status: STATUSES.find((known) => known === status) ?? null,
    collection: asked.get('collection') || null,
    batch: asked.get('batch') || null,
    q: asked.get('q') ?? '',
  };
}

/** The parts that filter, under the names the API and the address share. */
export function filterParameters(filter: Filter): URLSearchParams {
  const set = Object.entries(filter) as [string, string | null][];
  return new URLSearchParams(set.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** The address of the gallery that shows it. */
export function addressOf(filter: Filter): string {
  const query = filterParameters(filter).toString();
  return query === '' ? '/gallery' : `/gallery?${query}`;
}

export const matches = (
  image: Pick<Image, 'status' | 'collection' | 'batch_id' | 'name'>,
  { status, collection, batch, q }: Filter,
): boolean =>
  (status === null || image.status === status) &&
  (collection === null || image.collection === collection) &&
  (batch === null || image.batch_id === batch) &&
  image.name.toLowerCase().includes(q.trim().toLowerCase());
