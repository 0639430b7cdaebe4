/**
 * The images before and after an image in a list. Pure. The image view's navigation calls it.
 */
import type { Image } from '../api/types';

export interface PreviousAndNext {
  readonly previous: Image | null;
  readonly next: Image | null;
}

/** Both are null if the image is not in the list. */
export function previousAndNext(images: readonly Image[], id: string): PreviousAndNext {
  const index = images.findIndex((image) => image.id === id);
  if (index < 0) return { previous: null, next: null };
  return { previous: images[index - 1] ?? null, next: images[index + 1] ?? null };
}
