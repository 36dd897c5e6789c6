/** Several at a time, and not all at once. */

// As many as it takes to keep the browser's own threads busy; more would only cost memory.
const LANES = 4;

/**
 * Run `job(0)`, `job(1)`, … `job(count - 1)`: begun in this order, four at a time. After a
 * failure, which is thrown, no other job begins.
 */
export async function inLanes(count: number, job: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < count; at = next++) await job(at);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(LANES, count) }, lane));
  } finally {
    next = count;
  }
}
