/**
 * The upload speed over the last 5 s. Stores the samples of this time. The caller passes the current time.
 */

const WINDOW_MS = 5_000;
const MIN_SPAN_MS = 500;

export class UploadSpeed {
  #samples: { at: number; sent: number }[] = [];

  /**
   * @param sent bytes sent so far, in total
   * @param at time in ms
   */
  addSample(sent: number, at: number): void {
    this.#samples.push({ at, sent });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > WINDOW_MS) this.#samples.shift();
  }

  /** 0 until the samples span half a second. */
  get bytesPerSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < MIN_SPAN_MS) return 0;
    return Math.max(0, ((last.sent - first.sent) * 1000) / (last.at - first.at));
  }

  reset(): void {
    this.#samples = [];
  }
}
