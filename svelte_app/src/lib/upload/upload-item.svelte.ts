/**
 * One file of the upload list: reactive state without behaviour. Only the upload list and the uploads module
 * change it.
 */
import type { Phase } from './phase';

export class UploadItem {
  phase = $state.raw<Phase>({ kind: 'queued' });
  /** bytes sent in the current attempt */
  sent = $state(0);
  /** null when the file is not needed any more, to free memory */
  file: File | null;
  /** set when the server has accepted the file */
  jobId: string | null = null;
  /** the file was cancelled after its bytes were sent: its job is aborted when the response contains the job id */
  cancelRequested = $state(false);

  constructor(
    /** a running number, because several files may have the same name */
    readonly id: number,
    readonly name: string,
    /** bytes */
    readonly size: number,
    file: File | null,
  ) {
    this.file = file;
  }
}
