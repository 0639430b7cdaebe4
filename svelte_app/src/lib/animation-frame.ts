/**
 * Limits a function to one call per animation frame. A hidden tab has no animation frames: there, a timer calls
 * the function, so that progress stays correct.
 */

const HIDDEN_TAB_MS = 250;

/** Returns a function that schedules `run` for the next frame. While a run is scheduled, further calls do nothing. */
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
    // The timer is also set in a visible tab, which may become hidden before its next frame.
    setTimeout(runOnce, HIDDEN_TAB_MS);
  };
}
