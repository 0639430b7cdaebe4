/**
 * The numbers of the two progress bars and the time left. Pure. The progress panel and the status bar show
 * them.
 */
import type { Totals } from './totals';

export interface UploadProgress {
  /** a file is being uploaded or processed */
  readonly running: boolean;
  /** files to process: all except invalid and cancelled files */
  readonly expected: number;
  /** files whose processing has ended, successfully or not */
  readonly processed: number;
  /** files that "Clear finished" removes from the list */
  readonly clearable: number;
  /** bytes for the upload bar: at most 99 % until the server has accepted every file */
  readonly shownBytes: number;
  /** null while the speed is unknown, when nothing is being uploaded, and below 1 s */
  readonly secondsLeft: number | null;
}

const MAX_SHARE_BEFORE_RESPONSE = 0.99;

/** @param bytesPerSecond 0 while unknown */
export function uploadProgress(totals: Totals, bytesPerSecond: number): UploadProgress {
  const { bytesTotal, bytesSent, inUpload } = totals;
  const seconds = inUpload > 0 && bytesPerSecond > 0 ? (bytesTotal - bytesSent) / bytesPerSecond : 0;
  return {
    running: inUpload + totals.inProcessing > 0,
    expected: totals.files - totals.invalid - totals.cancelled,
    processed: totals.finished + totals.failed,
    clearable: totals.finished + totals.invalid + totals.cancelled,
    shownBytes: inUpload > 0 ? Math.min(bytesSent, bytesTotal * MAX_SHARE_BEFORE_RESPONSE) : bytesSent,
    secondsLeft: seconds > 1 ? seconds : null,
  };
}
