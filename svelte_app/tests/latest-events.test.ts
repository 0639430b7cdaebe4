import { expect, test } from 'vitest';

import type { JobEvent } from '../src/lib/live/messages';
import { LatestEvents } from '../src/lib/live/latest-events';

const news = (job_id: string, version: number, status: JobEvent['status']): JobEvent =>
  ({ job_id, version, status }) as JobEvent;

test('the highest version stays, in whatever order the news comes', () => {
  const book = new LatestEvents();
  expect(book.merge(news('a', 3, 'completed'))).toBe(true);
  expect(book.merge(news('a', 2, 'processing'))).toBe(false);
  expect(book.get('a')?.status).toBe('completed');
});

test('the same news twice is news once', () => {
  const book = new LatestEvents();
  expect(book.merge(news('a', 1, 'pending'))).toBe(true);
  expect(book.merge(news('a', 1, 'pending'))).toBe(false);
});

test('news of a job nobody has named yet is kept for when it is', () => {
  const book = new LatestEvents();
  book.merge(news('early', 3, 'completed'));
  // The answer comes late, and tells of the job as it was when it was accepted.
  expect(book.merge(news('early', 1, 'pending'))).toBe(false);
  expect(book.get('early')).toMatchObject({ version: 3, status: 'completed' });
});

test('a retry, which raises the version, takes a failed job back to work', () => {
  const book = new LatestEvents();
  book.merge(news('a', 3, 'error'));
  expect(book.merge(news('a', 4, 'pending'))).toBe(true);
});

test('what was heard longest ago is forgotten first, so that memory has an end', () => {
  const book = new LatestEvents();
  for (let job = 0; job <= 20_000; job += 1) book.merge(news(`job-${job}`, 1, 'pending'));
  expect(book.get('job-0')).toBeUndefined();
  expect(book.get('job-20000')).toBeDefined();
});
