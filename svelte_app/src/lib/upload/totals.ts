/**
 * Counts of a drop, kept as files change phase, so that a thousand files cost no walk per change.
 * Plain numbers, not reactive; the upload store publishes a copy once a frame.
 */
import { isInProcessing, isInUpload, type PhaseKind } from './phase';

export interface Totals {
  readonly files: number;
  /** bytes that are to travel: of every file that was not refused or cancelled */
  readonly bytesTotal: number;
  readonly bytesSent: number;
  /** files whose bytes still travel or wait to */
  readonly inUpload: number;
  /** accepted by the server, in whatever state */
  readonly accepted: number;
  readonly inProcessing: number;
  readonly finished: number;
  readonly failed: number;
  readonly refused: number;
  readonly cancelled: number;
}

interface Counted {
  readonly size: number;
  readonly sent: number;
  readonly kind: PhaseKind;
  /** whether the server has taken it */
  readonly accepted: boolean;
}

const carriesBytes = (kind: PhaseKind): boolean => kind !== 'refused' && kind !== 'cancelled';

export class TotalsCounter {
  #files = 0;
  #kinds = new Map<PhaseKind, number>();
  #bytesTotal = 0;
  #bytesSent = 0;
  #accepted = 0;

  /** Pass what the file was (null when new) and what it is (null when it leaves the list). */
  change(before: Counted | null, after: Counted | null): void {
    if (before) this.#count(before, -1);
    if (after) this.#count(after, 1);
  }

  #count({ size, sent, kind, accepted }: Counted, by: 1 | -1): void {
    this.#files += by;
    this.#kinds.set(kind, this.#of(kind) + by);
    if (accepted) this.#accepted += by;
    if (!carriesBytes(kind)) return;
    this.#bytesTotal += by * size;
    this.#bytesSent += by * sent;
  }

  #of(kind: PhaseKind): number {
    return this.#kinds.get(kind) ?? 0;
  }

  get totals(): Totals {
    const sum = (wanted: (kind: PhaseKind) => boolean): number =>
      [...this.#kinds].reduce((all, [kind, count]) => (wanted(kind) ? all + count : all), 0);
    return {
      files: this.#files,
      bytesTotal: this.#bytesTotal,
      bytesSent: this.#bytesSent,
      inUpload: sum(isInUpload),
      accepted: this.#accepted,
      inProcessing: sum(isInProcessing),
      finished: this.#of('finished'),
      failed: this.#of('failed'),
      refused: this.#of('refused'),
      cancelled: this.#of('cancelled'),
    };
  }
}
