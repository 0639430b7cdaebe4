import { expect, test } from 'vitest';

import { eachInTurn } from '../src/lib/concurrency';
import { insist } from '../src/lib/import-with-retry';
import { summaryOf } from '../src/lib/upload/summary';
import { Tally } from '../src/lib/upload/totals';

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test('many are done a few at a time, each once and in order', async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  await eachInTurn(
    Array.from({ length: 20 }, (_, at) => at),
    async (one) => {
      most = Math.max(most, (now += 1));
      await moment();
      now -= 1;
      done.push(one);
    },
  );
  expect(done).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(most).toBe(3);
});

test('the first failure is told and ends the rest', async () => {
  const done: number[] = [];
  const work = eachInTurn([1, 2, 3, 4, 5, 6, 7, 8, 9], async (one) => {
    await moment();
    if (one === 2) throw new Error('no');
    done.push(one);
  });
  await expect(work).rejects.toThrow('no');
  await moment();
  expect(done.length).toBeLessThan(7);
});

test('code that does not come is asked for again until it does', async () => {
  let asked = 0;
  let failed = 0;
  const load = (): Promise<string> =>
    (asked += 1) < 2 ? Promise.reject(new TypeError('Failed to fetch')) : Promise.resolve('here');
  expect(await insist(load, () => (failed += 1))).toBe('here');
  expect([asked, failed]).toEqual([2, 1]);
  await expect(insist(() => Promise.reject(new RangeError('a mistake')))).rejects.toThrow('a mistake');
});

test('the end of a drop is one sentence that leaves out what did not happen', () => {
  const { totals } = new Tally();
  expect(summaryOf({ ...totals, finished: 1 })).toBe('1 photo finished.');
  expect(summaryOf({ ...totals, finished: 1200, failed: 1, refused: 2, cancelled: 3 })).toBe(
    '1,200 photos finished, 1 failed, 2 not taken, 3 cancelled.',
  );
});
