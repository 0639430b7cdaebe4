import { expect, test } from 'vitest';

import type { Image } from '../src/lib/api/types';
import {
  galleryPath,
  NO_FILTER,
  parseFilter,
  matches,
  filterParameters,
} from '../src/lib/gallery/gallery-filter';

const image = { name: 'IMG_12.JPG', status: 'completed', collection: 'uploads', batch_id: 'b' } as Image;

test('a filter is restored from its path', () => {
  const filter = { status: 'error', collection: 'röd & grün', batch: 'b', q: 'a+b c' } as const;
  const path = galleryPath(filter);
  expect(parseFilter(path.slice(path.indexOf('?')))).toEqual(filter);
  expect(galleryPath(NO_FILTER)).toBe('/gallery');
  expect(parseFilter('')).toEqual(NO_FILTER);
});

test('unknown statuses and parameters are ignored', () => {
  expect(parseFilter('?status=lost&collection=&batch=&other=1')).toEqual(NO_FILTER);
});

test('only parameters that are set are sent to the server', () => {
  expect(filterParameters({ ...NO_FILTER, q: 'x' }).toString()).toBe('q=x');
});

test.each([
  [NO_FILTER, true],
  [{ ...NO_FILTER, q: 'img_1' }, true],
  [{ ...NO_FILTER, q: 'png' }, false],
  [{ ...NO_FILTER, status: 'error' as const }, false],
  [{ ...NO_FILTER, collection: 'uploads', batch: 'b' }, true],
  [{ ...NO_FILTER, batch: 'other' }, false],
])('%o matches as the server filters its list', (filter, expected) => {
  expect(matches(image, filter)).toBe(expected);
});
