import { expect, test } from 'vitest';

import { aspectRatio, selectSource, srcset, thumbnailSources } from '../src/lib/thumbnail-sources';

const scales = { small: 240, medium: 1024, large: 1500 };
const all = thumbnailSources({ large: '/l.jpg', small: '/s.jpg', medium: '/m.jpg' }, scales);

test('the smallest thumbnail that is large enough is selected', () => {
  expect(selectSource(all, 100)?.label).toBe('small');
  expect(selectSource(all, 241)?.label).toBe('medium');
  expect(selectSource(all, 4000)?.label).toBe('large');
  expect(selectSource([], 100)).toBeNull();
});

test('srcset has real widths: the scale is the longest edge', () => {
  expect(srcset(all, { width: 4000, height: 3000 })).toBe('/s.jpg 240w, /m.jpg 1024w, /l.jpg 1500w');
  expect(srcset(all, { width: 3000, height: 4000 })).toBe('/s.jpg 180w, /m.jpg 768w, /l.jpg 1125w');
});

test('a small image has fewer widths, because thumbnails are never enlarged', () => {
  expect(srcset(all, { width: 800, height: 600 })).toBe('/s.jpg 240w, /m.jpg 800w');
});

test('an image of unknown dimensions has no srcset and the aspect ratio 1', () => {
  expect(srcset(all, { width: null, height: null })).toBeUndefined();
  expect(aspectRatio({ width: null, height: null })).toBe(1);
});

test('every thumbnail is a source while the scales are unknown', () => {
  expect(thumbnailSources({ small: '/s.jpg' }, {})).toEqual([{ label: 'small', url: '/s.jpg', scale: 0 }]);
});
