import { beforeEach, expect, test } from 'vitest';

import type { FileResult } from '../src/lib/upload/read-response';
import type { Outcome } from '../src/lib/upload/request-outcome';
import { RequestQueue, type UploadRequest } from '../src/lib/upload/request-queue';
import type { OutgoingRequest } from '../src/lib/upload/xhr-transport';

interface Sent {
  outgoing: OutgoingRequest;
  bytes: (loaded: number, total: number) => void;
  signal: AbortSignal;
  respond: (outcome: Outcome) => Promise<void>;
}

// The queue's environment, which the tests control, and a record of the queue's calls.
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
      onStart: () => undefined,
      onBytes: () => undefined,
      onWait: (request, delayMs) => waiting.push({ ids: idsOf(request), delayMs }),
      onSettled: (request, results) => settled.push({ request, results }),
    },
    {
      send: (outgoing, bytes, signal) =>
        new Promise((resolve) => {
          const respond = (outcome: Outcome): Promise<void> => {
            resolve(outcome);
            return settle();
          };
          sent.push({ outgoing, bytes, signal, respond });
        }),
      isReadable: (file) => Promise.resolve(!unreadable.has(file.name)),
      isOnline: () => online,
      now: () => clock,
      random: () => 0,
      setTimer: (run, ms) => timers.push({ run, at: clock + ms }),
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

function acceptedResponse(count: number): Outcome {
  const jobs = Array.from({ length: count }, (_, index) => ({ index, id: `job-${index}` }));
  return { kind: 'response', status: 202, body: { jobs, rejected: [] }, code: null, retryAfterMs: null };
}

const errorResponse = (status: number, code: string, after: number | null = null): Outcome => ({
  kind: 'response',
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

test('three requests are sent at a time, the next when one has its response', async () => {
  queue.add([request('a', 1), request('b', 2), request('c', 3), request('d', 4)]);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c']);
  await at(1).respond(acceptedResponse(1));
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c', 'd']);
});

test('a retry has the same idempotency key and starts after the delay', async () => {
  queue.add([request('a', 1, 2)]);
  await at(0).respond({ kind: 'network' });
  advance(499);
  expect(sent).toHaveLength(1);
  advance(1);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'a']);
  await at(1).respond(acceptedResponse(2));
  expect(settled).toHaveLength(1);
  expect(settled[0]?.results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
  expect(queue.busy).toBe(false);
});

test('a 503 with Retry-After pauses all requests', async () => {
  queue.add([request('a', 1), request('b', 2), request('c', 3), request('d', 4)]);
  await at(0).respond(errorResponse(503, 'overloaded', 5_000));
  await at(1).respond(acceptedResponse(1));
  expect(sent).toHaveLength(3);
  advance(5_000);
  expect(sent.map(({ outgoing }) => outgoing.key)).toEqual(['a', 'b', 'c', 'a', 'd']);
});

test('a 403 is settled without a retry', async () => {
  queue.add([request('a', 1)]);
  await at(0).respond(errorResponse(403, 'forbidden_origin'));
  expect(settled[0]?.results).toMatchObject([{ kind: 'unsent', failure: { message: 'A sentence.' } }]);
  expect(timers).toEqual([]);
});

test('a request is settled as unsent after the last attempt', async () => {
  queue.add([request('a', 1)]);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await at(attempt).respond({ kind: 'stalled' });
    advance(60_000);
  }
  expect(sent).toHaveLength(8);
  expect(settled[0]?.results).toMatchObject([{ kind: 'unsent', maybeStored: true }]);
});

test('offline no request starts and no attempt is counted; all requests start when the network is back', async () => {
  queue.add([request('a', 1)]);
  for (let cut = 0; cut < 20; cut += 1) {
    online = false;
    await at(cut).respond({ kind: 'network' });
    queue.startRequests();
    expect(sent).toHaveLength(cut + 1);
    expect(waiting.at(-1)).toEqual({ ids: [1], delayMs: null });
    online = true;
    queue.startRequests();
    expect(sent).toHaveLength(cut + 2);
  }
  expect(settled).toEqual([]);
});

test('a file changed on disk is rejected, and the other files are sent under a new key', async () => {
  queue.add([request('a', 1, 2, 3)]);
  unreadable.add('2.jpg');
  await at(0).respond({ kind: 'network' });
  expect(settled.map(({ request: one }) => idsOf(one))).toEqual([[2]]);
  expect(settled[0]?.results).toMatchObject([{ kind: 'rejected', failure: { code: 'unreadable' } }]);
  expect(at(1).outgoing.key).toBe('new-1');
  expect(at(1).outgoing.files.map(({ name }) => name)).toEqual(['1.jpg', '3.jpg']);
});

test('a request restarts without a cancelled file', () => {
  queue.add([request('a', 1, 2)]);
  expect(queue.cancel(new Set([1]))).toEqual([1]);
  expect(at(0).signal.aborted).toBe(true);
  expect(at(1).outgoing.files.map(({ name }) => name)).toEqual(['2.jpg']);
  expect(at(1).outgoing.key).not.toBe('a');
});

test('the response to a cancelled attempt is ignored', async () => {
  queue.add([request('a', 1, 2)]);
  queue.cancel(new Set([1, 2]));
  await at(0).respond(acceptedResponse(2));
  expect(settled).toEqual([]);
  expect(queue.busy).toBe(false);
});

test('a request whose body is sent is not restarted, because its files would be stored twice', async () => {
  queue.add([request('a', 1, 2)]);
  at(0).bytes(100, 100);
  expect(queue.cancel(new Set([1]))).toEqual([]);
  await at(0).respond(acceptedResponse(2));
  expect(settled[0]?.results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted']);
});
