/**
 * Converts the outcome of a request into one result per file. Files are identified by the response's `index`,
 * because names repeat. Pure. The request queue calls it with the final outcome of a request.
 */
import type { ErrorBody, Image, Job, Rejection } from '../api/types';
import { SERVER_UNREACHABLE, serverErrorWords } from '../words';
import type { Failure, Outcome } from './request-outcome';

export type FileResult =
  | { readonly kind: 'accepted'; readonly image: Image }
  /** the server rejected this file */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /**
   * the request failed as a whole; `maybeStored`: the server may have stored the files, so that only a retry
   * with the same idempotency key avoids duplicates
   */
  | { readonly kind: 'unsent'; readonly failure: Failure; readonly maybeStored: boolean };

interface ResponseBody extends Partial<ErrorBody> {
  image?: Image;
  jobs?: Job[];
  rejected?: Rejection[];
}

const NO_RESPONSE: Record<'network' | 'stalled' | 'cancelled', Failure> = {
  network: { code: 'unreachable', message: SERVER_UNREACHABLE },
  stalled: { code: 'stalled', message: 'The upload stopped making progress.' },
  cancelled: { code: 'cancelled', message: 'Cancelled.' },
};

export const UNREADABLE: Failure = {
  code: 'unreadable',
  message: 'The file was moved or changed and can no longer be read.',
};

function requestFailure(outcome: Outcome): Failure {
  if (outcome.kind !== 'response') return NO_RESPONSE[outcome.kind];
  const body = (outcome.body ?? {}) as ResponseBody;
  return {
    code: body.code ?? 'internal',
    message: body.error ?? serverErrorWords(outcome.status),
  };
}

/** @returns one result per file of the request, in body order */
export function readResponse(outcome: Outcome, fileCount: number): FileResult[] {
  const body = outcome.kind === 'response' ? ((outcome.body ?? {}) as ResponseBody) : {};
  const ok = outcome.kind === 'response' && outcome.status >= 200 && outcome.status < 300;
  const results = new Map<number, FileResult>();
  for (const { index, error, code } of body.rejected ?? []) {
    results.set(index, { kind: 'rejected', failure: { code, message: error } });
  }
  if (ok) {
    for (const { index, ...image } of body.jobs ?? []) results.set(index, { kind: 'accepted', image });
    if (body.image) results.set(0, { kind: 'accepted', image: body.image });
  }
  const resultOfUnlisted: FileResult = ok
    ? {
        kind: 'rejected',
        failure: { code: 'unaccounted', message: 'The server did not confirm this file.' },
      }
    : isFileError(outcome) && fileCount === 1
      ? { kind: 'rejected', failure: requestFailure(outcome) }
      : { kind: 'unsent', failure: requestFailure(outcome), maybeStored: maybeStored(outcome) };
  return Array.from({ length: fileCount }, (_, index) => results.get(index) ?? resultOfUnlisted);
}

// Codes of errors that the file itself causes. A retry with the same bytes fails again.
const FILE_ERROR_CODES = new Set([
  'empty_file',
  'unsupported_type',
  'too_many_pixels',
  'corrupt_image',
  'file_too_large',
  'body_too_large',
  'unreadable',
]);

function isFileError(outcome: Outcome): boolean {
  return outcome.kind === 'response' && outcome.code !== null && FILE_ERROR_CODES.has(outcome.code);
}

// After a 4xx nothing is stored, and the server repeats the response for the same idempotency key.
const maybeStored = (outcome: Outcome): boolean => outcome.kind !== 'response' || outcome.status >= 500;

/** True if a retry of a file with this error code can succeed. */
export const isRetryableCode = (code: string): boolean => !FILE_ERROR_CODES.has(code);
