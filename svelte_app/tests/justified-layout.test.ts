import { expect, test } from 'vitest';

import { justifiedRows } from '../src/lib/gallery/justified-layout';

const layout = { width: 1000, targetHeight: 200, gap: 10 };
const itself = (ratio: number): number => ratio;
const ratios = Array.from({ length: 40 }, (_, at) => [1.5, 0.67, 1, 3.2, 1.78][at % 5] ?? 1);

test('every full row has exactly the full width and at most the target height', () => {
  const rows = justifiedRows(ratios, itself, layout, false);
  expect(rows.length).toBeGreaterThan(5);
  for (const { widths, height } of rows) {
    expect(widths.reduce((sum, width) => sum + width, 10 * (widths.length - 1))).toBeCloseTo(1000, 6);
    expect(height).toBeLessThanOrEqual(200);
  }
});

test('images keep their aspect ratio', () => {
  for (const { images, widths, height } of justifiedRows(ratios, itself, layout, true)) {
    images.forEach((ratio, at) => expect((widths[at] ?? 0) / height).toBeCloseTo(ratio, 6));
  }
});

test('finished rows do not change when more images follow', () => {
  const before = justifiedRows(ratios.slice(0, 23), itself, layout, false);
  expect(justifiedRows(ratios, itself, layout, false).slice(0, before.length)).toEqual(before);
});

test('the unfinished last row is left out until the list is complete, and is not stretched', () => {
  expect(justifiedRows([1, 1], itself, layout, false)).toEqual([]);
  expect(justifiedRows([1, 1], itself, layout, true)).toEqual([
    { images: [1, 1], height: 200, widths: [200, 200] },
  ]);
});
