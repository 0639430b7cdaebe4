import { expect, test } from 'vitest';

import { bytes, duration } from '../src/lib/format';

test('byte counts are formatted with units of 1,024', () => {
  expect([0, 1023, 1024, 1_048_000, 1_300_000, 52_428_800, 2 ** 31].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KB',
    '1.0 MB',
    '1.2 MB',
    '50 MB',
    '2.0 GB',
  ]);
});

test('a duration is at least 1 s', () => {
  expect([0.2, 59, 61, 3_700].map(duration)).toEqual(['1 s', '59 s', '1 min', '1 h 2 min']);
});
