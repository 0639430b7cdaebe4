import { beforeEach, expect, test } from 'vitest';

import type { FileResult } from '../src/lib/upload/read-response';
import type { Outcome } from '../src/lib/upload/request-outcome';
import { RequestQueue, type UploadRequest } from '../src/lib/upload/request-queue';
import type { OutgoingRequest } from '../src/lib/upload/xhr-transport';

interface Sent {
  outgoing: OutgoingRequest;
  bytes: (loaded: number, total: number) => void;
  signal: AbortSignal;
  answer: (outcome: Outcome) => Promise<void>;
}

// The queue's world, with a clock that moves when told: what was sent, and what became of it.
let sent: Sent[];
let settled: { request: UploadRequest; results: readonly FileResult[] }[];
let waiting: { ids: number[]; delayMs: number | null }[];
let timers: { run: () => void; at: number }[];
let clock: number;
let online: boolean;
let unreadable: Set<string>;
let queue: RequestQueue;
let keys: number;

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  [sent, settled, waiting, timers] = [[], [], [], []];
  [clock, online, keys] = [0, true, 0];
  unreadable = new Set();
  queue = new RequestQueue(
    {
      started: () => undefined,
      bytes: () => undefined,
      waiting: (request, delayMs) => waiting.push({ ids: idsOf(request), delayMs }),
      settled: (request, results) => settled.push({ request, results }),
    },
    {
      send: (outgoing, bytes, signal) =>
        new Promise((resolve) => {
          const answer = (outcome: Outcome): Promise<void> => {
            resolve(outcome);
            return settle();
          };
          sent.push({ outgoing, bytes, signal, answer });
        }),
      readable: (file) => Promise.resolve(!unreadable.has(file.name)),
      online: () => online,
      now: () => clock,
      random: () => 0,
      later: (run, ms) => timers.push({ run, at: clock + ms }),
      newKey: () => `new-${(keys += 1)}`,
    },
  );
});

function advance(ms: number): void {
  clock += ms;
  const due = timers.filter(({ at }) => at <= clock);
  timers = timers.filter(({ at }) => at > clock);
  for (const { run } of due) run();
}

const idsOf = (request: UploadRequest): number[] => request.parts.map((part) => part.id);

const request = (key: string, ...ids: number[]): UploadRequest => ({
  url: '/api/async/batch/upload',
  field: 'images',
  key,
  parts: ids.map((id) => ({ id, file: new File(['x'], `${id}.jpg`) })),
});

function accepted(count: number): Outcome {
  const jobs = Array.from({ length: count }, (_, index) => ({ index, id: `job-${index}` }));
  return { kind: 'answered', status: 202, body: { jobs, rejected: [] }, code: null, retryAfterMs: null };
}

const failed = (status: number, code: string, after: number | null = null): Outcome => ({
  kind: 'answered',
  status,
  body: { code, error: 'A sentence.' },
  code,
  retryAfterMs: after,
});

const at = (index: number): Sent => {
  const one = sent[index];
  if (!one) throw new Error(`no request ${index} was sent`);
  return one;
};

test('three requests travel at a time, the next when one is answered', async () => {
  queue.add([request('a', 1), request('b', 2), request('c', 3), request('d', 4)]);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c']);
  await at(1).answer(accepted(1));
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c', 'd']);
});

test('a request is sent again under the same key, after the delay and not before', async () => {
  queue.add([request('a', 1, 2)]);
  await at(0).answer({ kind: 'network' });
  advance(499);
  expect(sent).toHaveLength(1);
  advance(1);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'a']);
  await at(1).answer(accepted(2));
  expect(settled).toHaveLength(1);
  expect(settled[0]?.results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
  expect(queue.busy).toBe(false);
});

test('a 503 with Retry-After holds everyone back', async () => {
  queue.add([request('a', 1), request('b', 2), request('c', 3), request('d', 4)]);
  await at(0).answer(failed(503, 'overloaded', 5_000));
  await at(1).answer(accepted(1));
  expect(sent).toHaveLength(3);
  advance(5_000);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c', 'a', 'd']);
});

test('a refusal is settled at once', async () => {
  queue.add([request('a', 1)]);
  await at(0).answer(failed(403, 'forbidden_origin'));
  expect(settled[0]?.results).toMatchObject([{ kind: 'unsent', failure: { message: 'A sentence.' } }]);
  expect(timers).toEqual([]);
});

test('after the last attempt a request is settled as unsent', async () => {
  queue.add([request('a', 1)]);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await at(attempt).answer({ kind: 'stalled' });
    advance(60_000);
  }
  expect(sent).toHaveLength(8);
  expect(settled[0]?.results).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
});

test('offline nothing starts and no attempt is lost; the network’s return starts all', async () => {
  queue.add([request('a', 1)]);
  for (let cut = 0; cut < 20; cut += 1) {
    online = false;
    await at(cut).answer({ kind: 'network' });
    queue.startRequests();
    expect(sent).toHaveLength(cut + 1);
    expect(waiting.at(-1)).toEqual({ ids: [1], delayMs: null });
    online = true;
    queue.startRequests();
    expect(sent).toHaveLength(cut + 2);
  }
  expect(settled).toEqual([]);
});

test('a file changed on disk is told, and its neighbours travel on under a new key', async () => {
  queue.add([request('a', 1, 2, 3)]);
  unreadable.add('2.jpg');
  await at(0).answer({ kind: 'network' });
  expect(settled.map(({ request: one }) => idsOf(one))).toEqual([[2]]);
  expect(settled[0]?.results).toMatchObject([{ kind: 'rejected', failure: { code: 'unreadable' } }]);
  expect(at(1).outgoing.key).toBe('new-1');
  expect(at(1).outgoing.files.map(({ name }) => name)).toEqual(['1.jpg', '3.jpg']);
});

test('a cancelled file leaves its request, which goes on without it', () => {
  queue.add([request('a', 1, 2)]);
  expect(queue.cancel(new Set([1]))).toEqual([1]);
  expect(at(0).signal.aborted).toBe(true);
  expect(at(1).outgoing.files.map(({ name }) => name)).toEqual(['2.jpg']);
  expect(at(1).outgoing.key).not.toBe('a');
});

test('the answer of a cancelled attempt changes nothing', async () => {
  queue.add([request('a', 1, 2)]);
  queue.cancel(new Set([1, 2]));
  await at(0).answer(accepted(2));
  expect(settled).toEqual([]);
  expect(queue.busy).toBe(false);
});

test('a request that has travelled whole is not cut: its files would be stored twice', async () => {
  queue.add([request('a', 1, 2)]);
  at(0).bytes(100, 100);
  expect(queue.cancel(new Set([1]))).toEqual([]);
  await at(0).answer(accepted(2));
  expect(settled[0]?.results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
});
