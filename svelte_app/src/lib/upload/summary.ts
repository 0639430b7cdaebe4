/**
 * How a drop ended, in one sentence. Pure; the upload view and the dock show it.
 */
import { plural } from '../format';
import type { Totals } from './totals';

export function summaryOf({ finished, failed, refused, cancelled }: Totals): string {
  const parts = [`${plural(finished, 'photo')} finished`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (refused > 0) parts.push(`${refused} not taken`);
  if (cancelled > 0) parts.push(`${cancelled} cancelled`);
  return `${parts.join(', ')}.`;
}
