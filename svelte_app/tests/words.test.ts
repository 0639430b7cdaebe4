import { expect, test } from 'vitest';

import { TotalsCounter } from '../src/lib/upload/totals';
import { uploadSummary } from '../src/lib/words';

test('the summary leaves out counts of zero', () => {
  const { totals } = new TotalsCounter();
  expect(uploadSummary({ ...totals, finished: 1 })).toBe('1 photo finished.');
  expect(uploadSummary({ ...totals, finished: 1200, failed: 1, invalid: 2, cancelled: 3 })).toBe(
    '1,200 photos finished, 3 could not be added, 3 cancelled.',
  );
});
