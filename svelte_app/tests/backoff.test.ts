import { expect, test } from 'vitest';

import { backoffMs } from '../src/lib/backoff';

test('the delay doubles up to 30 s and has jitter', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(attempt, 1))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(backoffMs(3, 0)).toBe(2_000);
});
