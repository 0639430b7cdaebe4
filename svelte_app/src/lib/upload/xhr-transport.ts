/**
 * Makes one attempt to send an upload request. Uses XMLHttpRequest, because fetch does not report upload progress.
 * The request queue calls it.
 */
import type { Outcome } from './request-outcome';
import { retryAfterMs } from './retry-policy';

export interface OutgoingRequest {
  readonly url: string;
  readonly field: string;
  readonly files: readonly File[];
  /** the idempotency key: the same for every attempt at the same request */
  readonly key: string;
  /** further request headers */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request. Never rejects. `onBytes` counts the bytes of the whole body. */
export type Send = (
  outgoing: OutgoingRequest,
  onBytes: (loaded: number, total: number) => void,
  signal: AbortSignal,
) => Promise<Outcome>;

// A phone that changes to another cell can send nothing for this long and then continue.
const STALL_TIMEOUT_MS = 45_000;
// After the last byte the server may wait 30 s for a render slot and render for 45 s.
const RESPONSE_TIMEOUT_MS = 120_000;

export const sendByXhr: Send = (outgoing, onBytes, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'cancelled' });
    const request = new XMLHttpRequest();
    let timer = 0;
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      resolve(outcome);
    };
    const restartTimer = (ms: number): void => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        settle({ kind: 'stalled' });
        request.abort();
      }, ms);
    };
    const cancel = (): void => {
      settle({ kind: 'cancelled' });
      request.abort();
    };
    signal.addEventListener('abort', cancel);

    request.upload.onprogress = (event) => {
      restartTimer(STALL_TIMEOUT_MS);
      onBytes(event.loaded, event.total);
    };
    request.upload.onload = (event) => {
      restartTimer(RESPONSE_TIMEOUT_MS);
      onBytes(event.total, event.total);
    };
    request.onerror = () => settle({ kind: 'network' });
    request.onload = () => settle(responseOf(request));

    request.open('POST', outgoing.url);
    request.setRequestHeader('Idempotency-Key', outgoing.key);
    request.setRequestHeader('Accept', 'application/json');
    for (const [name, value] of Object.entries(outgoing.headers ?? {})) request.setRequestHeader(name, value);
    restartTimer(STALL_TIMEOUT_MS);
    request.send(formDataOf(outgoing));
  });

function formDataOf({ field, files }: OutgoingRequest): FormData {
  const form = new FormData();
  for (const file of files) form.append(field, file, file.name);
  return form;
}

function responseOf(request: XMLHttpRequest): Outcome {
  let body: unknown = null;
  try {
    body = JSON.parse(request.responseText);
  } catch (error) {
    // The body is an HTML error page of a proxy. Only the status is used.
    if (!(error instanceof SyntaxError)) throw error;
  }
  const code = (body as { code?: unknown } | null)?.code;
  return {
    kind: 'response',
    status: request.status,
    body,
    code: typeof code === 'string' ? code : null,
    retryAfterMs: retryAfterMs(request.getResponseHeader('Retry-After'), Date.now()),
  };
}

/** False if the file was moved or changed after it was chosen, so that the browser cannot send it. */
export async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}
