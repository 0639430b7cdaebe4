import { expect, test } from 'vitest';

import { parseMessage, sameTopic, subscribeMessages, unsubscribeMessages } from '../src/lib/live/messages';

const one = { type: 'send_upload_notification', job_id: 'a', version: 2, status: 'processing', cursor: '7' };

test('a single notification and a coalesced frame are news alike', () => {
  expect(parseMessage(JSON.stringify(one))).toMatchObject({
    frame: { kind: 'news', news: [{ job_id: 'a' }] },
    cursor: '7',
  });
  const many = { type: 'send_upload_notifications', images: [one, { ...one, job_id: 'b' }] };
  expect(parseMessage(JSON.stringify(many)).frame).toMatchObject({
    kind: 'news',
    news: [{ job_id: 'a' }, { job_id: 'b' }],
  });
});

test('snapshot, removal and resync are told apart', () => {
  expect(parseMessage('{"type": "snapshot", "images": [{"job_id": "a"}], "cursor": "9"}')).toEqual({
    frame: { kind: 'snapshot', images: [{ job_id: 'a' }] },
    cursor: '9',
  });
  expect(parseMessage('{"type": "removed", "job_id": "a", "version": 4}').frame).toEqual({
    kind: 'removed',
    jobId: 'a',
  });
  expect(parseMessage('{"type": "resync", "reason": "slow_client"}').frame).toEqual({ kind: 'resync' });
});

test('what is not understood is passed over', () => {
  for (const text of ['not json', '{"type": "pong"}', '{"type": "later"}', '{}', '{"type": "removed"}']) {
    expect(parseMessage(text).frame).toEqual({ kind: 'unknown' });
  }
});

test('every subscription asks for coalesced frames, and all asks for what changed since', () => {
  expect(subscribeMessages([{ type: 'all' }, { type: 'batch', id: 'b' }], '42')).toEqual([
    { type: 'subscribe', all: true, coalesce: true, since: '42' },
    { type: 'subscribe', batch_id: 'b', coalesce: true },
  ]);
});

test('a thousand job ids fit into frames below 64 KB', () => {
  const ids = Array.from({ length: 1000 }, () => '00000000-0000-4000-8000-000000000000');
  const frames = subscribeMessages([{ type: 'jobs', ids }], null);
  expect(frames).toHaveLength(2);
  for (const frame of frames) expect(JSON.stringify(frame).length).toBeLessThan(64 * 1024);
});

test('unsubscribing names what was subscribed', () => {
  expect(unsubscribeMessages({ type: 'jobs', ids: ['a'] })).toEqual([
    { type: 'unsubscribe', job_ids: ['a'] },
  ]);
  expect(sameTopic({ type: 'batch', id: 'a' }, { type: 'batch', id: 'a' })).toBe(true);
  expect(sameTopic({ type: 'batch', id: 'a' }, { type: 'batch', id: 'b' })).toBe(false);
});
