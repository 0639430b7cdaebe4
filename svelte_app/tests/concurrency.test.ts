import { expect, test } from 'vitest';

import { forEachConcurrent } from '../src/lib/concurrency';

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test('many are done a few at a time, each once and in order', async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  await forEachConcurrent(
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
  const work = forEachConcurrent([1, 2, 3, 4, 5, 6, 7, 8, 9], async (one) => {
    await moment();
    if (one === 2) throw new Error('no');
    done.push(one);
  });
  await expect(work).rejects.toThrow('no');
  await moment();
  expect(done.length).toBeLessThan(7);
});
