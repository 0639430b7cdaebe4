import { expect, test } from 'vitest';

import { forEachConcurrent } from '../src/lib/concurrency';

const nextTick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test('items are processed three at a time, each once and in order', async () => {
  const done: number[] = [];
  let [running, maxRunning] = [0, 0];
  await forEachConcurrent(
    Array.from({ length: 20 }, (_, at) => at),
    async (item) => {
      maxRunning = Math.max(maxRunning, (running += 1));
      await nextTick();
      running -= 1;
      done.push(item);
    },
  );
  expect(done).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(maxRunning).toBe(3);
});

test('the first error is rethrown and stops the remaining items', async () => {
  const done: number[] = [];
  const work = forEachConcurrent([1, 2, 3, 4, 5, 6, 7, 8, 9], async (item) => {
    await nextTick();
    if (item === 2) throw new Error('no');
    done.push(item);
  });
  await expect(work).rejects.toThrow('no');
  await nextTick();
  expect(done.length).toBeLessThan(7);
});
