/**
 * Which thumbnail to show at which size. Pure; labels and their scales (longest edge) come from the limits.
 */
import type { Thumbnails } from './api/types';

export type Scales = Readonly<Record<string, number>>;

export interface Source {
  readonly label: string;
  readonly url: string;
  /** longest edge asked for, in pixels; what came out is smaller where the image was */
  readonly scale: number;
}

/** The thumbnails there are, smallest first. A label of unknown scale is left out unless all are unknown. */
export function sources(thumbnails: Thumbnails, scales: Scales): Source[] {
  const known = Object.entries(thumbnails)
    .map(([label, url]) => ({ label, url, scale: scales[label] ?? 0 }))
    .sort((a, b) => a.scale - b.scale);
  const scaled = known.filter((source) => source.scale > 0);
  return scaled.length > 0 ? scaled : known;
}

/** The smallest thumbnail whose longest edge reaches `px`, else the largest; null when there is none. */
export function pick(all: readonly Source[], px: number): Source | null {
  return all.find((source) => source.scale >= px) ?? all.at(-1) ?? null;
}

export interface Size {
  readonly width: number | null;
  readonly height: number | null;
}

/** `srcset` with true widths: an image of known size tells how wide each of its thumbnails is. */
export function srcset(all: readonly Source[], { width, height }: Size): string | undefined {
  if (width === null || height === null || all.some((source) => source.scale === 0)) return undefined;
  const longest = Math.max(width, height);
  const byWidth = new Map<number, string>();
  for (const { url, scale } of all) {
    const wide = Math.max(1, Math.round(width * Math.min(1, scale / longest)));
    // Of equally wide ones (nothing is enlarged) the first, smallest label is as good as any.
    if (!byWidth.has(wide)) byWidth.set(wide, `${url} ${wide}w`);
  }
  return [...byWidth.values()].join(', ');
}

/** Width by height; a square while the size is unknown. Extremes are tamed so that a row stays a row. */
export function ratio({ width, height }: Size): number {
  if (!width || !height) return 1;
  return Math.min(3.2, Math.max(0.4, width / height));
}
