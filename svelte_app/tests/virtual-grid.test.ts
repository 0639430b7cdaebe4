import { expect, test } from 'vitest';

import { gridLayout, visibleRange } from '../src/lib/virtual-grid';

const grid = gridLayout(1000, 172, 12, 48);

test('a grid fills its width with as many columns as fit', () => {
  expect(grid).toEqual({ columns: 5, tile: 190, rowHeight: 250 });
  expect(gridLayout(100, 172, 12, 48).columns).toBe(1);
});

test('of a thousand tiles only those near the screen exist', () => {
  const shown = visibleRange(1000, grid, 10_000, 900);
  expect(shown.last - shown.first).toBeLessThanOrEqual(6 * 5 + 5);
  expect(shown.before).toBeLessThanOrEqual(10_000);
  expect(shown.before + ((shown.last - shown.first) / 5) * 250).toBeGreaterThanOrEqual(10_900);
});

test('the first and the last tile are reached', () => {
  expect(visibleRange(998, grid, -500, 900).first).toBe(0);
  expect(visibleRange(998, grid, 200 * 250 - 900, 900).last).toBe(998);
});

test('scrolled past, nothing exists but the height stays', () => {
  const shown = visibleRange(10, grid, 90_000, 900);
  expect(shown.first).toBeGreaterThanOrEqual(shown.last);
  expect(shown.whole).toBe(500);
});
