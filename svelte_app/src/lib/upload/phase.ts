/**
 * What a file in the upload list can be. One union; the list, the tally and the announcements read it.
 */
import type { JobError, Thumbnails } from '../api/types';
import type { Failure } from './request-outcome';

export type Phase =
  | { readonly kind: 'queued' }
  | { readonly kind: 'uploading' }
  /** sent again in `delayMs`; null: when the network is back */
  | { readonly kind: 'waiting'; readonly delayMs: number | null }
  /** its bytes are at the server, whose answer is awaited; `working`: the answer comes with the result */
  | { readonly kind: 'arrived'; readonly working: boolean }
  /** accepted: a job waits its turn (pending) or is being worked on (processing) */
  | { readonly kind: 'pending' | 'processing' }
  | { readonly kind: 'finished'; readonly thumbnails: Thumbnails | null }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

export type PhaseKind = Phase['kind'];

/** The phase a job's status stands for. */
export function phaseOfJob(job: {
  readonly status: string;
  readonly error: JobError | null;
  readonly thumbnails: Thumbnails | null;
}): Phase {
  switch (job.status) {
    case 'completed':
      return { kind: 'finished', thumbnails: job.thumbnails };
    case 'error':
      return {
        kind: 'failed',
        failure: job.error ?? { code: 'processing_failed', message: 'The image could not be processed.' },
      };
    case 'aborted':
      return { kind: 'cancelled' };
    case 'processing':
      return { kind: 'processing' };
    default:
      return { kind: 'pending' };
  }
}

const IN_UPLOAD: ReadonlySet<PhaseKind> = new Set(['queued', 'uploading', 'waiting', 'arrived']);
const IN_PROCESSING: ReadonlySet<PhaseKind> = new Set(['pending', 'processing']);

/** Its bytes travel or wait to. */
export const isInUpload = (kind: PhaseKind): boolean => IN_UPLOAD.has(kind);
/** Accepted, and not final yet. */
export const isInProcessing = (kind: PhaseKind): boolean => IN_PROCESSING.has(kind);
export const isDone = (kind: PhaseKind): boolean => !isInUpload(kind) && !isInProcessing(kind);

const WORDS: Record<PhaseKind, string> = {
  queued: 'Waiting to upload',
  uploading: 'Uploading',
  waiting: 'Trying again soon',
  arrived: 'Uploaded',
  pending: 'In line for processing',
  processing: 'Processing',
  finished: 'Finished',
  refused: 'Not taken',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export function words(phase: Phase): string {
  if (phase.kind === 'waiting' && phase.delayMs === null) return 'Waiting for the network';
  if (phase.kind === 'arrived' && phase.working) return 'Processing';
  return WORDS[phase.kind];
}
