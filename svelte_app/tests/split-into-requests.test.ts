import { expect, test } from 'vitest';

import { splitIntoRequests } from '../src/lib/upload/split-into-requests';
import { MODE_PLANS } from '../src/lib/upload/upload-modes';

const MB = 1024 * 1024;
const files = (count: number, size: number): { size: number; at: number }[] =>
  Array.from({ length: count }, (_, at) => ({ size, at }));
const lengths = (requests: readonly unknown[][]): number[] => requests.map((request) => request.length);

test('a request in batch mode has at most 50 files', () => {
  expect(lengths(splitIntoRequests(files(120, 1), MODE_PLANS.batch.requestLimits))).toEqual([50, 50, 20]);
});

test('a request in batch mode has at most 64 MB', () => {
  expect(lengths(splitIntoRequests(files(7, 20 * MB), MODE_PLANS.batch.requestLimits))).toEqual([3, 3, 1]);
});

test('a request may have exactly 64 MB', () => {
  expect(lengths(splitIntoRequests(files(4, 16 * MB), MODE_PLANS.batch.requestLimits))).toEqual([4]);
});

test('a file above the limit has a request of its own', () => {
  const mixed = [{ size: MB }, { size: 200 * MB }, { size: MB }];
  expect(
    splitIntoRequests(mixed, MODE_PLANS.batch.requestLimits).map((request) =>
      request.map(({ size }) => size / MB),
    ),
  ).toEqual([[1], [200], [1]]);
});

test('a request has one file in sync mode and ten in async mode', () => {
  expect(lengths(splitIntoRequests(files(3, MB), MODE_PLANS.sync.requestLimits))).toEqual([1, 1, 1]);
  expect(lengths(splitIntoRequests(files(25, MB), MODE_PLANS.async.requestLimits))).toEqual([10, 10, 5]);
});

test('order is kept and no file is lost', () => {
  const all = files(333, 3 * MB);
  expect(splitIntoRequests(all, MODE_PLANS.batch.requestLimits).flat()).toEqual(all);
});

test('no files make no request', () => {
  expect(splitIntoRequests([], MODE_PLANS.batch.requestLimits)).toEqual([]);
});
