/**
 * Whose bytes have travelled? A request of many files reports one number; the body carries the files
 * in order, so the number says how far each has come. Pure; called once a frame per request.
 */

/**
 * Bytes sent of each file.
 * @param sizes bytes of each file, in body order
 * @param loaded bytes of the body that have travelled
 * @param total bytes of the whole body; what exceeds the files is multipart framing, spread evenly
 */
export function bytesPerFile(sizes: readonly number[], loaded: number, total: number): number[] {
  const payload = sizes.reduce((sum, size) => sum + size, 0);
  const framing = sizes.length > 0 ? Math.max(0, total - payload) / sizes.length : 0;
  let start = 0;
  return sizes.map((size) => {
    start += framing;
    const sent = Math.min(size, Math.max(0, Math.floor(loaded - start)));
    start += size;
    return loaded >= total && total > 0 ? size : sent;
  });
}
