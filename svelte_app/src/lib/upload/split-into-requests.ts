/**
 * Decides which files travel in which request. Pure; called when files are added.
 */

export interface RequestLimits {
  /** files in a request, at most */
  readonly files: number;
  /** bytes in a request, at most; a single larger file travels alone */
  readonly bytes: number;
}

export function splitIntoRequests<T extends { readonly size: number }>(
  files: readonly T[],
  cut: RequestLimits,
): T[][] {
  const requests: T[][] = [];
  let open: T[] = [];
  let bytes = 0;
  for (const file of files) {
    if (open.length > 0 && (open.length >= cut.files || bytes + file.size > cut.bytes)) {
      requests.push(open);
      open = [];
      bytes = 0;
    }
    open.push(file);
    bytes += file.size;
  }
  if (open.length > 0) requests.push(open);
  return requests;
}
