import { expect, test } from 'vitest';

import { silentJobs } from '../src/lib/upload/silent-job-polling';

test('only jobs without events for their polling interval are polled', () => {
  const jobs = new Map([
    ['silent', { lastEventAt: 0, pollAfterMs: 10_000 }],
    ['recent event', { lastEventAt: 9_000, pollAfterMs: 10_000 }],
    ['longer interval', { lastEventAt: 0, pollAfterMs: 15_000 }],
  ]);
  expect(silentJobs(jobs, 10_000)).toEqual(['silent']);
});
