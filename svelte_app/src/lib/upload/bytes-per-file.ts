/**
 * Progress per file of a multi-file request. The browser reports one byte count per request. The body
 * contains the files in order, so the count determines the progress of each. Pure. Called once per frame and
 * request.
 */

/**
 * The number of bytes sent of each file.
 * @param sizes bytes of each file, in body order
 * @param loaded bytes of the body sent so far
 * @param total bytes of the whole body. Besides the files, it contains multipart headers, assumed equally long for each file.
 */
export function bytesPerFile(sizes: readonly number[], loaded: number, total: number): number[] {
  const payload = sizes.reduce((sum, size) => sum + size, 0);
  const headers = sizes.length > 0 ? Math.max(0, total - payload) / sizes.length : 0;
  let start = 0;
  return sizes.map((size) => {
    start += headers;
    const sent = Math.min(size, Math.max(0, Math.floor(loaded - start)));
    start += size;
    return loaded >= total && total > 0 ? size : sent;
  });
}
