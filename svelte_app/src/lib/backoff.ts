/**
 * Exponential back-off with jitter. Pure. The upload queue, the WebSocket and the lazy imports use it.
 */

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;

/**
 * The delay before the next attempt. It doubles with each attempt up to 30 s. The jitter spreads it between
 * 50 % and 100 %, so that clients that failed together do not retry together.
 * @param attempt number of failed attempts, from 1
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const maxMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.round(maxMs * (0.5 + random / 2));
}
