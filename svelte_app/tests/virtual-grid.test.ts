import { expect, test } from 'vitest';

import { gridLayout, visibleRange } from '../src/lib/virtual-grid';

const grid = gridLayout(1000, 172, 12, 48);

test('a grid fills its width with as many columns as fit', () => {
  expect(grid).toEqual({ columns: 5, tile: 190, rowHeight: 250 });
  expect(gridLayout(100, 172, 12, 48).columns).toBe(1);
});

test('only tiles near the viewport are rendered', () => {
  const shown = visibleRange(1000, grid, 10_000, 900);
  expect(shown.last - shown.first).toBeLessThanOrEqual(6 * 5 + 5);
  expect(shown.above).toBeLessThanOrEqual(10_000);
  expect(shown.above + ((shown.last - shown.first) / 5) * 250).toBeGreaterThanOrEqual(10_900);
});

test('the first and the last tile can be scrolled to', () => {
  expect(visibleRange(998, grid, -500, 900).first).toBe(0);
  expect(visibleRange(998, grid, 200 * 250 - 900, 900).last).toBe(998);
});

test('a grid above the viewport renders no tile but keeps its height', () => {
  const shown = visibleRange(10, grid, 90_000, 900);
  expect(shown.first).toBeGreaterThanOrEqual(shown.last);
  expect(shown.totalHeight).toBe(500);
});
