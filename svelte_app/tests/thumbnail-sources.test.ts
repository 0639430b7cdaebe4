import { expect, test } from 'vitest';

import { pick, ratio, sources, srcset } from '../src/lib/thumbnail-sources';

const scales = { small: 240, medium: 1024, large: 1500 };
const all = sources({ large: '/l.jpg', small: '/s.jpg', medium: '/m.jpg' }, scales);

test('the smallest thumbnail that is large enough is picked', () => {
  expect(pick(all, 100)?.label).toBe('small');
  expect(pick(all, 241)?.label).toBe('medium');
  expect(pick(all, 4000)?.label).toBe('large');
  expect(pick([], 100)).toBeNull();
});

test('srcset tells true widths: the scale is the longest edge', () => {
  expect(srcset(all, { width: 4000, height: 3000 })).toBe('/s.jpg 240w, /m.jpg 1024w, /l.jpg 1500w');
  expect(srcset(all, { width: 3000, height: 4000 })).toBe('/s.jpg 180w, /m.jpg 768w, /l.jpg 1125w');
});

test('nothing is enlarged, so a small image has fewer widths', () => {
  expect(srcset(all, { width: 800, height: 600 })).toBe('/s.jpg 240w, /m.jpg 800w');
});

test('without a known size there is no srcset and a square is kept free', () => {
  expect(srcset(all, { width: null, height: null })).toBeUndefined();
  expect(ratio({ width: null, height: null })).toBe(1);
});

test('while scales are unknown every thumbnail still is a source', () => {
  expect(sources({ small: '/s.jpg' }, {})).toEqual([{ label: 'small', url: '/s.jpg', scale: 0 }]);
});
