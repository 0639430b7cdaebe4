/**
 * What the server takes and which thumbnails it makes, asked once. Views read it; null until it is known.
 */
import { ApiError, getLimits } from './api/client';
import type { Limits } from './api/types';

const AGAIN_MS = 5_000;

class KnownLimits {
  value = $state.raw<Limits | null>(null);
  #asked: Promise<Limits | null> | null = null;

  /** Resolves with the limits, or with null when the server does not tell: then it judges alone. */
  load(): Promise<Limits | null> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async #ask(): Promise<Limits | null> {
    try {
      this.value = await getLimits();
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.#asked = null;
      setTimeout(() => void this.load(), AGAIN_MS);
    }
    return this.value;
  }
}

export const limits = new KnownLimits();
