/**
 * The outcome of one attempt to send a request. Types only. The transport produces it; the retry policy and
 * the response reader consume it.
 */

export type Outcome =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** the parsed JSON body, or null if the body is not JSON */
      readonly body: unknown;
      /** the error body's stable code, or null */
      readonly code: string | null;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: 'network' }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'cancelled' };

/** The reason why a file failed: a stable `code` for programs and a `message` for people. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}
