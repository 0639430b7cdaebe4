/**
 * Has the browser look at files without standing still. A chosen file's size is asked of the system when
 * it is read first, a quarter of a millisecond each: a thousand at once would hold up the page.
 */

// Half a frame's time at 30 frames a second.
const SLICE_MS = 16;

/** Resolves when every size is known; reading it again then costs nothing. */
export async function readFileSizes(files: readonly { readonly size: number }[]): Promise<void> {
  let pause = performance.now() + SLICE_MS;
  for (const file of files) {
    if (file.size >= 0 && performance.now() < pause) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pause = performance.now() + SLICE_MS;
  }
}
