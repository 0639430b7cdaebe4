import { expect, test } from 'vitest';

import { nextPage } from '../src/lib/api/link-header';
import { bytes, duration } from '../src/lib/format';
import { socketUrl } from '../src/lib/live/reconnecting-socket';
import { isLoopback } from '../src/lib/offline';
import { silentJobs } from '../src/lib/upload/silent-job-polling';
import { uuid } from '../src/lib/uuid';

test('the next page is found among other links', () => {
  const header = '</api/list?a=1,2>; rel="prev", </api/list?cursor=x%2Cy>; title="n"; rel="next"';
  expect(nextPage(header)).toBe('/api/list?cursor=x%2Cy');
  expect(nextPage('</api/list>; rel="prev"')).toBeNull();
  expect(nextPage(null)).toBeNull();
});

test('bytes are told with the unit a person expects', () => {
  expect([0, 1023, 1024, 1_048_000, 1_300_000, 52_428_800, 2 ** 31].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KB',
    '1.0 MB',
    '1.2 MB',
    '50 MB',
    '2.0 GB',
  ]);
});

test('a duration never reads as nothing', () => {
  expect([0.2, 59, 61, 3_700].map(duration)).toEqual(['1 s', '59 s', '1 min', '1 h 2 min']);
});

test('the socket follows the page’s host, protocol and prefix', () => {
  const page = (href: string): Location => new URL(href) as unknown as Location;
  expect(socketUrl(page('https://photos.example/gallery'), '/', null)).toBe(
    'wss://photos.example/ws/upload/',
  );
  expect(socketUrl(page('http://127.0.0.1:8123/p/images/1'), '/p/', 'a b&c')).toBe(
    'ws://127.0.0.1:8123/p/ws/upload/?token=a+b%26c',
  );
});

test('only jobs silent for longer than their patience are asked about', () => {
  const jobs = new Map([
    ['quiet', { heardAt: 0, patienceMs: 10_000 }],
    ['fresh', { heardAt: 9_000, patienceMs: 10_000 }],
    ['asked before', { heardAt: 0, patienceMs: 15_000 }],
  ]);
  expect(silentJobs(jobs, 10_000)).toEqual(['quiet']);
});

test('ids are random version 4 UUIDs', () => {
  const ids = Array.from({ length: 200 }, uuid);
  expect(new Set(ids).size).toBe(200);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a server on the same machine is reached without a network', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'photos.localhost'])
    expect(isLoopback(host)).toBe(true);
  for (const host of ['192.168.1.7', 'photos.example', 'localhost.example'])
    expect(isLoopback(host)).toBe(false);
});
