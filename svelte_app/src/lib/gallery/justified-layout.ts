/**
 * Justified layout: images of any aspect ratio in rows of equal width. Pure. A row's height follows from the
 * images' dimensions, so that nothing shifts when the image files load.
 */

export interface Row<T> {
  readonly images: readonly T[];
  /** px */
  readonly height: number;
  /** widths of the images in px, in order */
  readonly widths: readonly number[];
}

export interface Layout {
  /** px of a full row */
  readonly width: number;
  /** px; a full row is at most this high */
  readonly targetHeight: number;
  /** px between images */
  readonly gap: number;
}

/**
 * @param ratioOf width divided by height of an image
 * @param complete false: more images will follow, so the unfinished last row is left out
 */
export function justifiedRows<T>(
  images: readonly T[],
  ratioOf: (image: T) => number,
  { width, targetHeight, gap }: Layout,
  complete: boolean,
): Row<T>[] {
  const rows: Row<T>[] = [];
  let row: T[] = [];
  let ratioSum = 0;
  const finishRow = (height: number): void => {
    rows.push({ images: row, height, widths: row.map((image) => ratioOf(image) * height) });
    row = [];
    ratioSum = 0;
  };
  for (const image of images) {
    row.push(image);
    ratioSum += ratioOf(image);
    const height = (width - gap * (row.length - 1)) / ratioSum;
    if (height <= targetHeight) finishRow(height);
  }
  // The last row keeps the target height. Stretched to the full width one image would be huge.
  if (row.length > 0 && complete)
    finishRow(Math.min(targetHeight, (width - gap * (row.length - 1)) / ratioSum));
  return rows;
}
