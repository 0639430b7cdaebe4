/**
 * Formats byte counts, durations, counts and times for people. Pure. Components call it.
 */

const UNITS = ['KB', 'MB', 'GB', 'TB'];

/** "1.2 MB". Units are powers of 1,024. One decimal below 10. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  let value = count;
  let unit = -1;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // 1023.96 KB would round to "1024 KB". It is written as 1.0 MB.
  if (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${UNITS[unit] ?? ''}`;
}

/** "12 s", "3 min", "1 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "1 photo", "12 photos". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** An ISO 8601 time in the browser's time zone. */
export const time = (iso: string): string => TIME.format(new Date(iso));
