/**
 * The phases of a file in the upload list, as one union. The list, the totals and the texts (words.ts) use it.
 */
import type { JobError, Thumbnails } from '../api/types';
import type { Failure } from './request-outcome';

export type Phase =
  | { readonly kind: 'queued' }
  | { readonly kind: 'uploading' }
  /** the request will be sent in `delayMs` ms, or if null, when the network is back */
  | { readonly kind: 'waiting'; readonly delayMs: number | null }
  /**
   * all bytes are sent and the response is pending; `processing`: the response will contain the thumbnails,
   * as in sync mode
   */
  | { readonly kind: 'uploaded'; readonly processing: boolean }
  /** accepted; the job is pending or processing */
  | { readonly kind: 'pending' | 'processing' }
  | { readonly kind: 'finished'; readonly thumbnails: Thumbnails | null }
  /** refused by the page's own validation, so never uploaded */
  | { readonly kind: 'invalid'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

export type PhaseKind = Phase['kind'];

/** The phase that corresponds to a job's status. */
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
        failure: job.error ?? { code: 'processing_failed', message: 'The photo could not be processed.' },
      };
    case 'aborted':
      return { kind: 'cancelled' };
    case 'processing':
      return { kind: 'processing' };
    default:
      return { kind: 'pending' };
  }
}

const IN_UPLOAD: ReadonlySet<PhaseKind> = new Set(['queued', 'uploading', 'waiting', 'uploaded']);
const IN_PROCESSING: ReadonlySet<PhaseKind> = new Set(['pending', 'processing']);

/** The server has not accepted the file yet. */
export const isInUpload = (kind: PhaseKind): boolean => IN_UPLOAD.has(kind);
/** The server has accepted the file and its job is not final. */
export const isInProcessing = (kind: PhaseKind): boolean => IN_PROCESSING.has(kind);
export const isDone = (kind: PhaseKind): boolean => !isInUpload(kind) && !isInProcessing(kind);
