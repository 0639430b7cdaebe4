/**
 * The server's limits and thumbnail labels, fetched once. Components read `value`, which is null until the response has arrived.
 */
import { ApiError, getLimits } from './api/client';
import type { Limits } from './api/types';

const RETRY_MS = 5_000;

class ServerLimits {
  value = $state.raw<Limits | null>(null);
  #request: Promise<Limits | null> | null = null;

  /** Resolves with null if the server does not answer. In that case, only the server validates files. */
  load(): Promise<Limits | null> {
    this.#request ??= this.#fetch();
    return this.#request;
  }

  async #fetch(): Promise<Limits | null> {
    try {
      this.value = await getLimits();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#request = null;
      setTimeout(() => void this.load(), RETRY_MS);
    }
    return this.value;
  }
}

export const limits = new ServerLimits();
