import { expect, test } from 'vitest';

import { parseMessage, isSameTopic, subscribeMessages, unsubscribeMessages } from '../src/lib/live/messages';

const one = { type: 'send_upload_notification', job_id: 'a', version: 2, status: 'processing', cursor: '7' };

test('a single notification and a coalesced message both become events', () => {
  expect(parseMessage(JSON.stringify(one))).toMatchObject({
    message: { kind: 'events', events: [{ job_id: 'a' }] },
    cursor: '7',
  });
  const many = { type: 'send_upload_notifications', images: [one, { ...one, job_id: 'b' }] };
  expect(parseMessage(JSON.stringify(many)).message).toMatchObject({
    kind: 'events',
    events: [{ job_id: 'a' }, { job_id: 'b' }],
  });
});

test('snapshot, removed and resync messages are parsed', () => {
  expect(parseMessage('{"type": "snapshot", "images": [{"job_id": "a"}], "cursor": "9"}')).toEqual({
    message: { kind: 'snapshot', images: [{ job_id: 'a' }] },
    cursor: '9',
  });
  expect(parseMessage('{"type": "removed", "job_id": "a", "version": 4}').message).toEqual({
    kind: 'removed',
    jobId: 'a',
  });
  expect(parseMessage('{"type": "resync", "reason": "slow_client"}').message).toEqual({ kind: 'resync' });
});

test('other messages become kind unknown', () => {
  for (const text of ['not json', '{"type": "pong"}', '{"type": "later"}', '{}', '{"type": "removed"}']) {
    expect(parseMessage(text).message).toEqual({ kind: 'unknown' });
  }
});

test('every subscription requests coalesced messages, and one to all images requests changes since the cursor', () => {
  expect(subscribeMessages([{ type: 'all' }, { type: 'batch', id: 'b' }], '42')).toEqual([
    { type: 'subscribe', all: true, coalesce: true, since: '42' },
    { type: 'subscribe', batch_id: 'b', coalesce: true },
  ]);
});

test('1,000 job ids are split into messages below 64 KB', () => {
  const ids = Array.from({ length: 1000 }, () => '00000000-0000-4000-8000-000000000000');
  const messages = subscribeMessages([{ type: 'jobs', ids }], null);
  expect(messages).toHaveLength(2);
  for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(64 * 1024);
});

test('an unsubscribe message names the same topic as the subscribe message', () => {
  expect(unsubscribeMessages({ type: 'jobs', ids: ['a'] })).toEqual([
    { type: 'unsubscribe', job_ids: ['a'] },
  ]);
  expect(isSameTopic({ type: 'batch', id: 'a' }, { type: 'batch', id: 'a' })).toBe(true);
  expect(isSameTopic({ type: 'batch', id: 'a' }, { type: 'batch', id: 'b' })).toBe(false);
});
