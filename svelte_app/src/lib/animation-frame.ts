/**
 * Limits a function to one call per animation frame. A hidden tab has no animation frames; a timer replaces
 * them, so that progress stays correct there too.
 */

const HIDDEN_TAB_MS = 250;

/** A function that schedules `run`. Calls before the scheduled run have no effect. */
export function oncePerFrame(run: () => void): () => void {
  let scheduled = false;
  const runOnce = (): void => {
    if (!scheduled) return;
    scheduled = false;
    run();
  };
  return () => {
    if (scheduled) return;
    scheduled = true;
    if (document.visibilityState === 'visible') requestAnimationFrame(runOnce);
    // Also set in a visible tab, which may be hidden before its next frame.
    setTimeout(runOnce, HIDDEN_TAB_MS);
  };
}
