import { expect, test } from 'vitest';

import { importWithRetry } from '../src/lib/import-with-retry';

test('a failed import is retried until it succeeds; other errors are rethrown', async () => {
  let attempts = 0;
  let failed = 0;
  const load = (): Promise<string> =>
    (attempts += 1) < 2 ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve('loaded');
  expect(await importWithRetry(load, () => (failed += 1))).toBe('loaded');
  expect([attempts, failed]).toEqual([2, 1]);
  await expect(importWithRetry(() => Promise.reject(new RangeError('a mistake')))).rejects.toThrow(
    'a mistake',
  );
});
