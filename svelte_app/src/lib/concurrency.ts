/**
 * Does something for each of many, a few at a time: a thousand requests at once would stand in each
 * other's way. Called by what deletes, stops or retries many. Pure but for the work it is given.
 */

// Browsers open six connections to a host; the uploads need some of them.
const MAX_CONCURRENT = 3;

/** Resolves when all is done. What `work` throws ends the rest and is thrown. */
export async function forEachConcurrent<T>(
  many: Iterable<T>,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = [...many].reverse();
  const lane = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one);
  };
  try {
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, lane));
  } finally {
    left.length = 0;
  }
}
