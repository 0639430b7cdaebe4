import { expect, test } from 'vitest';

import { TotalsCounter } from '../src/lib/upload/totals';
import { uploadProgress } from '../src/lib/upload/time-left';

const { totals: none } = new TotalsCounter();
const uploading = { ...none, files: 4, inUpload: 4, bytesTotal: 1_000, bytesSent: 400 };

test('the time left is the remaining bytes divided by the speed', () => {
  expect(uploadProgress(uploading, 60).secondsLeft).toBe(10);
});

test('there is no time left while the speed is unknown, below 1 s, and after the upload', () => {
  expect(uploadProgress(uploading, 0).secondsLeft).toBeNull();
  expect(uploadProgress(uploading, 600).secondsLeft).toBeNull();
  expect(uploadProgress({ ...uploading, inUpload: 0 }, 60).secondsLeft).toBeNull();
});

test('the upload bar stays at 99 % until the server has accepted every file', () => {
  const allSent = { ...uploading, bytesSent: 1_000 };
  expect(uploadProgress(uploading, 60).shownBytes).toBe(400);
  expect(uploadProgress(allSent, 60).shownBytes).toBe(990);
  expect(uploadProgress({ ...allSent, inUpload: 0, inProcessing: 4 }, 60).shownBytes).toBe(1_000);
});

test('invalid and cancelled files are not expected to be processed', () => {
  const totals = { ...none, files: 10, finished: 3, failed: 1, invalid: 2, cancelled: 3, inProcessing: 1 };
  expect(uploadProgress(totals, 0)).toMatchObject({ running: true, expected: 5, processed: 4, clearable: 8 });
  expect(uploadProgress({ ...totals, failed: 2, inProcessing: 0 }, 0).running).toBe(false);
});
