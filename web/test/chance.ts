/** Chance that is the same on every run, so that a failure can be looked at again. */

import type { Bytes } from "../src/bytes";

/** A generator for tests (mulberry32). It guards no secret. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, and without, the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** A `Random` of the page's: bound, to be passed on. */
  readonly bytes = (length: number): Bytes =>
    Uint8Array.from({ length }, () => this.below(256));

  pick<T>(items: ArrayLike<T>): T {
    return items[this.below(items.length)] as T;
  }

  /** Up to that many pieces, joined. */
  text(pieces: ArrayLike<string>, most: number): string {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(pieces)).join("");
  }
}

/** `count` values, each drawn by the same rule. */
export function drawn<T>(count: number, draw: (chance: Chance) => T, seed = 1): T[] {
  const chance = new Chance(seed);
  return Array.from({ length: count }, () => draw(chance));
}

/** The bytes from `from` on, up to and without `to`: 00 01 02 … */
export function counting(from: number, to: number): Bytes {
  return Uint8Array.from({ length: to - from }, (_, at) => from + at);
}

/** The same bytes with one bit turned. */
export function flipped(bytes: Uint8Array, at: number, bit: number): Bytes {
  const other = new Uint8Array(bytes);
  other[at] = (other[at] ?? 0) ^ (1 << bit);
  return other;
}
