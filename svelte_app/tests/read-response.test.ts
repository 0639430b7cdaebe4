import { expect, test } from 'vitest';

import type { Image } from '../src/lib/api/types';
import { readResponse } from '../src/lib/upload/read-response';
import type { Outcome } from '../src/lib/upload/request-outcome';

const image = (id: string): Image => ({ id, job_id: id, version: 1, status: 'pending' }) as Image;

function answered(status: number, body: unknown): Outcome {
  const code = (body as { code?: string } | null)?.code ?? null;
  return { kind: 'answered', status, body, code, retryAfterMs: null };
}

test('files are told apart by index, though all have the same name and the answer is in another order', () => {
  const body = {
    jobs: [
      { ...image('third'), name: 'a.jpg', index: 2 },
      { ...image('first'), name: 'a.jpg', index: 0 },
    ],
    rejected: [{ index: 1, name: 'a.jpg', error: 'It is damaged.', code: 'corrupt_image' }],
  };
  const results = readResponse(answered(202, body), 3);
  expect(results.map((one) => (one.kind === 'accepted' ? one.image.id : one.failure.message))).toEqual([
    'first',
    'It is damaged.',
    'third',
  ]);
});

test('a synchronous answer is about its one file', () => {
  expect(readResponse(answered(200, { image: image('only') }), 1)).toMatchObject([
    { kind: 'accepted', image: { id: 'only' } },
  ]);
});

test('a refusal of the one file of a request is about that file', () => {
  const body = { error: 'It is damaged.', code: 'corrupt_image' };
  expect(readResponse(answered(422, body), 1)).toEqual([
    { kind: 'rejected', failure: { code: 'corrupt_image', message: 'It is damaged.' } },
  ]);
});

test('when all are rejected each has its own reason', () => {
  const rejected = [
    { index: 0, name: 'a', error: 'Empty.', code: 'empty_file' },
    { index: 1, name: 'b', error: 'Damaged.', code: 'corrupt_image' },
  ];
  const results = readResponse(
    answered(400, { error: 'None was accepted.', code: 'corrupt_image', rejected }),
    2,
  );
  expect(results.map((one) => 'failure' in one && one.failure.code)).toEqual(['empty_file', 'corrupt_image']);
});

test('a request that failed as a whole may be sent again; only a lost answer may hide stored files', () => {
  const forbidden = readResponse(answered(403, { error: 'No.', code: 'forbidden_origin' }), 2);
  expect(forbidden).toMatchObject([
    { kind: 'unsent', maybeStored: false },
    { kind: 'unsent', maybeStored: false },
  ]);
  expect(readResponse({ kind: 'stalled' }, 1)).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
  expect(readResponse(answered(500, null), 1)).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
});

test('a file the answer does not mention is not taken for finished', () => {
  const results = readResponse(answered(202, { jobs: [{ ...image('one'), index: 0 }], rejected: [] }), 2);
  expect(results[1]).toMatchObject({ kind: 'rejected', failure: { code: 'unaccounted' } });
});
