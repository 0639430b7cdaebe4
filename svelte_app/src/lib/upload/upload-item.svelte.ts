/**
 * One file of the upload list: reactive state without behaviour. Only the upload list and the uploads module
 * change it.
 */
import type { Phase } from './phase';

export class UploadItem {
  phase = $state.raw<Phase>({ kind: 'queued' });
  /** bytes sent in the current attempt */
  sent = $state(0);
  /** null once it is not needed any more, to free memory */
  file: File | null;
  /** set when the server has accepted the file */
  jobId: string | null = null;
  /** cancelled after its bytes were sent: the job is aborted when the response names it */
  cancelRequested = $state(false);

  constructor(
    /** a counter, because names repeat */
    readonly id: number,
    readonly name: string,
    /** bytes */
    readonly size: number,
    file: File | null,
  ) {
    this.file = file;
  }
}
