/**
 * Every request of the page except the uploads (those need progress: upload/transport.ts).
 * Must not hold state; a failure is always thrown as one ApiError with a sentence for a person.
 */
import type { Batch, BatchSummary, ErrorBody, Image, Limits } from './types';
import { token } from '../token.svelte';
import { nextPageUrl } from './link-header';

// The slowest answer the page asks for is a list out of a million: far below this.
const TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  /** `status` is the HTTP status; 0 when no answer came. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Page<T> {
  value: T;
  /** address of the next page, or null */
  next: string | null;
}

async function ask(path: string, method: string): Promise<Response> {
  const used = token.value;
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(path, { method, headers: token.headers, signal });
  } catch (fault) {
    const late = fault instanceof DOMException && fault.name === 'TimeoutError';
    throw new ApiError(
      0,
      'unreachable',
      late ? 'The server takes too long.' : 'The server cannot be reached.',
    );
  }
  if (response.ok) return response;
  if (response.status === 401 && (await token.renew(used))) return ask(path, method);
  const body = (await response.json().catch(() => null)) as Partial<ErrorBody> | null;
  throw new ApiError(
    response.status,
    body?.code ?? 'internal',
    body?.error ?? `The server answered ${response.status}.`,
  );
}

async function page<T>(path: string): Promise<Page<T>> {
  const response = await ask(path, 'GET');
  return { value: (await response.json()) as T, next: nextPageUrl(response.headers.get('Link')) };
}

export const getLimits = async (): Promise<Limits> => (await page<Limits>('/api/limits')).value;

/** Newest first. `at` is the address of a following page, as an earlier answer gave it. */
export const listImages = (query: URLSearchParams, limit: number, at?: string): Promise<Page<Image[]>> => {
  const asked = new URLSearchParams([['limit', String(limit)], ...query]);
  return page<Image[]>(at ?? `/api/list?${asked.toString()}`);
};

/** At most 100 ids; images that are gone are missing from the answer. */
export const listByIds = async (ids: readonly string[]): Promise<Image[]> =>
  (await page<Image[]>(`/api/list?limit=${ids.length}&ids=${ids.join(',')}`)).value;

export const listBatches = (limit: number, at?: string): Promise<Page<BatchSummary[]>> =>
  page<BatchSummary[]>(at ?? `/api/batches?limit=${limit}`);

const at = (what: 'images' | 'batches', id: string): string => `/api/${what}/${encodeURIComponent(id)}`;

export const getImage = async (id: string): Promise<Image> => (await page<Image>(at('images', id))).value;

export const getBatch = async (id: string): Promise<Batch> => (await page<Batch>(at('batches', id))).value;

export async function deleteImage(id: string): Promise<void> {
  await ask(at('images', id), 'DELETE');
}

/** With all of its images. */
export async function deleteBatch(id: string): Promise<void> {
  await ask(at('batches', id), 'DELETE');
}

const change = async (id: string, what: 'retry' | 'abort'): Promise<Image> =>
  (await (await ask(`${at('images', id)}/${what}`, 'POST')).json()) as Image;

/** Takes a failed or aborted job back to pending. */
export const retryJob = (id: string): Promise<Image> => change(id, 'retry');

/** Stops a job that is not final. */
export const abortJob = (id: string): Promise<Image> => change(id, 'abort');

/** The same for every job of a batch that allows it. */
export async function changeBatch(id: string, what: 'retry' | 'abort'): Promise<void> {
  await ask(`${at('batches', id)}/${what}`, 'POST');
}
