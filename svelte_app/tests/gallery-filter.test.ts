import { expect, test } from 'vitest';

import type { Image } from '../src/lib/api/types';
import { addressOf, EVERYTHING, filterOf, matches, parametersOf } from '../src/lib/gallery/gallery-filter';

const image = { name: 'IMG_12.JPG', status: 'completed', collection: 'uploads', batch_id: 'b' } as Image;

test('a filter survives its address', () => {
  const filter = { status: 'error', collection: 'röd & grün', batch: 'b', q: 'a+b c' } as const;
  const address = addressOf(filter);
  expect(filterOf(address.slice(address.indexOf('?')))).toEqual(filter);
  expect(addressOf(EVERYTHING)).toBe('/gallery');
  expect(filterOf('')).toEqual(EVERYTHING);
});

test('an address that makes no sense filters nothing', () => {
  expect(filterOf('?status=lost&collection=&batch=&other=1')).toEqual(EVERYTHING);
});

test('only what filters is asked of the server', () => {
  expect(parametersOf({ ...EVERYTHING, q: 'x' }).toString()).toBe('q=x');
});

test.each([
  [EVERYTHING, true],
  [{ ...EVERYTHING, q: 'img_1' }, true],
  [{ ...EVERYTHING, q: 'png' }, false],
  [{ ...EVERYTHING, status: 'error' as const }, false],
  [{ ...EVERYTHING, collection: 'uploads', batch: 'b' }, true],
  [{ ...EVERYTHING, batch: 'other' }, false],
])('%o decides about news as the server does about its list', (filter, expected) => {
  expect(matches(image, filter)).toBe(expected);
});
