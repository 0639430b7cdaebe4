/**
 * The totals of the upload list. Each change of a file updates the totals, so that the whole list is never
 * counted again. Not reactive: the upload list publishes a copy once per frame.
 */
import { isInProcessing, isInUpload, type PhaseKind } from './phase';

export interface Totals {
  readonly files: number;
  /** bytes of all files except invalid and cancelled files */
  readonly bytesTotal: number;
  readonly bytesSent: number;
  /** files that the server has not accepted yet */
  readonly inUpload: number;
  /** files that the server has accepted, in any state */
  readonly accepted: number;
  /** accepted files whose job is not final */
  readonly inProcessing: number;
  readonly finished: number;
  readonly failed: number;
  readonly invalid: number;
  readonly cancelled: number;
}

interface CountedFile {
  readonly size: number;
  readonly sent: number;
  readonly kind: PhaseKind;
  /** the server has accepted the file */
  readonly accepted: boolean;
}

const hasBytes = (kind: PhaseKind): boolean => kind !== 'invalid' && kind !== 'cancelled';

export class TotalsCounter {
  #files = 0;
  #perKind = new Map<PhaseKind, number>();
  #bytesTotal = 0;
  #bytesSent = 0;
  #accepted = 0;

  /**
   * Counts a change of one file.
   * @param before null: the file is new
   * @param after null: the file leaves the list
   */
  change(before: CountedFile | null, after: CountedFile | null): void {
    if (before) this.#count(before, -1);
    if (after) this.#count(after, 1);
  }

  #count({ size, sent, kind, accepted }: CountedFile, by: 1 | -1): void {
    this.#files += by;
    this.#perKind.set(kind, this.#countOf(kind) + by);
    if (accepted) this.#accepted += by;
    if (!hasBytes(kind)) return;
    this.#bytesTotal += by * size;
    this.#bytesSent += by * sent;
  }

  #countOf(kind: PhaseKind): number {
    return this.#perKind.get(kind) ?? 0;
  }

  get totals(): Totals {
    const sumOf = (isCounted: (kind: PhaseKind) => boolean): number =>
      [...this.#perKind].reduce((sum, [kind, count]) => (isCounted(kind) ? sum + count : sum), 0);
    return {
      files: this.#files,
      bytesTotal: this.#bytesTotal,
      bytesSent: this.#bytesSent,
      inUpload: sumOf(isInUpload),
      accepted: this.#accepted,
      inProcessing: sumOf(isInProcessing),
      finished: this.#countOf('finished'),
      failed: this.#countOf('failed'),
      invalid: this.#countOf('invalid'),
      cancelled: this.#countOf('cancelled'),
    };
  }
}
