/** How fast a transfer goes, and how long it still takes. Pure: the clock is an argument. */

export interface Pace {
  done: number;
  total: number | null;
  /** Bytes a second over the last few seconds; null until that can be said. */
  rate: number | null;
  /** Seconds; null where the total or the rate isn't known. */
  left: number | null;
}

interface Sample {
  at: number;
  done: number;
}

const WINDOW_MS = 5000;
const FIRST_MS = 700; // before that a rate would jump about
const MS = 1000;

/** Remembers the last few seconds of a transfer. */
export class Pacer {
  #samples: Sample[] = [];

  /** @param at milliseconds of a monotonic clock. */
  add(done: number, total: number | null, at: number): Pace {
    // A part that is sent again starts anew, so what is done can shrink.
    this.#samples = this.#samples.filter((old) => at - old.at <= WINDOW_MS && old.done <= done);
    this.#samples.push({ at, done });
    const rate = this.#rate(done, at);
    const left = rate && total !== null ? Math.max(0, total - done) / rate : null;
    return { done, total, rate, left };
  }

  #rate(done: number, at: number): number | null {
    const first = this.#samples[0];
    if (!first || at - first.at < FIRST_MS) return null;
    return ((done - first.done) / (at - first.at)) * MS;
  }
}
