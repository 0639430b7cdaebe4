/**
 * A dynamic import that retries with back-off until it succeeds. Without the retries, a page would
 * stay incomplete if the server is unreachable for a moment. The app and the upload entry use it.
 */
import { backoffMs } from './backoff';

/** @param onFailure called after each failed attempt; the next attempt follows automatically */
export async function importWithRetry<T>(
  load: () => Promise<T>,
  onFailure: () => void = () => undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await load();
    } catch (error) {
      // A failed script import is a TypeError. Vite throws an Error for a failed style sheet.
      const isLoadError =
        error instanceof TypeError || (error instanceof Error && error.message.includes('CSS'));
      if (!isLoadError) throw error;
      onFailure();
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random())));
    }
  }
}
