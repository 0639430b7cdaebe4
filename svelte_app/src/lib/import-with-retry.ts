/**
 * Loads code that is needed now and came in no earlier script; a server that is away for a moment must
 * not leave the page half there. Called wherever a view or the upload engine is brought in.
 */
import { backoffMs } from './backoff';

/** @param failed told after each attempt that brought nothing; the next follows by itself */
export async function importWithRetry<T>(
  load: () => Promise<T>,
  failed: () => void = () => undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await load();
    } catch (fault) {
      // A browser throws a TypeError for a script that does not come, Vite an Error for its style sheet.
      const missing = fault instanceof TypeError || (fault instanceof Error && fault.message.includes('CSS'));
      if (!missing) throw fault;
      failed();
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random())));
    }
  }
}
