/**
 * The access token of a server that requires one (setting API_TOKEN). Stored for this tab. The API client,
 * the uploads and the WebSocket call `requestNew`; the token dialog is open while `requested` is true.
 */
import { readStored, writeStored } from './browser-storage';

const STORAGE_KEY = 'token';

class AccessToken {
  /** a request is waiting for a token, so the dialog is open */
  requested = $state(false);
  /** the server rejected the last token */
  rejected = $state(false);
  value = $state(readStored('sessionStorage', STORAGE_KEY));
  #answer: Promise<boolean> | null = null;
  #resolve: (entered: boolean) => void = () => undefined;
  /** called after every new token */
  onEntered: () => void = () => undefined;

  /** The Authorization header, or none. Encoded as UTF-8 bytes, because header values are byte strings. */
  get headers(): Record<string, string> {
    if (this.value === null) return {};
    return { Authorization: `Bearer ${String.fromCharCode(...new TextEncoder().encode(this.value))}` };
  }

  /**
   * Asks the person for a token, because the server rejected `used`. Concurrent callers share one dialog.
   * Resolves with false if the dialog was closed without a token.
   */
  async requestNew(used: string | null): Promise<boolean> {
    if (this.value !== used) return true;
    this.rejected = used !== null;
    this.requested = true;
    this.#answer ??= new Promise((resolve) => (this.#resolve = resolve));
    return this.#answer;
  }

  /** Ends the request: with a token, or with null if the dialog was closed without one. */
  enter(token: string | null): void {
    this.requested = false;
    if (token !== null) {
      this.value = token;
      writeStored('sessionStorage', STORAGE_KEY, token);
    }
    this.#answer = null;
    this.#resolve(token !== null);
    if (token !== null) this.onEntered();
  }
}

export const token = new AccessToken();
