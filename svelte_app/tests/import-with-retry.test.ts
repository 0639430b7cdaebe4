import { expect, test } from 'vitest';

import { importWithRetry } from '../src/lib/import-with-retry';

test('code that does not come is asked for again until it does', async () => {
  let asked = 0;
  let failed = 0;
  const load = (): Promise<string> =>
    (asked += 1) < 2 ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve('here');
  expect(await importWithRetry(load, () => (failed += 1))).toBe('here');
  expect([asked, failed]).toEqual([2, 1]);
  await expect(importWithRetry(() => Promise.reject(new RangeError('a mistake')))).rejects.toThrow(
    'a mistake',
  );
});
