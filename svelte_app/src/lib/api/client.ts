/**
 * The HTTP client of the page for all requests except uploads: these need progress events and are sent by
 * upload/xhr-transport.ts. Holds no state. Every failure is thrown as an ApiError whose message can be
 * shown to a person.
 */
import type { Batch, BatchSummary, ErrorBody, Image, Limits } from './types';
import { token } from '../token.svelte';
import { SERVER_UNREACHABLE, serverErrorWords } from '../words';
import { nextPageUrl } from './link-header';

// The slowest request, a page of a list of a million images, takes far less time than this.
const TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  /** `status` is the HTTP status, or 0 if no response arrived. */
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
  /** URL of the next page, or null */
  next: string | null;
}

/** Sends one request. After a 401 it asks the person for the access token and sends the request again. */
async function request(path: string, method: string): Promise<Response> {
  const usedToken = token.value;
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(path, { method, headers: token.headers, signal });
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    throw new ApiError(
      0,
      'unreachable',
      timedOut ? 'The server is taking too long to respond.' : SERVER_UNREACHABLE,
    );
  }
  if (response.ok) return response;
  if (response.status === 401 && (await token.requestNew(usedToken))) return request(path, method);
  const body = (await response.json().catch(() => null)) as Partial<ErrorBody> | null;
  throw new ApiError(
    response.status,
    body?.code ?? 'internal',
    body?.error ?? serverErrorWords(response.status),
  );
}

async function getPage<T>(path: string): Promise<Page<T>> {
  const response = await request(path, 'GET');
  return { value: (await response.json()) as T, next: nextPageUrl(response.headers.get('Link')) };
}

export const getLimits = async (): Promise<Limits> => (await getPage<Limits>('/api/limits')).value;

/** One page of images, newest first. `pageUrl` is the `next` of an earlier page. */
export const listImages = (
  filter: URLSearchParams,
  limit: number,
  pageUrl?: string,
): Promise<Page<Image[]>> => {
  const query = new URLSearchParams([['limit', String(limit)], ...filter]);
  return getPage<Image[]>(pageUrl ?? `/api/list?${query.toString()}`);
};

/** The images with these ids, at most 100. Deleted images are missing from the result. */
export const listByIds = async (ids: readonly string[]): Promise<Image[]> =>
  (await getPage<Image[]>(`/api/list?limit=${ids.length}&ids=${ids.join(',')}`)).value;

/** One page of batches, newest first. `pageUrl` is the `next` of an earlier page. */
export const listBatches = (limit: number, pageUrl?: string): Promise<Page<BatchSummary[]>> =>
  getPage<BatchSummary[]>(pageUrl ?? `/api/batches?limit=${limit}`);

const resourcePath = (collection: 'images' | 'batches', id: string): string =>
  `/api/${collection}/${encodeURIComponent(id)}`;

export const getImage = async (id: string): Promise<Image> =>
  (await getPage<Image>(resourcePath('images', id))).value;

export const getBatch = async (id: string): Promise<Batch> =>
  (await getPage<Batch>(resourcePath('batches', id))).value;

export async function deleteImage(id: string): Promise<void> {
  await request(resourcePath('images', id), 'DELETE');
}

/** Deletes a batch and all of its images. */
export async function deleteBatch(id: string): Promise<void> {
  await request(resourcePath('batches', id), 'DELETE');
}

const postJobAction = async (id: string, action: 'retry' | 'abort'): Promise<Image> =>
  (await (await request(`${resourcePath('images', id)}/${action}`, 'POST')).json()) as Image;

/** Sets a failed or aborted job back to pending. */
export const retryJob = (id: string): Promise<Image> => postJobAction(id, 'retry');

/** Aborts a job that is not final. */
export const abortJob = (id: string): Promise<Image> => postJobAction(id, 'abort');

/** Retries or aborts every job of a batch whose status allows it. */
export async function postBatchAction(id: string, action: 'retry' | 'abort'): Promise<void> {
  await request(`${resourcePath('batches', id)}/${action}`, 'POST');
}
