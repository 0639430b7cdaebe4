/**
 * The result of an upload in one sentence. Pure. The progress panel and the status bar show it.
 */
import { plural } from '../format';
import type { Totals } from './totals';

export function summaryOf({ finished, failed, invalid, cancelled }: Totals): string {
  const parts = [`${plural(finished, 'photo')} finished`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (invalid > 0) parts.push(`${invalid} not taken`);
  if (cancelled > 0) parts.push(`${cancelled} cancelled`);
  return `${parts.join(', ')}.`;
}
