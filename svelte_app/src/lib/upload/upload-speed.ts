/**
 * Bytes a second over the last seconds. Holds a few samples; the clock is the caller's.
 */

const WINDOW_MS = 5_000;

export class UploadSpeed {
  #samples: { at: number; sent: number }[] = [];

  /** @param sent bytes sent so far, in all */
  sample(sent: number, at: number): void {
    this.#samples.push({ at, sent });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > WINDOW_MS) this.#samples.shift();
  }

  /** bytes per second; 0 until there is something to tell */
  get rate(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < 500) return 0;
    return Math.max(0, ((last.sent - first.sent) * 1000) / (last.at - first.at));
  }

  reset(): void {
    this.#samples = [];
  }
}
