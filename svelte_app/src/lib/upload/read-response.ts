/**
 * Reads an upload's answer into one result per file, by the `index` the server gives, never by name
 * (names repeat). Pure; called by the queue for the last outcome of a request.
 */
import type { ErrorBody, Image, Job, Rejection } from '../api/types';
import type { Failure, Outcome } from './request-outcome';

export type FileResult =
  | { readonly kind: 'accepted'; readonly image: Image }
  /** the server judged this very file */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** the request as a whole failed; `maybeStored`: its answer was lost, so only the same key is safe again */
  | { readonly kind: 'unsent'; readonly failure: Failure; readonly maybeStored: boolean };

interface Answer extends Partial<ErrorBody> {
  image?: Image;
  jobs?: Job[];
  rejected?: Rejection[];
}

const FAULTS: Record<'network' | 'stalled' | 'cancelled', Failure> = {
  network: { code: 'unreachable', message: 'The server cannot be reached.' },
  stalled: { code: 'stalled', message: 'The upload stood still for too long.' },
  cancelled: { code: 'cancelled', message: 'Cancelled.' },
};

export const UNREADABLE: Failure = {
  code: 'unreadable',
  message: 'The file was moved or changed and can no longer be read.',
};

function wholeFailure(outcome: Outcome): Failure {
  if (outcome.kind !== 'answered') return FAULTS[outcome.kind];
  const body = (outcome.body ?? {}) as Answer;
  return {
    code: body.code ?? 'internal',
    message: body.error ?? `The server answered ${outcome.status} without a reason.`,
  };
}

/** One result per file of the request, in body order. */
export function readResponse(outcome: Outcome, count: number): FileResult[] {
  const body = outcome.kind === 'answered' ? ((outcome.body ?? {}) as Answer) : {};
  const ok = outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300;
  const results = new Map<number, FileResult>();
  for (const { index, error, code } of body.rejected ?? []) {
    results.set(index, { kind: 'rejected', failure: { code, message: error } });
  }
  if (ok) {
    for (const { index, ...image } of body.jobs ?? []) results.set(index, { kind: 'accepted', image });
    if (body.image) results.set(0, { kind: 'accepted', image: body.image });
  }
  const rest: FileResult = ok
    ? {
        kind: 'rejected',
        failure: { code: 'unaccounted', message: 'The server’s answer does not mention this file.' },
      }
    : isFileError(outcome) && count === 1
      ? { kind: 'rejected', failure: wholeFailure(outcome) }
      : { kind: 'unsent', failure: wholeFailure(outcome), maybeStored: maybeStored(outcome) };
  return Array.from({ length: count }, (_, index) => results.get(index) ?? rest);
}

// Codes that speak about the file itself: sending the same bytes again can only end the same way.
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
  return outcome.kind === 'answered' && outcome.code !== null && FILE_ERROR_CODES.has(outcome.code);
}

// A 4xx is an answer: nothing was kept, and the server would repeat it to the same key.
const maybeStored = (outcome: Outcome): boolean => outcome.kind !== 'answered' || outcome.status >= 500;

/** Whether sending a rejected file again can end differently. */
export const isRetryableCode = (code: string): boolean => !FILE_ERROR_CODES.has(code);
