/**
 * Texts that several components share: words for statuses and phases, the summary of an upload, and connection
 * errors. The texts address the owner of the photos. Pure.
 */
import type { Status } from './api/types';
import { plural } from './format';
import type { Phase, PhaseKind } from './upload/phase';
import type { Totals } from './upload/totals';

const STATUS_WORDS: Record<Status, string> = {
  pending: 'Waiting',
  processing: 'Processing',
  completed: 'Finished',
  error: 'Failed',
  aborted: 'Cancelled',
};

export const statusWords = (status: Status): string => STATUS_WORDS[status];

const PHASE_WORDS: Record<PhaseKind, string> = {
  queued: 'Waiting to upload',
  uploading: 'Uploading',
  waiting: 'Trying again soon',
  uploaded: 'Uploaded',
  pending: STATUS_WORDS.pending,
  processing: STATUS_WORDS.processing,
  finished: STATUS_WORDS.completed,
  invalid: 'Could not be added',
  failed: 'Could not be added',
  cancelled: STATUS_WORDS.aborted,
};

export function phaseWords(phase: Phase): string {
  if (phase.kind === 'waiting' && phase.delayMs === null) return 'Offline. Will continue by itself.';
  if (phase.kind === 'uploaded' && phase.processing) return STATUS_WORDS.processing;
  return PHASE_WORDS[phase.kind];
}

/** "12 photos finished, 2 could not be added, 1 cancelled." */
export function uploadSummary({ finished, failed, invalid, cancelled }: Totals): string {
  const parts = [`${plural(finished, 'photo')} finished`];
  if (failed + invalid > 0) parts.push(`${(failed + invalid).toLocaleString('en')} could not be added`);
  if (cancelled > 0) parts.push(`${cancelled.toLocaleString('en')} cancelled`);
  return `${parts.join(', ')}.`;
}

export const SERVER_UNREACHABLE = 'The server cannot be reached.';

/** For an error response without a message, for example from a proxy. */
export const serverErrorWords = (status: number): string =>
  status === 413 ? 'This file is too large for the server.' : `The server reported an error (${status}).`;
