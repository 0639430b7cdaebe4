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

type Dice = (below: number) => number;

/** A small generator of equal numbers for equal seeds (mulberry32), so that a failure can be had again. */
function diceOf(seed: number): Dice {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <Value>(dice: Dice, values: readonly Value[]): Value => values[dice(values.length)] as Value;

function shuffled<Value>(dice: Dice, values: readonly Value[]): Value[] {
  const left = [...values];
  return values.map(() => left.splice(dice(left.length), 1)[0] as Value);
}

/** What happened to some rows, in the order in which it was committed. */
function historyOf(dice: Dice): Change[] {
  const versions = new Map<string, number>();
  const gone = new Set<string>();
  const history: Change[] = [];
  for (let left = dice(24); left > 0; left -= 1) {
    const job_id = pick(dice, JOBS);
    const version = (versions.get(job_id) ?? 0) + 1;
    const status = version > 1 && dice(6) === 0 ? null : pick(dice, STATUSES);
    if (gone.has(job_id)) continue;
    versions.set(job_id, version);
    if (status === null) gone.add(job_id);
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

const told = (change: Change): string =>
  change.status === null
    ? JSON.stringify({ type: 'removed', job_id: change.job_id, version: change.version })
    : JSON.stringify({ type: 'send_upload_notification', ...change });

/** The news as frames: some of it alone, some of it coalesced. */
function framesOf(dice: Dice, news: readonly Change[]): string[] {
  const frames: string[] = [];
  for (let at = 0; at < news.length;) {
    const run = news.slice(at, at + 1 + dice(4));
    const images = run.filter((change) => change.status !== null);
    if (run.length > 1 && images.length === run.length) {
      frames.push(JSON.stringify({ type: 'send_upload_notifications', images }));
    } else frames.push(...run.map(told));
    at += run.length;
  }
  return frames;
}

/** The snapshot of a moment, and then the removals up to it, as the server sends them. */
function snapshotOf(history: readonly Change[]): string[] {
  const images = [...stateAfter(history).values()];
  return [
    JSON.stringify({ type: 'snapshot', images }),
    ...history.filter((change) => change.status === null).map(told),
  ];
}

function bookAfter(frames: readonly string[]): Record<string, [number, string]> {
  const book = new LatestEvents();
  for (const text of frames) {
    const { frame } = parseMessage(text);
    if (frame.kind === 'news') for (const one of frame.news) book.merge(one);
    if (frame.kind === 'snapshot') for (const one of frame.images) book.merge(one);
    if (frame.kind === 'removed') book.remove(frame.jobId);
  }
  const known = JOBS.map((job) => book.get(job)).filter((news) => news !== undefined);
  return Object.fromEntries(known.map((news) => [news.job_id, [news.version, news.status]]));
}

test('lost, repeated and reordered news plus one snapshot leave the page in the state of the database', () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const dice = diceOf(seed);
    const history = historyOf(dice);
    const shownAfter = dice(history.length + 1);
    // Before the snapshot anything may be lost; after it, all is told again until it arrives.
    const heard = history.slice(0, shownAfter).filter(() => dice(2) === 0);
    const sure = history.slice(shownAfter);
    const again = history.filter(() => dice(4) === 0);
    const frames = framesOf(dice, shuffled(dice, [...heard, ...sure, ...again]));
    for (const frame of snapshotOf(history.slice(0, shownAfter)).reverse()) {
      frames.splice(dice(frames.length + 1), 0, frame);
    }
    const state = [...stateAfter(history).values()].map(({ job_id, version, status }) => [
      job_id,
      [version, status],
    ]);
    expect(bookAfter(frames), `seed ${seed}`).toEqual(Object.fromEntries(state));
  }
});
