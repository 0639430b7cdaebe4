/**
 * Lays pictures of any shape out in rows of equal width, as on a contact sheet. Pure, so that a row's
 * height is known before a byte of its pictures is: nothing jumps.
 */

export interface Row<T> {
  readonly pictures: readonly T[];
  /** px */
  readonly height: number;
  /** widths in px, in order */
  readonly widths: readonly number[];
}

export interface Sheet {
  /** px to fill */
  readonly width: number;
  /** the height rows aim at, px */
  readonly aim: number;
  readonly gap: number;
}

/**
 * @param ratioOf width by height
 * @param ended false: more pictures will follow, so the open last row is held back until it is full
 */
export function justifiedRows<T>(
  pictures: readonly T[],
  ratioOf: (picture: T) => number,
  { width, aim, gap }: Sheet,
  ended: boolean,
): Row<T>[] {
  const rows: Row<T>[] = [];
  let open: T[] = [];
  let ratios = 0;
  const close = (height: number): void => {
    rows.push({ pictures: open, height, widths: open.map((picture) => ratioOf(picture) * height) });
    open = [];
    ratios = 0;
  };
  for (const picture of pictures) {
    open.push(picture);
    ratios += ratioOf(picture);
    const height = (width - gap * (open.length - 1)) / ratios;
    if (height <= aim) close(height);
  }
  // The last row keeps the aimed height rather than blowing one picture up to the full width.
  if (open.length > 0 && ended) close(Math.min(aim, (width - gap * (open.length - 1)) / ratios));
  return rows;
}
