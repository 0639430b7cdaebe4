/**
 * Which cells of a long grid exist. Pure; the windowed grid asks on scroll and on resize.
 */

export interface Grid {
  readonly columns: number;
  /** px */
  readonly tile: number;
  readonly rowHeight: number;
}

/** @param caption px below each tile @param least px a tile is at least wide, unless the grid is narrower */
export function gridLayout(width: number, least: number, gap: number, caption: number): Grid {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const tile = Math.max(1, Math.floor((width - gap * (columns - 1)) / columns));
  return { columns, tile, rowHeight: tile + caption + gap };
}

export interface Visible {
  readonly first: number;
  /** exclusive */
  readonly last: number;
  /** px of the rows before the first */
  readonly before: number;
  /** px of all rows */
  readonly whole: number;
}

/** @param top px of the grid that are above the viewport's upper edge (negative: it starts below) */
export function visibleRange(count: number, grid: Grid, top: number, viewport: number): Visible {
  const rows = Math.ceil(count / grid.columns);
  // One row more on each side, so that a flick of the wheel meets pictures and Tab finds the next tile.
  const from = Math.max(0, Math.min(rows, Math.floor(top / grid.rowHeight) - 1));
  const to = Math.max(from, Math.min(rows, Math.ceil((top + viewport) / grid.rowHeight) + 1));
  return {
    first: from * grid.columns,
    last: Math.min(count, to * grid.columns),
    before: from * grid.rowHeight,
    whole: rows * grid.rowHeight,
  };
}
