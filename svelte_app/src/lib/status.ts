/**
 * The statuses of a job: their order, which statuses are final, and in which a job can be retried. Pure.
 */
import type { Status } from './api/types';

/** All statuses in the order in which the page lists them. */
export const STATUSES: readonly Status[] = ['completed', 'processing', 'pending', 'error', 'aborted'];

const RETRYABLE: ReadonlySet<Status> = new Set(['error', 'aborted']);

/** The job ended without thumbnails. */
export const canRetry = (status: Status): boolean => RETRYABLE.has(status);

export const isFinal = (status: Status): boolean => status === 'completed' || canRetry(status);
