/**
 * The statuses of a job: which there are, which are final, and each in a person's words. Pure.
 */
import type { Status } from './api/types';

const WORDS: Record<Status, string> = {
  pending: 'In line for processing',
  processing: 'Processing',
  completed: 'Finished',
  error: 'Failed',
  aborted: 'Cancelled',
};

/** All of them, in the order in which people are told of them. */
export const STATUSES: readonly Status[] = ['completed', 'processing', 'pending', 'error', 'aborted'];

const STOPPED: ReadonlySet<Status> = new Set(['error', 'aborted']);

/** It ended without a picture, and may be tried again. */
export const canRetry = (status: Status): boolean => STOPPED.has(status);

export const isFinal = (status: Status): boolean => status === 'completed' || canRetry(status);

export const statusWords = (status: Status): string => WORDS[status];
