/**
 * A job's status in a person's words. Pure.
 */
import type { Status } from './api/types';

const WORDS: Record<Status, string> = {
  pending: 'In line for processing',
  processing: 'Processing',
  completed: 'Finished',
  error: 'Failed',
  aborted: 'Cancelled',
};

export const statusWords = (status: Status): string => WORDS[status];
