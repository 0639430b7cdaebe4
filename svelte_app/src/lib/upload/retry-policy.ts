/**
 * The retry policy of uploads: whether and when a request is sent again. Pure. The request queue calls it
 * after each attempt.
 */
import { backoffMs } from '../backoff';
import type { Outcome } from './request-outcome';

export type RetryDecision =
  | { readonly retry: false }
  /** `pauseAll`: the server is overloaded, so no other request starts before `delayMs` either */
  | { readonly retry: true; readonly delayMs: number; readonly pauseAll: boolean };

// The seven delays add up to at most 1 + 2 + 4 + 8 + 16 + 30 + 30 = 91 s. A server restart or a short loss of signal
// takes less time.
export const MAX_ATTEMPTS = 8;
// A longer Retry-After is treated as a configuration error.
const RETRY_AFTER_CAP_MS = 120_000;

function canSucceedLater(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'network':
    case 'stalled':
      return true;
    case 'cancelled':
      return false;
    case 'response':
      return (
        outcome.status >= 500 ||
        outcome.status === 429 ||
        (outcome.status === 409 && outcome.code === 'request_in_progress')
      );
  }
}

/**
 * @param attempt number of attempts made, from 1
 * @param random in [0, 1)
 */
export function retryDecision(outcome: Outcome, attempt: number, random: number): RetryDecision {
  if (!canSucceedLater(outcome) || attempt >= MAX_ATTEMPTS) return { retry: false };
  const retryAfter = outcome.kind === 'response' ? outcome.retryAfterMs : null;
  const delayMs = retryAfter === null ? backoffMs(attempt, random) : Math.min(retryAfter, RETRY_AFTER_CAP_MS);
  const pauseAll =
    outcome.kind === 'response' && (outcome.status === 429 || retryAfter !== null) && outcome.status !== 409;
  return { retry: true, delayMs: pauseAll ? delayMs + Math.round(random * 500) : delayMs, pauseAll };
}

/** A `Retry-After` header (seconds or HTTP date) in ms from now. Null if absent or invalid. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
