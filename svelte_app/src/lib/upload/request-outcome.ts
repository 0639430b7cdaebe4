/**
 * What can come of sending a request once. Values only; made by the transport, read by retry and answers.
 */

export type Outcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** the JSON of the answer, or null when it was not JSON */
      readonly body: unknown;
      /** the error body's stable code, or null */
      readonly code: string | null;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: 'network' }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'cancelled' };

/** Why a file did not make it, for a person; `code` is stable. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}
