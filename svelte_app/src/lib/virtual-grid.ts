/**
 * Virtual scrolling of a grid of equal cells: the column layout, and which cells are near the viewport. Pure.
 * The component VirtualGrid calls it on scroll and on resize.
 */

export interface GridLayout {
  readonly columns: number;
  /** px, edge of a square tile */
  readonly tile: number;
  /** px from one row to the next */
  readonly rowHeight: number;
}

/**
 * As many columns as fit.
 * @param width px of the grid
 * @param minTile px; tiles are narrower only if the whole grid is
 * @param gap px between tiles
 * @param caption px below each tile
 */
export function gridLayout(width: number, minTile: number, gap: number, caption: number): GridLayout {
  const columns = Math.max(1, Math.floor((width + gap) / (minTile + gap)));
  const tile = Math.max(1, Math.floor((width - gap * (columns - 1)) / columns));
  return { columns, tile, rowHeight: tile + caption + gap };
}

export interface VisibleRange {
  /** index of the first cell to render */
  readonly first: number;
  /** index after the last cell to render */
  readonly last: number;
  /** px of the rows above the first rendered row */
  readonly above: number;
  /** px of all rows */
  readonly totalHeight: number;
}

/**
 * @param scrolled px of the grid above the viewport; negative if the grid starts inside or below it
 * @param viewport px
 */
export function visibleRange(
  count: number,
  grid: GridLayout,
  scrolled: number,
  viewport: number,
): VisibleRange {
  const rows = Math.ceil(count / grid.columns);
  // One extra row above and below, for fast scrolling and so that Tab reaches the next tile.
  const from = Math.max(0, Math.min(rows, Math.floor(scrolled / grid.rowHeight) - 1));
  const to = Math.max(from, Math.min(rows, Math.ceil((scrolled + viewport) / grid.rowHeight) + 1));
  return {
    first: from * grid.columns,
    last: Math.min(count, to * grid.columns),
    above: from * grid.rowHeight,
    totalHeight: rows * grid.rowHeight,
  };
}
