import { expect, test } from 'vitest';

import { isLoopback } from '../src/lib/offline';

test('a server on the same machine needs no network', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'photos.localhost'])
    expect(isLoopback(host)).toBe(true);
  for (const host of ['192.168.1.7', 'photos.example', 'localhost.example'])
    expect(isLoopback(host)).toBe(false);
});
