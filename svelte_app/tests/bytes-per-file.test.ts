import { expect, test } from 'vitest';

import { bytesPerFile } from '../src/lib/upload/bytes-per-file';

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

test('sent bytes are assigned to the files in body order', () => {
  expect(bytesPerFile([100, 100, 100], 150, 300)).toEqual([100, 50, 0]);
});

test('the multipart headers of each file precede its bytes', () => {
  // 30 bytes of multipart headers, 10 before each file.
  expect(bytesPerFile([100, 100, 100], 10, 330)).toEqual([0, 0, 0]);
  expect(bytesPerFile([100, 100, 100], 60, 330)).toEqual([50, 0, 0]);
  expect(bytesPerFile([100, 100, 100], 115, 330)).toEqual([100, 0, 0]);
  expect(bytesPerFile([100, 100, 100], 170, 330)).toEqual([100, 50, 0]);
});

test('every file is complete when the whole body is sent', () => {
  expect(bytesPerFile([7, 0, 13], 50, 50)).toEqual([7, 0, 13]);
});

test('the bytes of a file never exceed its size and never decrease', () => {
  const sizes = [5, 4_000_000, 0, 123_456, 1];
  const total = sum(sizes) + 5 * 173;
  let before = sizes.map(() => 0);
  for (let loaded = 0; loaded <= total; loaded += 9_973) {
    const now = bytesPerFile(sizes, loaded, total);
    now.forEach((sent, at) => {
      expect(sent).toBeLessThanOrEqual(sizes[at] ?? 0);
      expect(sent).toBeGreaterThanOrEqual(before[at] ?? 0);
    });
    expect(sum(now)).toBeLessThanOrEqual(loaded);
    before = now;
  }
});
