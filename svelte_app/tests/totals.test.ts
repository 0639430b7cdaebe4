import { expect, test } from 'vitest';

import { TotalsCounter } from '../src/lib/upload/totals';

const file = { size: 100, sent: 0, accepted: false };

test('a file is counted in its current phase only', () => {
  const counter = new TotalsCounter();
  counter.change(null, { ...file, kind: 'queued' });
  counter.change(null, { ...file, kind: 'queued' });
  counter.change({ ...file, kind: 'queued' }, { ...file, sent: 40, kind: 'uploading' });
  expect(counter.totals).toMatchObject({
    files: 2,
    inUpload: 2,
    bytesSent: 40,
    bytesTotal: 200,
    accepted: 0,
  });
  counter.change(
    { ...file, sent: 40, kind: 'uploading' },
    { ...file, sent: 100, accepted: true, kind: 'pending' },
  );
  expect(counter.totals).toMatchObject({ inUpload: 1, inProcessing: 1, accepted: 1, bytesSent: 100 });
  counter.change(
    { ...file, sent: 100, accepted: true, kind: 'pending' },
    { ...file, sent: 100, accepted: true, kind: 'finished' },
  );
  expect(counter.totals).toMatchObject({ inProcessing: 0, finished: 1, accepted: 1 });
});

test('invalid and cancelled files have no bytes to send', () => {
  const counter = new TotalsCounter();
  counter.change(null, { ...file, kind: 'invalid' });
  counter.change(null, { ...file, kind: 'queued' });
  counter.change({ ...file, kind: 'queued' }, { ...file, kind: 'cancelled' });
  expect(counter.totals).toMatchObject({ files: 2, bytesTotal: 0, invalid: 1, cancelled: 1, inUpload: 0 });
});

test('removing a file restores all totals', () => {
  const counter = new TotalsCounter();
  const empty = counter.totals;
  counter.change(null, { ...file, sent: 100, accepted: true, kind: 'finished' });
  counter.change({ ...file, sent: 100, accepted: true, kind: 'finished' }, null);
  expect(counter.totals).toEqual(empty);
});
