import { expect, test } from 'vitest';

import { routeOf } from '../src/lib/router/route';

test.each([
  ['/', { view: 'upload' }],
  ['/gallery', { view: 'gallery' }],
  ['/gallery/', { view: 'gallery' }],
  ['/images/0f0c', { view: 'image', id: '0f0c' }],
  ['/batches/0f0c', { view: 'batch', id: '0f0c' }],
])('%s is the path of a view', (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

test.each(['/images', '/images/a/b', '/nowhere', '/api/docs', '/admin/', '/media/x.jpg'])(
  '%s is not the path of a view',
  (path) => {
    expect(routeOf(path)).toEqual({ view: 'unknown' });
  },
);
