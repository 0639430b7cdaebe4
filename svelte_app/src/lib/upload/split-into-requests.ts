/**
 * Splits files into requests by count and size. Pure. Called when files are added.
 */

export interface RequestLimits {
  /** maximum files per request */
  readonly files: number;
  /** maximum bytes per request; a larger file gets a request of its own */
  readonly bytes: number;
}

export function splitIntoRequests<T extends { readonly size: number }>(
  files: readonly T[],
  limits: RequestLimits,
): T[][] {
  const requests: T[][] = [];
  let request: T[] = [];
  let bytes = 0;
  for (const file of files) {
    if (request.length > 0 && (request.length >= limits.files || bytes + file.size > limits.bytes)) {
      requests.push(request);
      request = [];
      bytes = 0;
    }
    request.push(file);
    bytes += file.size;
  }
  if (request.length > 0) requests.push(request);
  return requests;
}
