/** Parts on their way down: one stream, resumed where it broke (protocol sections 6 and 7). */

import { Buffers } from "./buffers";
import type { Bytes } from "./bytes";
import type { ContentOpener, Geometry } from "./envelope/content";
import { PART_BYTES, PART_PLAIN, checkPart } from "./envelope/content";
import { IntegrityError, Unreachable } from "./errors";
import { Backoff, Transient } from "./retry";
import type { Transport } from "./transport";

/** Parts that are being checked, opened and written while the next one arrives. */
const AHEAD = 2;

/** A content that a claim gave access to; the digests are checked against the root. */
export interface Content {
  linkId: string;
  /** T. */
  lease: Bytes;
  /** Of the manifest, and the ETag. */
  root: Bytes;
  geometry: Geometry;
  /** `D_j`, one for each part. */
  digests: readonly Bytes[];
  opener: ContentOpener;
}

/**
 * Takes the plaintext of part `index`, verified; called in the order of the parts. The bytes are
 * others after the call.
 */
export type Take = (index: number, plaintext: Bytes) => void;

/**
 * Bring every part from `first` on to `take`.
 *
 * @param progress told how many bytes of the ciphertext are here.
 * @throws IntegrityError a part isn't the sender's, also when fetched again.
 * @throws Unreachable no progress for as long as patience lasts.
 */
export async function receive(
  transport: Transport,
  content: Content,
  take: Take,
  first: number,
  progress: (done: number) => void,
): Promise<void> {
  const backoff = new Backoff(transport.retrying);
  const damaged = new Set<number>();
  let run = new Run(transport, content, take, first);
  for (;;) {
    try {
      // Each attempt begins where the one before it ended.
      return await run.attempt(backoff, progress);
    } catch (error) {
      await run.settled();
      if (error instanceof Damaged && damaged.has(error.part)) throw notTheSenders();
      await backoff.wait(error);
      if (error instanceof Damaged) {
        damaged.add(error.part);
        run = new Run(transport, content, take, error.part);
      }
    }
  }
}

/**
 * A part that is not what its digest says, or does not open: perhaps damaged on its way, or the
 * browser had no memory for it, which looks the same. So it is fetched once more.
 */
class Damaged extends Transient {
  readonly part: number;

  constructor(part: number) {
    super(new Unreachable("a part was damaged on its way"));
    this.part = part;
  }
}

function notTheSenders(): IntegrityError {
  return new IntegrityError("a part of the content is not the one that the sender made");
}

/** The content from one part on, over as many broken streams as it takes. */
class Run {
  readonly #transport: Transport;
  readonly #content: Content;
  readonly #take: Take;
  readonly #assembler: Assembler;
  readonly #parts = new Buffers(PART_BYTES);
  readonly #plaintexts = new Buffers(PART_PLAIN);
  #waiting: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(transport: Transport, content: Content, take: Take, first: number) {
    this.#transport = transport;
    this.#content = content;
    this.#take = take;
    this.#assembler = new Assembler(content.geometry, this.#parts, first);
  }

  /** Go on from the first byte that is missing; returns when all parts have been taken. */
  async attempt(backoff: Backoff, progress: (done: number) => void): Promise<void> {
    const { linkId, lease, root, geometry } = this.#content;
    const assembler = this.#assembler;
    if (!assembler.isFinished) {
      const size = geometry.ciphertext;
      const pieces = this.#transport.content(linkId, lease, root, assembler.position, size);
      for await (const piece of pieces) {
        backoff.progress();
        for (const [index, part] of assembler.add(piece)) await this.#push(index, part);
        progress(assembler.position);
      }
      assembler.checkFinished();
    }
    await Promise.all(this.#waiting);
  }

  /** What came whole has been taken, or is known to be damaged; nothing is taken after that. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  /** Begin to check and open a part; waits while too many are under way. */
  async #push(index: number, part: Bytes): Promise<void> {
    if (this.#waiting.length === AHEAD) await this.#waiting.shift();
    const opened = this.#opened(index, part);
    opened.catch(() => {}); // it is thrown below, but never before what comes first in the content
    const taken = this.#last.then(async () => {
      const plaintext = await opened;
      this.#take(index, plaintext);
      this.#plaintexts.give(plaintext);
    });
    taken.catch(() => {}); // it is thrown where it is waited for
    this.#last = taken;
    this.#waiting.push(taken);
  }

  async #opened(index: number, part: Bytes): Promise<Bytes> {
    const { digests, opener, geometry } = this.#content;
    const [start, stop] = geometry.partPlain(index);
    const into = this.#plaintexts.take(stop - start);
    try {
      await checkPart(part, digests[index] ?? new Uint8Array());
      await opener.openPart(index, part, into);
    } catch (error) {
      throw error instanceof IntegrityError ? new Damaged(index) : error;
    }
    this.#parts.give(part);
    return into;
  }
}

/** Pieces of any length in, whole parts out. */
class Assembler {
  readonly #geometry: Geometry;
  readonly #parts: Buffers;
  #part: number;
  #filled = 0;
  #buffer: Bytes = new Uint8Array();

  constructor(geometry: Geometry, parts: Buffers, first: number) {
    this.#geometry = geometry;
    this.#parts = parts;
    this.#part = first;
    this.#begin();
  }

  get isFinished(): boolean {
    return this.#part === this.#geometry.parts;
  }

  /** The first byte of the ciphertext that is still missing. */
  get position(): number {
    return this.isFinished ? this.#geometry.ciphertext : this.#part * PART_BYTES + this.#filled;
  }

  *add(piece: Bytes): Generator<[index: number, part: Bytes], void> {
    let rest = piece;
    while (rest.length > 0) {
      if (this.isFinished) throw framing("more");
      const taken = rest.subarray(0, this.#buffer.length - this.#filled);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === this.#buffer.length) yield this.#whole();
    }
  }

  checkFinished(): void {
    if (!this.isFinished) throw framing("less");
  }

  #whole(): [index: number, part: Bytes] {
    const whole: [number, Bytes] = [this.#part, this.#buffer];
    this.#part += 1;
    this.#begin();
    return whole;
  }

  #begin(): void {
    this.#filled = 0;
    if (!this.isFinished) this.#buffer = this.#parts.take(this.#geometry.partBytes(this.#part));
  }
}

function framing(how: string): Transient {
  return new Transient(new Unreachable(`the server sends ${how} than it announced`));
}
