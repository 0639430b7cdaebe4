/**
 * Every request of the page except the uploads (those need progress: upload/transport.ts).
 * Must not hold state; a failure is always thrown as one ApiError with a sentence for a person.
 */
import type { Batch, ErrorBody, Image, Limits } from './types';
import { nextPage } from './link';

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
  let response: Response;
  try {
    response = await fetch(path, { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (fault) {
    const late = fault instanceof DOMException && fault.name === 'TimeoutError';
    throw new ApiError(
      0,
      'unreachable',
      late ? 'The server takes too long.' : 'The server cannot be reached.',
    );
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as Partial<ErrorBody> | null;
  throw new ApiError(
    response.status,
    body?.code ?? 'internal',
    body?.error ?? `The server answered ${response.status}.`,
  );
}

async function page<T>(path: string): Promise<Page<T>> {
  const response = await ask(path, 'GET');
  return { value: (await response.json()) as T, next: nextPage(response.headers.get('Link')) };
}

export const getLimits = async (): Promise<Limits> => (await page<Limits>('/api/limits')).value;

/** Newest first. `at` is the address of a following page, as an earlier answer gave it. */
export const listImages = (limit: number, at?: string): Promise<Page<Image[]>> =>
  page<Image[]>(at ?? `/api/list?limit=${limit}`);

/** At most 100 ids; images that are gone are missing from the answer. */
export const listByIds = async (ids: readonly string[]): Promise<Image[]> =>
  (await page<Image[]>(`/api/list?limit=${ids.length}&ids=${ids.join(',')}`)).value;

export const listBatch = (id: string, limit: number, at?: string): Promise<Page<Image[]>> =>
  page<Image[]>(at ?? `/api/list?limit=${limit}&batch=${encodeURIComponent(id)}`);

export const getImage = async (id: string): Promise<Image> =>
  (await page<Image>(`/api/images/${encodeURIComponent(id)}`)).value;

export const getBatch = async (id: string): Promise<Batch> =>
  (await page<Batch>(`/api/batches/${encodeURIComponent(id)}`)).value;

export async function deleteImage(id: string): Promise<void> {
  await ask(`/api/images/${encodeURIComponent(id)}`, 'DELETE');
}

/** Takes a failed or aborted job back to pending. */
export const retryJob = async (id: string): Promise<Image> =>
  (await (await ask(`/api/images/${encodeURIComponent(id)}/retry`, 'POST')).json()) as Image;
