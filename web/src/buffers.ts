/** Large buffers, used again: to a browser a fresh one costs more than what is done with its bytes. */

import type { Bytes } from "./bytes";

export class Buffers {
  readonly #length: number;
  readonly #free: Bytes[] = [];

  /** @param length of each; shorter ones are cut from them. */
  constructor(length: number) {
    this.#length = length;
  }

  /** A buffer of that length, with anything in it. */
  take(length: number): Bytes {
    const buffer = this.#free.pop() ?? new Uint8Array(this.#length);
    return buffer.subarray(0, length);
  }

  /** Nobody reads or writes it any more. */
  give(buffer: Bytes): void {
    this.#free.push(new Uint8Array(buffer.buffer));
  }
}
