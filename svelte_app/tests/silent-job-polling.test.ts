import { expect, test } from 'vitest';

import { silentJobs } from '../src/lib/upload/silent-job-polling';

test('only jobs silent for longer than their patience are asked about', () => {
  const jobs = new Map([
    ['quiet', { heardAt: 0, patienceMs: 10_000 }],
    ['fresh', { heardAt: 9_000, patienceMs: 10_000 }],
    ['asked before', { heardAt: 0, patienceMs: 15_000 }],
  ]);
  expect(silentJobs(jobs, 10_000)).toEqual(['quiet']);
});
