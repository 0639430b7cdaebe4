/**
 * The token of a server that asks for one (API_TOKEN): kept for this tab, asked of the person once for
 * all that needs it. The API client, the uploads and the live connection call it; a dialog shows `asking`.
 */
import { keep, recall } from './browser-storage';

const STORAGE_KEY = 'token';

class Token {
  /** the dialog is open */
  asking = $state(false);
  /** the last one given was not the server's */
  refused = $state(false);
  value = $state(recall('sessionStorage', STORAGE_KEY));
  #answer: Promise<boolean> | null = null;
  #resolve: (given: boolean) => void = () => undefined;
  /** called with every token given, also one that somebody else asked for */
  given: () => void = () => undefined;

  /** The header of a request, or none. Bytes of UTF-8, since a header carries no wider character. */
  get headers(): Record<string, string> {
    if (this.value === null) return {};
    return { Authorization: `Bearer ${String.fromCharCode(...new TextEncoder().encode(this.value))}` };
  }

  /**
   * Asks for another token than `used`, which the server did not take. All who ask meanwhile share one
   * dialog. False when the person closed it without an answer.
   */
  async renew(used: string | null): Promise<boolean> {
    if (this.value !== used) return true;
    this.refused = used !== null;
    this.asking = true;
    this.#answer ??= new Promise((resolve) => (this.#resolve = resolve));
    return this.#answer;
  }

  give(token: string | null): void {
    this.asking = false;
    if (token !== null) {
      this.value = token;
      keep('sessionStorage', STORAGE_KEY, token);
    }
    this.#answer = null;
    this.#resolve(token !== null);
    if (token !== null) this.given();
  }
}

export const token = new Token();
