import { expect, test } from 'vitest';

import { justifiedRows } from '../src/lib/gallery/justified-layout';

const sheet = { width: 1000, aim: 200, gap: 10 };
const itself = (ratio: number): number => ratio;
const ratios = Array.from({ length: 40 }, (_, at) => [1.5, 0.67, 1, 3.2, 1.78][at % 5] ?? 1);

test('every full row is exactly as wide as the sheet and no higher than aimed at', () => {
  const rows = justifiedRows(ratios, itself, sheet, false);
  expect(rows.length).toBeGreaterThan(5);
  for (const { widths, height } of rows) {
    expect(widths.reduce((sum, width) => sum + width, 10 * (widths.length - 1))).toBeCloseTo(1000, 6);
    expect(height).toBeLessThanOrEqual(200);
  }
});

test('pictures keep their shape', () => {
  for (const { pictures, widths, height } of justifiedRows(ratios, itself, sheet, true)) {
    pictures.forEach((ratio, at) => expect((widths[at] ?? 0) / height).toBeCloseTo(ratio, 6));
  }
});

test('what was laid out stays where it was when more pictures follow', () => {
  const before = justifiedRows(ratios.slice(0, 23), itself, sheet, false);
  expect(justifiedRows(ratios, itself, sheet, false).slice(0, before.length)).toEqual(before);
});

test('the open last row waits for more, and is shown unstretched at the end', () => {
  expect(justifiedRows([1, 1], itself, sheet, false)).toEqual([]);
  expect(justifiedRows([1, 1], itself, sheet, true)).toEqual([
    { pictures: [1, 1], height: 200, widths: [200, 200] },
  ]);
});
