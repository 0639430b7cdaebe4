import { expect, test } from 'vitest';

import type { Image } from '../src/lib/api/types';
import { readResponse } from '../src/lib/upload/read-response';
import type { Outcome } from '../src/lib/upload/request-outcome';

const image = (id: string): Image => ({ id, job_id: id, version: 1, status: 'pending' }) as Image;

function response(status: number, body: unknown): Outcome {
  const code = (body as { code?: string } | null)?.code ?? null;
  return { kind: 'response', status, body, code, retryAfterMs: null };
}

test('results are matched by index, although all names are equal and the response has another order', () => {
  const body = {
    jobs: [
      { ...image('third'), name: 'a.jpg', index: 2 },
      { ...image('first'), name: 'a.jpg', index: 0 },
    ],
    rejected: [{ index: 1, name: 'a.jpg', error: 'It is damaged.', code: 'corrupt_image' }],
  };
  const results = readResponse(response(202, body), 3);
  expect(
    results.map((result) => (result.kind === 'accepted' ? result.image.id : result.failure.message)),
  ).toEqual(['first', 'It is damaged.', 'third']);
});

test('the response in sync mode is the result of its one file', () => {
  expect(readResponse(response(200, { image: image('only') }), 1)).toMatchObject([
    { kind: 'accepted', image: { id: 'only' } },
  ]);
});

test('a file error in the response to a single-file request is the result of that file', () => {
  const body = { error: 'It is damaged.', code: 'corrupt_image' };
  expect(readResponse(response(422, body), 1)).toEqual([
    { kind: 'rejected', failure: { code: 'corrupt_image', message: 'It is damaged.' } },
  ]);
});

test('each file has its own reason when all are rejected', () => {
  const rejected = [
    { index: 0, name: 'a', error: 'Empty.', code: 'empty_file' },
    { index: 1, name: 'b', error: 'Damaged.', code: 'corrupt_image' },
  ];
  const results = readResponse(
    response(400, { error: 'None was accepted.', code: 'corrupt_image', rejected }),
    2,
  );
  expect(results.map((result) => 'failure' in result && result.failure.code)).toEqual([
    'empty_file',
    'corrupt_image',
  ]);
});

test('a request that failed as a whole can be retried, and may be stored only after a 5xx or without a response', () => {
  const forbidden = readResponse(response(403, { error: 'No.', code: 'forbidden_origin' }), 2);
  expect(forbidden).toMatchObject([
    { kind: 'unsent', maybeStored: false },
    { kind: 'unsent', maybeStored: false },
  ]);
  expect(readResponse({ kind: 'stalled' }, 1)).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
  expect(readResponse(response(500, null), 1)).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
});

test('a file that the response does not mention is rejected', () => {
  const results = readResponse(response(202, { jobs: [{ ...image('one'), index: 0 }], rejected: [] }), 2);
  expect(results[1]).toMatchObject({ kind: 'rejected', failure: { code: 'unaccounted' } });
});
