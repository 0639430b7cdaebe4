import { expect, test } from 'vitest';

import type { JobEvent } from '../src/lib/live/messages';
import { LatestEvents } from '../src/lib/live/latest-events';

const event = (job_id: string, version: number, status: JobEvent['status']): JobEvent =>
  ({ job_id, version, status }) as JobEvent;

test('the highest version wins, in any order of events', () => {
  const latest = new LatestEvents();
  expect(latest.merge(event('a', 3, 'completed'))).toBe(true);
  expect(latest.merge(event('a', 2, 'processing'))).toBe(false);
  expect(latest.get('a')?.status).toBe('completed');
});

test('a repeated event is ignored', () => {
  const latest = new LatestEvents();
  expect(latest.merge(event('a', 1, 'pending'))).toBe(true);
  expect(latest.merge(event('a', 1, 'pending'))).toBe(false);
});

test('an event that arrives before the response is kept', () => {
  const latest = new LatestEvents();
  latest.merge(event('early', 3, 'completed'));
  // The late response contains the job's state at the time of acceptance.
  expect(latest.merge(event('early', 1, 'pending'))).toBe(false);
  expect(latest.get('early')).toMatchObject({ version: 3, status: 'completed' });
});

test('a retried job returns to pending, because its version is higher', () => {
  const latest = new LatestEvents();
  latest.merge(event('a', 3, 'error'));
  expect(latest.merge(event('a', 4, 'pending'))).toBe(true);
});

test('the job without events for longest is evicted above 20,000 entries', () => {
  const latest = new LatestEvents();
  for (let job = 0; job <= 20_000; job += 1) latest.merge(event(`job-${job}`, 1, 'pending'));
  expect(latest.get('job-0')).toBeUndefined();
  expect(latest.get('job-20000')).toBeDefined();
});
