/**
 * Sends one request once. XMLHttpRequest, because fetch does not tell how far an upload has come.
 * Must not retry and must not know what the files mean to anyone; the queue calls it.
 */
import type { Outcome } from './request-outcome';
import { retryAfterMs } from './retry-policy';

export interface OutgoingRequest {
  readonly url: string;
  readonly field: string;
  readonly files: readonly File[];
  /** Idempotency-Key: the same for every attempt at the same request */
  readonly key: string;
  /** more request headers */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a shipment; resolves always, never rejects. `onBytes` counts the whole body. */
export type Send = (
  outgoing: OutgoingRequest,
  onBytes: (loaded: number, total: number) => void,
  signal: AbortSignal,
) => Promise<Outcome>;

// A phone that changes cells can be silent this long and still come back.
const STALL_MS = 45_000;
// After the last byte the server may wait 30 s for a render slot and render for 45 s.
const ANSWER_MS = 120_000;

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
    const watch = (ms: number): void => {
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
      watch(STALL_MS);
      onBytes(event.loaded, event.total);
    };
    request.upload.onload = (event) => {
      watch(ANSWER_MS);
      onBytes(event.total, event.total);
    };
    request.onerror = () => settle({ kind: 'network' });
    request.onload = () => settle(answered(request));

    request.open('POST', outgoing.url);
    request.setRequestHeader('Idempotency-Key', outgoing.key);
    request.setRequestHeader('Accept', 'application/json');
    for (const [name, value] of Object.entries(outgoing.headers ?? {})) request.setRequestHeader(name, value);
    watch(STALL_MS);
    request.send(formOf(outgoing));
  });

function formOf({ field, files }: OutgoingRequest): FormData {
  const form = new FormData();
  for (const file of files) form.append(field, file, file.name);
  return form;
}

function answered(request: XMLHttpRequest): Outcome {
  let body: unknown = null;
  try {
    body = JSON.parse(request.responseText);
  } catch (fault) {
    // A proxy's HTML page: the status alone decides then.
    if (!(fault instanceof SyntaxError)) throw fault;
  }
  const code = (body as { code?: unknown } | null)?.code;
  return {
    kind: 'answered',
    status: request.status,
    body,
    code: typeof code === 'string' ? code : null,
    retryAfterMs: retryAfterMs(request.getResponseHeader('Retry-After'), Date.now()),
  };
}

/** Whether the browser can still read the file: one moved or changed since it was chosen cannot be sent. */
export async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch (fault) {
    if (fault instanceof DOMException) return false;
    throw fault;
  }
}
