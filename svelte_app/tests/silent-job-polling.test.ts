import { expect, test } from 'vitest';

import { silentJobs } from '../src/lib/upload/silent-job-polling';

test('only jobs silent for longer than their patience are asked about', () => {
  const jobs = new Map([
    ['quiet', { lastEventAt: 0, pollAfterMs: 10_000 }],
    ['fresh', { lastEventAt: 9_000, pollAfterMs: 10_000 }],
    ['asked before', { lastEventAt: 0, pollAfterMs: 15_000 }],
  ]);
  expect(silentJobs(jobs, 10_000)).toEqual(['quiet']);
});
