/**
 * Whether and when a request is sent again. Pure; the queue asks after each attempt.
 */
import { backoffMs } from '../backoff';
import type { Outcome } from './request-outcome';

export type RetryDecision =
  | { readonly again: false }
  /** `everyone`: the server asked for quiet, so no other request starts before then either */
  | { readonly again: true; readonly delayMs: number; readonly pauseAll: boolean };

// 1 + 2 + 4 + 8 + 16 + 30 + 30 s: a server that restarts or a lift ride is sat out.
export const MAX_ATTEMPTS = 8;
// A Retry-After beyond this is somebody's mistake; a person would have given up.
const RETRY_AFTER_CAP_MS = 120_000;

function retryHelps(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'network':
    case 'stalled':
      return true;
    case 'cancelled':
      return false;
    case 'answered':
      return (
        outcome.status >= 500 ||
        outcome.status === 429 ||
        (outcome.status === 409 && outcome.code === 'request_in_progress')
      );
  }
}

/**
 * @param attempt how many attempts were made, from 1
 * @param random in [0, 1)
 */
export function retryDecision(outcome: Outcome, attempt: number, random: number): RetryDecision {
  if (!retryHelps(outcome) || attempt >= MAX_ATTEMPTS) return { again: false };
  const asked = outcome.kind === 'answered' ? outcome.retryAfterMs : null;
  const delayMs = asked === null ? backoffMs(attempt, random) : Math.min(asked, RETRY_AFTER_CAP_MS);
  const pauseAll =
    outcome.kind === 'answered' && (outcome.status === 429 || asked !== null) && outcome.status !== 409;
  return { again: true, delayMs: pauseAll ? delayMs + Math.round(random * 500) : delayMs, pauseAll };
}

/** `Retry-After` as milliseconds from now: seconds or an HTTP date; null when absent or unreadable. */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
