import { expect, test } from 'vitest';

import { TotalsCounter } from '../src/lib/upload/totals';

const file = { size: 100, sent: 0, accepted: false };

test('a file is counted where it is, and only there', () => {
  const tally = new TotalsCounter();
  tally.change(null, { ...file, kind: 'queued' });
  tally.change(null, { ...file, kind: 'queued' });
  tally.change({ ...file, kind: 'queued' }, { ...file, sent: 40, kind: 'uploading' });
  expect(tally.totals).toMatchObject({
    files: 2,
    inUpload: 2,
    bytesSent: 40,
    bytesTotal: 200,
    accepted: 0,
  });
  tally.change(
    { ...file, sent: 40, kind: 'uploading' },
    { ...file, sent: 100, accepted: true, kind: 'pending' },
  );
  expect(tally.totals).toMatchObject({ inUpload: 1, inProcessing: 1, accepted: 1, bytesSent: 100 });
  tally.change(
    { ...file, sent: 100, accepted: true, kind: 'pending' },
    { ...file, sent: 100, accepted: true, kind: 'finished' },
  );
  expect(tally.totals).toMatchObject({ inProcessing: 0, finished: 1, accepted: 1 });
});

test('refused and cancelled files have no bytes to send', () => {
  const tally = new TotalsCounter();
  tally.change(null, { ...file, kind: 'refused' });
  tally.change(null, { ...file, kind: 'queued' });
  tally.change({ ...file, kind: 'queued' }, { ...file, kind: 'cancelled' });
  expect(tally.totals).toMatchObject({ files: 2, bytesTotal: 0, refused: 1, cancelled: 1, inUpload: 0 });
});

test('a file that leaves the list leaves nothing behind', () => {
  const tally = new TotalsCounter();
  const empty = tally.totals;
  tally.change(null, { ...file, sent: 100, accepted: true, kind: 'finished' });
  tally.change({ ...file, sent: 100, accepted: true, kind: 'finished' }, null);
  expect(tally.totals).toEqual(empty);
});
