/**
 * One file of the upload list, as the view sees it. Holds reactive state and nothing else; only the
 * upload list changes it.
 */
import type { Phase } from './phase';

export class UploadItem {
  phase = $state.raw<Phase>({ kind: 'queued' });
  /** bytes that have travelled, in this attempt */
  sent = $state(0);
  /** let go (null) once nothing can need it again: a thousand handles are memory too */
  file: File | null;
  /** set once the server has taken it */
  jobId: string | null = null;
  /** cancelled when its bytes could not be called back: its job is stopped as soon as it is named */
  cancelRequested = $state(false);

  constructor(
    /** a counter; names repeat */
    readonly id: number,
    readonly name: string,
    /** bytes */
    readonly size: number,
    file: File | null,
  ) {
    this.file = file;
  }
}
