import { expect, test } from 'vitest';

import type { Outcome } from '../src/lib/upload/request-outcome';
import { MAX_ATTEMPTS, retryDecision, retryAfterMs } from '../src/lib/upload/retry-policy';

const answered = (status: number, code: string | null = null, after: number | null = null): Outcome => ({
  kind: 'answered',
  status,
  body: null,
  code,
  retryAfterMs: after,
});

test.each([
  ['a network fault', { kind: 'network' } as Outcome],
  ['a stalled upload', { kind: 'stalled' } as Outcome],
  ['a 500', answered(500, 'internal')],
  ['a 502 of a proxy', answered(502)],
  ['the same key under way', answered(409, 'request_in_progress')],
])('%s is tried again', (_, outcome) => {
  expect(retryDecision(outcome, 1, 0.5).again).toBe(true);
});

test.each([
  ['a corrupt image', answered(422, 'corrupt_image')],
  ['a used key', answered(422, 'key_reused')],
  ['another conflict', answered(409, 'not_retryable')],
  ['a forbidden origin', answered(403, 'forbidden_origin')],
  ['a success', answered(202)],
  ['a cancelled upload', { kind: 'cancelled' } as Outcome],
])('%s is not tried again', (_, outcome) => {
  expect(retryDecision(outcome, 1, 0.5)).toEqual({ again: false });
});

test('the last attempt is the last', () => {
  expect(retryDecision({ kind: 'network' }, MAX_ATTEMPTS - 1, 0).again).toBe(true);
  expect(retryDecision({ kind: 'network' }, MAX_ATTEMPTS, 0).again).toBe(false);
});

test('Retry-After is honoured to the second and holds everyone back', () => {
  expect(retryDecision(answered(503, 'overloaded', 7_000), 1, 0)).toEqual({
    again: true,
    delayMs: 7_000,
    pauseAll: true,
  });
  expect(retryDecision(answered(429, 'rate_limited', 3_000), 1, 0)).toEqual({
    again: true,
    delayMs: 3_000,
    pauseAll: true,
  });
});

test('one request under way holds back no other', () => {
  expect(retryDecision(answered(409, 'request_in_progress', 2_000), 1, 0)).toMatchObject({ pauseAll: false });
});

test('Retry-After may be seconds or a date', () => {
  const now = Date.parse('2026-01-02T12:00:00Z');
  expect(retryAfterMs('12', now)).toBe(12_000);
  expect(retryAfterMs('Fri, 02 Jan 2026 12:00:05 GMT', now)).toBe(5_000);
  expect(retryAfterMs('Fri, 02 Jan 2026 11:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('soon', now)).toBeNull();
  expect(retryAfterMs(null, now)).toBeNull();
});
