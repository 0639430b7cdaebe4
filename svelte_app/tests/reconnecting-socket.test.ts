import { expect, test } from 'vitest';

import { socketUrl } from '../src/lib/live/reconnecting-socket';

test('the WebSocket URL has the host, scheme and path prefix of the page', () => {
  const page = (href: string): Location => new URL(href) as unknown as Location;
  expect(socketUrl(page('https://photos.example/gallery'), '/', null)).toBe(
    'wss://photos.example/ws/upload/',
  );
  expect(socketUrl(page('http://127.0.0.1:8123/p/images/1'), '/p/', 'a b&c')).toBe(
    'ws://127.0.0.1:8123/p/ws/upload/?token=a+b%26c',
  );
});
