import { expect, test } from 'vitest';

import { summaryOf } from '../src/lib/upload/summary';
import { TotalsCounter } from '../src/lib/upload/totals';

test('the end of a drop is one sentence that leaves out what did not happen', () => {
  const { totals } = new TotalsCounter();
  expect(summaryOf({ ...totals, finished: 1 })).toBe('1 photo finished.');
  expect(summaryOf({ ...totals, finished: 1200, failed: 1, refused: 2, cancelled: 3 })).toBe(
    '1,200 photos finished, 1 failed, 2 not taken, 3 cancelled.',
  );
});
