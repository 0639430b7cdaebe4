/**
 * Runs a function at most once a frame, however often it is asked for. In a hidden tab there are no
 * frames, so a timer stands in: progress must stay true there too.
 */

const HIDDEN_MS = 250;

export function oncePerFrame(run: () => void): () => void {
  let due = false;
  const go = (): void => {
    if (!due) return;
    due = false;
    run();
  };
  return () => {
    if (due) return;
    due = true;
    if (document.visibilityState === 'visible') requestAnimationFrame(go);
    // Also the safety net for a tab hidden between asking for a frame and getting it.
    setTimeout(go, HIDDEN_MS);
  };
}
