/**
 * Selects thumbnails for a display size and builds `srcset`. Pure. The labels and their scales (longest edge
 * in px) come from the server's limits.
 */
import type { Thumbnails } from './api/types';

export type Scales = Readonly<Record<string, number>>;

export interface ThumbnailSource {
  readonly label: string;
  readonly url: string;
  /** longest edge of the label in px; the thumbnail is smaller if the original is. 0: unknown */
  readonly scale: number;
}

/** The thumbnails, smallest first. A label of unknown scale is left out unless all scales are unknown. */
export function thumbnailSources(thumbnails: Thumbnails, scales: Scales): ThumbnailSource[] {
  const all = Object.entries(thumbnails)
    .map(([label, url]) => ({ label, url, scale: scales[label] ?? 0 }))
    .sort((a, b) => a.scale - b.scale);
  const scaled = all.filter((source) => source.scale > 0);
  return scaled.length > 0 ? scaled : all;
}

/** The smallest source whose longest edge is at least `px`, else the largest. Null if there is none. */
export function selectSource(sources: readonly ThumbnailSource[], px: number): ThumbnailSource | null {
  return sources.find((source) => source.scale >= px) ?? sources.at(-1) ?? null;
}

/** Width and height of the original in px, null while unknown. */
export interface Dimensions {
  readonly width: number | null;
  readonly height: number | null;
}

/** A `srcset` with the real width of each thumbnail. Undefined if the dimensions or a scale are unknown. */
export function srcset(
  sources: readonly ThumbnailSource[],
  { width, height }: Dimensions,
): string | undefined {
  if (width === null || height === null || sources.some((source) => source.scale === 0)) return undefined;
  const longestEdge = Math.max(width, height);
  const byWidth = new Map<number, string>();
  for (const { url, scale } of sources) {
    const thumbnailWidth = Math.max(1, Math.round(width * Math.min(1, scale / longestEdge)));
    // Thumbnails are never larger than the original, so several labels may have the same width.
    if (!byWidth.has(thumbnailWidth)) byWidth.set(thumbnailWidth, `${url} ${thumbnailWidth}w`);
  }
  return [...byWidth.values()].join(', ');
}

/** Width divided by height, limited to 0.4–3.2 so that panoramas fit into a row. 1 while unknown. */
export function aspectRatio({ width, height }: Dimensions): number {
  if (!width || !height) return 1;
  return Math.min(3.2, Math.max(0.4, width / height));
}
