/**
 * Calls an asynchronous function for each of many items, for at most three at a time. The bulk actions (delete,
 * abort, retry) use it.
 */

// Browsers open six connections per host. Uploads use three of them.
const MAX_CONCURRENT = 3;

/** Resolves when `work` has run for every item. The first error stops the remaining items and is rethrown. */
export async function forEachConcurrent<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = [...items].reverse();
  const runner = async (): Promise<void> => {
    for (let item = remaining.pop(); item !== undefined; item = remaining.pop()) await work(item);
  };
  try {
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, runner));
  } finally {
    remaining.length = 0;
  }
}
