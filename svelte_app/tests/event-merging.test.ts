import { expect, test } from 'vitest';

import { parseMessage, type JobEvent } from '../src/lib/live/messages';
import { LatestEvents } from '../src/lib/live/latest-events';

const ROUNDS = 500;
const JOBS = ['a', 'b', 'c', 'd'];
const STATUSES: JobEvent['status'][] = ['pending', 'processing', 'completed', 'error', 'aborted'];

interface Change {
  readonly job_id: string;
  readonly version: number;
  /** null: the row was deleted */
  readonly status: JobEvent['status'] | null;
}

type RandomBelow = (below: number) => number;

/** A seeded random number generator (mulberry32), so that a failure can be reproduced. */
function seededRandom(seed: number): RandomBelow {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <Value>(random: RandomBelow, values: readonly Value[]): Value =>
  values[random(values.length)] as Value;

function shuffled<Value>(random: RandomBelow, values: readonly Value[]): Value[] {
  const left = [...values];
  return values.map(() => left.splice(random(left.length), 1)[0] as Value);
}

/** A random sequence of changes to some rows, in commit order. */
function historyOf(random: RandomBelow): Change[] {
  const versions = new Map<string, number>();
  const deleted = new Set<string>();
  const history: Change[] = [];
  for (let left = random(24); left > 0; left -= 1) {
    const job_id = pick(random, JOBS);
    const version = (versions.get(job_id) ?? 0) + 1;
    const status = version > 1 && random(6) === 0 ? null : pick(random, STATUSES);
    if (deleted.has(job_id)) continue;
    versions.set(job_id, version);
    if (status === null) deleted.add(job_id);
    history.push({ job_id, version, status });
  }
  return history;
}

function stateAfter(history: readonly Change[]): Map<string, Change> {
  const state = new Map<string, Change>();
  for (const change of history) {
    if (change.status === null) state.delete(change.job_id);
    else state.set(change.job_id, change);
  }
  return state;
}

const messageFor = (change: Change): string =>
  change.status === null
    ? JSON.stringify({ type: 'removed', job_id: change.job_id, version: change.version })
    : JSON.stringify({ type: 'send_upload_notification', ...change });

/** The changes as messages, single or coalesced at random. */
function messagesFor(random: RandomBelow, changes: readonly Change[]): string[] {
  const messages: string[] = [];
  for (let at = 0; at < changes.length;) {
    const run = changes.slice(at, at + 1 + random(4));
    const images = run.filter((change) => change.status !== null);
    if (run.length > 1 && images.length === run.length) {
      messages.push(JSON.stringify({ type: 'send_upload_notifications', images }));
    } else messages.push(...run.map(messageFor));
    at += run.length;
  }
  return messages;
}

/** The server's snapshot after a history: the images, then one `removed` message per deletion. */
function snapshotOf(history: readonly Change[]): string[] {
  const images = [...stateAfter(history).values()];
  return [
    JSON.stringify({ type: 'snapshot', images }),
    ...history.filter((change) => change.status === null).map(messageFor),
  ];
}

function latestAfter(messages: readonly string[]): Record<string, [number, string]> {
  const latest = new LatestEvents();
  for (const text of messages) {
    const { message } = parseMessage(text);
    if (message.kind === 'events') for (const event of message.events) latest.merge(event);
    if (message.kind === 'snapshot') for (const image of message.images) latest.merge(image);
    if (message.kind === 'removed') latest.markDeleted(message.jobId);
  }
  const known = JOBS.map((job) => latest.get(job)).filter((event) => event !== undefined);
  return Object.fromEntries(known.map((event) => [event.job_id, [event.version, event.status]]));
}

test('the page reaches the database state after one snapshot and lost, repeated and reordered events', () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const random = seededRandom(seed);
    const history = historyOf(random);
    const snapshotAt = random(history.length + 1);
    // Events from before the snapshot may be lost. Later events are always delivered.
    const received = history.slice(0, snapshotAt).filter(() => random(2) === 0);
    const later = history.slice(snapshotAt);
    const repeated = history.filter(() => random(4) === 0);
    const messages = messagesFor(random, shuffled(random, [...received, ...later, ...repeated]));
    for (const message of snapshotOf(history.slice(0, snapshotAt)).reverse()) {
      messages.splice(random(messages.length + 1), 0, message);
    }
    const state = [...stateAfter(history).values()].map(({ job_id, version, status }) => [
      job_id,
      [version, status],
    ]);
    expect(latestAfter(messages), `seed ${seed}`).toEqual(Object.fromEntries(state));
  }
});
