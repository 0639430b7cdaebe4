/**
 * The gallery's filter, as URL query and as a predicate. Pure. The server filters its lists. The predicate
 * filters images that arrive as WebSocket events.
 */
import type { Image, Status } from '../api/types';
import { STATUSES } from '../status';

export interface Filter {
  readonly status: Status | null;
  readonly collection: string | null;
  readonly batch: string | null;
  /** part of the file name, as typed; empty: any name */
  readonly q: string;
}

export const NO_FILTER: Filter = { status: null, collection: null, batch: null, q: '' };

/** Parses a URL query. Unknown parameters and values are ignored. */
export function parseFilter(query: string): Filter {
  const parameters = new URLSearchParams(query);
  const status = parameters.get('status') ?? '';
  return {
    status: STATUSES.find((each) => each === status) ?? null,
    collection: parameters.get('collection') || null,
    batch: parameters.get('batch') || null,
    q: parameters.get('q') ?? '',
  };
}

/** The parameters that are set. The API and the page's URLs use the same names. */
export function filterParameters(filter: Filter): URLSearchParams {
  const entries = Object.entries(filter) as [string, string | null][];
  return new URLSearchParams(entries.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** The path of the gallery with this filter. */
export function galleryPath(filter: Filter): string {
  const query = filterParameters(filter).toString();
  return query === '' ? '/gallery' : `/gallery?${query}`;
}

export const isFiltered = (filter: Filter): boolean => galleryPath(filter) !== galleryPath(NO_FILTER);

export const matches = (
  image: Pick<Image, 'status' | 'collection' | 'batch_id' | 'name'>,
  { status, collection, batch, q }: Filter,
): boolean =>
  (status === null || image.status === status) &&
  (collection === null || image.collection === collection) &&
  (batch === null || image.batch_id === batch) &&
  image.name.toLowerCase().includes(q.trim().toLowerCase());
