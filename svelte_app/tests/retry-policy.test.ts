import { expect, test } from 'vitest';

import type { Outcome } from '../src/lib/upload/request-outcome';
import { MAX_ATTEMPTS, retryDecision, retryAfterMs } from '../src/lib/upload/retry-policy';

const response = (status: number, code: string | null = null, after: number | null = null): Outcome => ({
  kind: 'response',
  status,
  body: null,
  code,
  retryAfterMs: after,
});

test.each([
  ['a network error', { kind: 'network' } as Outcome],
  ['a stalled upload', { kind: 'stalled' } as Outcome],
  ['a 500', response(500, 'internal')],
  ['a 502 from a proxy', response(502)],
  ['a request in progress with the same key', response(409, 'request_in_progress')],
])('%s is retried', (_, outcome) => {
  expect(retryDecision(outcome, 1, 0.5).retry).toBe(true);
});

test.each([
  ['a corrupt image', response(422, 'corrupt_image')],
  ['a reused key', response(422, 'key_reused')],
  ['another conflict', response(409, 'not_retryable')],
  ['a forbidden origin', response(403, 'forbidden_origin')],
  ['a success', response(202)],
  ['a cancelled upload', { kind: 'cancelled' } as Outcome],
])('%s is not retried', (_, outcome) => {
  expect(retryDecision(outcome, 1, 0.5)).toEqual({ retry: false });
});

test('the last attempt is not retried', () => {
  expect(retryDecision({ kind: 'network' }, MAX_ATTEMPTS - 1, 0).retry).toBe(true);
  expect(retryDecision({ kind: 'network' }, MAX_ATTEMPTS, 0).retry).toBe(false);
});

test('Retry-After sets the delay and pauses all requests', () => {
  expect(retryDecision(response(503, 'overloaded', 7_000), 1, 0)).toEqual({
    retry: true,
    delayMs: 7_000,
    pauseAll: true,
  });
  expect(retryDecision(response(429, 'rate_limited', 3_000), 1, 0)).toEqual({
    retry: true,
    delayMs: 3_000,
    pauseAll: true,
  });
});

test('a request in progress pauses no other request', () => {
  expect(retryDecision(response(409, 'request_in_progress', 2_000), 1, 0)).toMatchObject({ pauseAll: false });
});

test('Retry-After is parsed as seconds or as a date', () => {
  const now = Date.parse('2026-01-02T12:00:00Z');
  expect(retryAfterMs('12', now)).toBe(12_000);
  expect(retryAfterMs('Fri, 02 Jan 2026 12:00:05 GMT', now)).toBe(5_000);
  expect(retryAfterMs('Fri, 02 Jan 2026 11:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('soon', now)).toBeNull();
  expect(retryAfterMs(null, now)).toBeNull();
});
