import { expect, test } from 'vitest';

import { summaryOf } from '../src/lib/upload/summary';
import { TotalsCounter } from '../src/lib/upload/totals';

test('the summary leaves out counts of zero', () => {
  const { totals } = new TotalsCounter();
  expect(summaryOf({ ...totals, finished: 1 })).toBe('1 photo finished.');
  expect(summaryOf({ ...totals, finished: 1200, failed: 1, invalid: 2, cancelled: 3 })).toBe(
    '1,200 photos finished, 1 failed, 2 not taken, 3 cancelled.',
  );
});
