/**
 * FLOE: authenticated encryption in segments with random access (protocol section 4).
 *
 * As c2sp.org/FLOE has it: AES-256-GCM segments under keys from HKDF-Expand-SHA-384, nonces
 * random per segment, and a header whose tag commits to key and associated data. Key, iv and
 * nonces are arguments here: the callers draw them, and sealing has known answers.
 */

import { type Bytes, concat, equal, readU32, u32, u64, utf8 } from "../bytes";
import { type Aead, primitives } from "../crypto";
import { IntegrityError } from "../errors";

export const KEY_BYTES = 32;
export const IV_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
export const HEADER_BYTES = 74;
export const SEGMENT_OVERHEAD = 4 + NONCE_BYTES + TAG_BYTES;

const PARAMS_BYTES = 10;
const HEADER_TAG_BYTES = 32;
const MESSAGE_KEY_BYTES = 48;
const BODY = 4 + NONCE_BYTES; // where a segment's ciphertext begins
const NOT_LAST = 0xffffffff;

/** FLOE's parameters, with AES-256-GCM and SHA-384 fixed. */
export class FloeParams {
  /** Length of an encrypted segment that is not last (ENC_SEG_LEN). */
  readonly segmentBytes: number;
  /** A new AES key every `2 ** rotationBits` segments; 20 but in tests. */
  readonly rotationBits: number;

  constructor(segmentBytes = 1 << 20, rotationBits = 20) {
    this.segmentBytes = segmentBytes;
    this.rotationBits = rotationBits;
  }

  /** Plaintext bytes of a segment that is not last. */
  get segmentPlain(): number {
    return this.segmentBytes - SEGMENT_OVERHEAD;
  }

  /** `prm`, 10 bytes. The rotation is no part of it: FLOE fixes it with the cipher. */
  encode(): Bytes {
    return concat(Uint8Array.of(0, 0), u32(this.segmentBytes), u32(IV_BYTES));
  }
}

export const V1 = new FloeParams();

/** Derives `X` for one message: HKDF-Expand-SHA-384 (RFC 5869), of which one block is enough. */
type Expand = (key: Uint8Array, purpose: Uint8Array, length: number) => Promise<Bytes>;

/**
 * One message: its header, and its segments in any order and as often as needed.
 *
 * Several segments may be in flight at once. A segment may be sealed again, with a fresh nonce
 * each time.
 */
export class Floe {
  readonly header: Bytes;
  readonly #params: FloeParams;
  readonly #expand: Expand;
  readonly #messageKey: Bytes;
  // Promises, so that segments which begin together share one derivation.
  readonly #ciphers = new Map<number, Promise<Aead>>();

  private constructor(header: Bytes, messageKey: Bytes, expand: Expand, params: FloeParams) {
    this.header = header;
    this.#messageKey = messageKey;
    this.#expand = expand;
    this.#params = params;
  }

  /**
   * A message of its own.
   *
   * @param key 32 bytes.
   * @param iv 32 bytes, random, never the same for two messages under one key.
   * @param aad bound to the header and to every segment.
   */
  static async create(
    key: Uint8Array,
    iv: Uint8Array,
    aad: Uint8Array,
    params: FloeParams = V1,
  ): Promise<Floe> {
    const prefix = concat(params.encode(), iv);
    const expand: Expand = async (from, purpose, length) => {
      const info = concat(prefix, purpose, aad, Uint8Array.of(1));
      return (await primitives.hmacSha384(from, info)).slice(0, length);
    };
    const tag = await expand(key, utf8("HEADER_TAG:"), HEADER_TAG_BYTES);
    const messageKey = await expand(key, utf8("MESSAGE_KEY:"), MESSAGE_KEY_BYTES);
    return new Floe(concat(prefix, tag), messageKey, expand, params);
  }

  /**
   * The message of a header, which is checked before any segment can be.
   *
   * @throws IntegrityError another length, other parameters, or a tag of another key or aad.
   */
  static async opened(
    key: Uint8Array,
    header: Uint8Array,
    aad: Uint8Array,
    params: FloeParams = V1,
  ): Promise<Floe> {
    if (header.length !== HEADER_BYTES) throw refusal();
    const iv = header.subarray(PARAMS_BYTES, PARAMS_BYTES + IV_BYTES);
    const floe = await Floe.create(key, iv, aad, params);
    // Over the whole header: the parameters are compared along with the tag.
    if (!equal(floe.header, header)) throw refusal();
    return floe;
  }

  /**
   * Seal segment `index` into `out`, `SEGMENT_OVERHEAD` bytes longer than the plaintext, which
   * must not change before this is done.
   */
  async sealInto(
    out: Uint8Array,
    index: number,
    plaintext: Uint8Array,
    nonce: Uint8Array,
    isLast: boolean,
  ): Promise<void> {
    this.#assertPlainLength(plaintext.length, isLast);
    const cipher = await this.#cipher(index);
    out.set(u32(isLast ? out.length : NOT_LAST));
    out.set(nonce, 4);
    out.set(await cipher.seal(nonce, plaintext, segmentAad(index, isLast)), BODY);
  }

  /**
   * Open segment `index` into `out`, `SEGMENT_OVERHEAD` bytes shorter than the segment.
   *
   * @throws IntegrityError the segment is not the one that was sealed there; `out` is untouched.
   */
  async openInto(
    out: Uint8Array,
    index: number,
    segment: Uint8Array,
    isLast: boolean,
  ): Promise<void> {
    this.#checkFrame(segment, isLast);
    const cipher = await this.#cipher(index);
    const nonce = segment.subarray(4, BODY);
    const plain = await cipher.open(nonce, segment.subarray(BODY), segmentAad(index, isLast));
    if (!plain) throw refusal();
    out.set(plain);
  }

  /** A segment's length and length word must say the same, and what its place says. */
  #checkFrame(segment: Uint8Array, isLast: boolean): void {
    const { segmentBytes } = this.#params;
    const fits = isLast
      ? SEGMENT_OVERHEAD <= segment.length && segment.length <= segmentBytes
      : segment.length === segmentBytes;
    if (!fits || readU32(segment) !== (isLast ? segment.length : NOT_LAST)) throw refusal();
  }

  #assertPlainLength(length: number, isLast: boolean): void {
    const { segmentPlain } = this.#params;
    if (isLast ? length > segmentPlain : length !== segmentPlain) {
      throw new RangeError("only the last segment is shorter");
    }
  }

  /** The AES key of a segment. */
  #cipher(index: number): Promise<Aead> {
    const epoch = Math.floor(index / 2 ** this.#params.rotationBits);
    const cipher = this.#ciphers.get(epoch) ?? this.#deriveCipher(epoch);
    this.#ciphers.set(epoch, cipher);
    return cipher;
  }

  async #deriveCipher(epoch: number): Promise<Aead> {
    const first = u64(epoch * 2 ** this.#params.rotationBits);
    const purpose = concat(utf8("DEK:"), first);
    return primitives.aes256Gcm(await this.#expand(this.#messageKey, purpose, KEY_BYTES));
  }
}

function segmentAad(index: number, isLast: boolean): Bytes {
  return concat(u64(index), Uint8Array.of(isLast ? 1 : 0));
}

/** One sentence for every fault: which check failed is nobody's business but a test's. */
function refusal(): IntegrityError {
  return new IntegrityError("what came is not what was sealed for this link");
}
