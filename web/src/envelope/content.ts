/**
 * The content: files joined, padded, sealed in segments, cut into parts (protocol section 6).
 *
 * A part holds whole segments, so each can be sealed, checked and opened alone and in any order.
 * The lengths are those of `Layout`; everything but tests with small examples uses `V1`.
 */

import { type Bytes, equal, isZero, joined, u64, utf8 } from "../bytes";
import { primitives, type Random } from "../crypto";
import { IntegrityError } from "../errors";
import { Floe, FloeParams, IV_BYTES, KEY_BYTES, NONCE_BYTES, SEGMENT_OVERHEAD } from "./floe";
import { inLanes } from "./lanes";
import { paddedContent } from "./padding";

const AAD = utf8("otv/1 content\0");

/** The lengths that the geometry follows from. */
export class Layout {
  /** Segment length and key rotation. */
  readonly floe: FloeParams;
  /** Segments of a part that is not last. */
  readonly partSegments: number;

  constructor(floe = new FloeParams(), partSegments = 8) {
    this.floe = floe;
    this.partSegments = partSegments;
  }

  /** Ciphertext bytes of a part that is not last. */
  get partBytes(): number {
    return this.partSegments * this.floe.segmentBytes;
  }

  /** Content bytes in a part that is not last. */
  get partPlain(): number {
    return this.partSegments * this.floe.segmentPlain;
  }
}

export const V1 = new Layout();
export const PART_BYTES = V1.partBytes;
export const SEGMENT_PLAIN = V1.floe.segmentPlain;
export const PART_PLAIN = V1.partPlain;

/**
 * Where everything is, as it follows from the content's length.
 *
 * The divisions are exact enough: below 2^53 a quotient that is not whole lies further above the
 * whole number than doubles round, so rounding up never misses a segment.
 */
export class Geometry {
  /** `l`, bytes of the padded content. */
  readonly length: number;
  /** `n`. */
  readonly segments: number;
  /** `C`, bytes. */
  readonly ciphertext: number;
  /** `p`. */
  readonly parts: number;
  readonly layout: Layout;

  private constructor(length: number, layout: Layout) {
    this.length = length;
    this.segments = Math.ceil(length / layout.floe.segmentPlain);
    this.ciphertext = length + SEGMENT_OVERHEAD * this.segments;
    this.parts = Math.ceil(this.ciphertext / layout.partBytes);
    this.layout = layout;
  }

  /** From `l`, which is at least 1. */
  static ofLength(length: number, layout = V1): Geometry {
    return new Geometry(length, layout);
  }

  /** From the sum of the files' sizes. */
  static ofFiles(filesBytes: number, layout = V1): Geometry {
    return new Geometry(paddedContent(filesBytes), layout);
  }

  /**
   * From `C`.
   *
   * @throws IntegrityError no content has that many bytes of ciphertext.
   */
  static ofCiphertext(ciphertext: number, layout = V1): Geometry {
    const length = ciphertext - SEGMENT_OVERHEAD * Math.ceil(ciphertext / layout.floe.segmentBytes);
    const geometry = new Geometry(Math.max(length, 1), layout);
    if (geometry.ciphertext !== ciphertext || paddedContent(length) !== length) {
      throw new IntegrityError("the content has a length that none can have");
    }
    return geometry;
  }

  /** Ciphertext bytes of part `j`. */
  partBytes(part: number): number {
    this.#assertPart(part);
    return Math.min(this.layout.partBytes, this.ciphertext - part * this.layout.partBytes);
  }

  /** Which bytes of the content part `j` holds: the first, and the one after the last. */
  partPlain(part: number): [start: number, stop: number] {
    this.#assertPart(part);
    const start = part * this.layout.partPlain;
    return [start, Math.min(start + this.layout.partPlain, this.length)];
  }

  /** Whether part `j` ends the content. */
  isLast(part: number): boolean {
    this.#assertPart(part);
    return part === this.parts - 1;
  }

  #assertPart(part: number): void {
    if (part < 0 || part >= this.parts) throw new RangeError("there is no such part");
  }
}

/**
 * Seals parts in any order, several at once, and again after a failure.
 *
 * A part sealed again has other bytes, and so another digest: whoever repeats an upload sends the
 * bytes of the first time.
 */
export class ContentSealer {
  /** The content key; belongs in the manifest and nowhere else. */
  readonly key: Bytes;
  /** Belongs in the manifest. */
  readonly header: Bytes;
  readonly #floe: Floe;
  readonly #random: Random;
  readonly #layout: Layout;

  private constructor(key: Bytes, floe: Floe, random: Random, layout: Layout) {
    this.key = key;
    this.header = floe.header;
    this.#floe = floe;
    this.#random = random;
    this.#layout = layout;
  }

  /** Several with the same key and iv, say in several workers, seal the parts of one content. */
  static async create(
    key: Bytes,
    iv: Uint8Array,
    random: Random,
    layout = V1,
  ): Promise<ContentSealer> {
    return new ContentSealer(key, await Floe.create(key, iv, AAD, layout.floe), random, layout);
  }

  /** A sealer with a key and an iv of its own. */
  static draw(random: Random, layout = V1): Promise<ContentSealer> {
    return ContentSealer.create(random(KEY_BYTES), random(IV_BYTES), random, layout);
  }

  /**
   * Seal the content's bytes of part `j`, padding included.
   *
   * @param part its index.
   * @param plaintext `Layout.partPlain` bytes; where `isLast`, 1 to that many. They must not
   *   change before this is done.
   * @param isLast whether the content ends here.
   * @param into takes the part, and is as long; a new buffer where left out.
   * @returns the part. Each segment draws its nonce from the source of randomness in turn.
   */
  async sealPart(
    part: number,
    plaintext: Uint8Array,
    isLast: boolean,
    into?: Bytes,
  ): Promise<Bytes> {
    this.#assertPlainLength(plaintext.length, isLast);
    const { floe, partSegments } = this.#layout;
    const segments = Math.ceil(plaintext.length / floe.segmentPlain);
    const sealed = into ?? new Uint8Array(plaintext.length + SEGMENT_OVERHEAD * segments);
    await inLanes(segments, (at) =>
      this.#floe.sealInto(
        piece(sealed, at, floe.segmentBytes),
        part * partSegments + at,
        piece(plaintext, at, floe.segmentPlain),
        this.#random(NONCE_BYTES),
        isLast && at === segments - 1,
      ),
    );
    return sealed;
  }

  #assertPlainLength(length: number, isLast: boolean): void {
    const full = this.#layout.partPlain;
    if (isLast ? length < 1 || length > full : length !== full) {
      throw new RangeError("only the last part is shorter");
    }
  }
}

/** Opens parts in any order, several at once. */
export class ContentOpener {
  readonly #floe: Floe;
  readonly #geometry: Geometry;

  private constructor(floe: Floe, geometry: Geometry) {
    this.#floe = floe;
    this.#geometry = geometry;
  }

  /**
   * An opener for a content.
   *
   * @param key from the manifest.
   * @param header from the manifest.
   * @param geometry of the length in the manifest.
   * @throws IntegrityError key and header don't belong together.
   */
  static async opened(
    key: Uint8Array,
    header: Uint8Array,
    geometry: Geometry,
  ): Promise<ContentOpener> {
    return new ContentOpener(await Floe.opened(key, header, AAD, geometry.layout.floe), geometry);
  }

  /**
   * Open part `j`; check its digest first.
   *
   * @param into takes the plaintext, and is as long; a new buffer where left out.
   * @returns the content's bytes of that part, verified, the padding among them.
   * @throws IntegrityError not the part that was sealed there; nothing of it is let out.
   */
  async openPart(part: number, ciphertext: Uint8Array, into?: Bytes): Promise<Bytes> {
    if (ciphertext.length !== this.#geometry.partBytes(part)) {
      throw new IntegrityError("a part of the content is not as long as it must be");
    }
    const { layout, segments } = this.#geometry;
    const [start, stop] = this.#geometry.partPlain(part);
    const plain = into ?? new Uint8Array(stop - start);
    const first = part * layout.partSegments;
    await inLanes(Math.ceil(ciphertext.length / layout.floe.segmentBytes), (at) =>
      this.#floe.openInto(
        piece(plain, at, layout.floe.segmentPlain),
        first + at,
        piece(ciphertext, at, layout.floe.segmentBytes),
        first + at === segments - 1,
      ),
    );
    return plain;
  }
}

/** `D_j`, 32 bytes. */
export function digest(part: Uint8Array): Promise<Bytes> {
  return primitives.sha256(part);
}

/** The hash over the list of digests, 32 bytes. */
export function root(ciphertextBytes: number, digests: readonly Uint8Array[]): Promise<Bytes> {
  return primitives.sha256(joined([utf8("otv/1 root\0"), u64(ciphertextBytes), ...digests]));
}

/**
 * Check the list that a claim hands out, before any part is read.
 *
 * @throws IntegrityError another list than the sender's.
 */
export async function checkDigests(
  geometry: Geometry,
  digests: readonly Uint8Array[],
  expectedRoot: Uint8Array,
): Promise<void> {
  // The length of each digest too: the root hashes them joined, so it does not see their borders.
  const fits = digests.length === geometry.parts && digests.every((d) => d.length === KEY_BYTES);
  if (!fits || !equal(await root(geometry.ciphertext, digests), expectedRoot)) {
    throw new IntegrityError("the list of parts is not the one that the sender made");
  }
}

/**
 * Check a part against its `D_j`, before it is opened.
 *
 * @throws IntegrityError another part than the sender's.
 */
export async function checkPart(part: Uint8Array, expectedDigest: Uint8Array): Promise<void> {
  if (!equal(await digest(part), expectedDigest)) {
    throw new IntegrityError("a part of the content is not the one that the sender made");
  }
}

/**
 * Check that what follows the last file's last byte is zero.
 *
 * @param plaintext a run of the content.
 * @param start where in the content it begins.
 * @param filesBytes the sum of the files' sizes.
 * @throws IntegrityError a byte of the padding is not zero.
 */
export function checkPadding(plaintext: Uint8Array, start: number, filesBytes: number): void {
  if (!isZero(plaintext.subarray(Math.max(filesBytes - start, 0)))) {
    throw new IntegrityError("the padding behind the files is not empty");
  }
}

function piece(whole: Uint8Array, at: number, length: number): Uint8Array {
  return whole.subarray(at * length, (at + 1) * length);
}
