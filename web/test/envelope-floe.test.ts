/** FLOE: what the vectors can't enumerate (protocol section 4). */

import { describe, expect, it } from "vitest";

import { type Bytes, concat, u64, utf8 } from "../src/bytes";
import { primitives } from "../src/crypto";
import { Floe, FloeParams, SEGMENT_OVERHEAD } from "../src/envelope/floe";
import { IntegrityError } from "../src/errors";
import { counting, flipped } from "./chance";
import { fromHex } from "./vectors/bytes";

const SMALL = new FloeParams(40, 2);
const KEY = new Uint8Array(32);
const { random } = primitives;

/** Ten segments of eight bytes under three keys, the last one shorter. */
async function message(): Promise<{ floe: Floe; segments: Bytes[] }> {
  const floe = await Floe.create(KEY, counting(0, 32), utf8("aad"), SMALL);
  const pieces = Array.from({ length: 10 }, (_, at) => new Uint8Array(at === 9 ? 3 : 8).fill(at));
  const sealed = pieces.map(async (piece, at) => {
    const out = new Uint8Array(piece.length + SEGMENT_OVERHEAD);
    await floe.sealInto(out, at, piece, random(12), at === 9);
    return out;
  });
  return { floe, segments: await Promise.all(sealed) };
}

/** One segment's plaintext, or null where it is refused; the buffer must then be as it was. */
async function opened(floe: Floe, at: number, segment: Bytes, isLast: boolean) {
  const out = new Uint8Array(Math.max(segment.length - SEGMENT_OVERHEAD, 0));
  try {
    await floe.openInto(out, at, segment, isLast);
    return out;
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    expect(out.some(Boolean)).toBe(false);
    return null;
  }
}

/** The same once more, word for word from section 4, for the message above. */
async function openedPlainly(segment: Bytes, at: number, isLast: boolean) {
  const info = concat(fromHex("00000000002800000020"), counting(0, 32));
  const expand = async (key: Bytes, purpose: Bytes, length: number) => {
    const block = concat(info, purpose, utf8("aad"), Uint8Array.of(1));
    return (await primitives.hmacSha384(key, block)).slice(0, length);
  };
  const messageKey = await expand(KEY, utf8("MESSAGE_KEY:"), 48);
  const purpose = concat(utf8("DEK:"), u64(at - (at % 4)));
  const aead = await primitives.aes256Gcm(await expand(messageKey, purpose, 32));
  const aad = concat(u64(at), Uint8Array.of(Number(isLast)));
  return aead.open(segment.subarray(4, 16), segment.subarray(16), aad);
}

describe("a segment", () => {
  it("opens at its place and nowhere else: it could be swapped, or taken for the end", async () => {
    const { floe, segments } = await message();

    for (const [i, segment] of segments.entries()) {
      for (let at = 0; at < 12; at += 1) {
        for (const isLast of [false, true]) {
          const found = await opened(floe, at, segment, isLast);
          expect(found !== null).toBe(at === i && isLast === (i === 9));
        }
      }
    }
  });

  it("has no bit that can flip, nor has a header", async () => {
    const { floe, segments } = await message();

    for (const at of [4, 9]) {
      const segment = segments[at]!;
      for (let bit = 0; bit < segment.length * 8; bit += 1) {
        expect(await opened(floe, at, flipped(segment, bit >> 3, bit & 7), at === 9)).toBeNull();
      }
    }
    for (let bit = 0; bit < 74 * 8; bit += 1) {
      const header = flipped(floe.header, bit >> 3, bit & 7);
      await expect(Floe.opened(KEY, header, utf8("aad"), SMALL)).rejects.toThrow(IntegrityError);
    }
  });

  it("is what a plain reading of section 4 gives: else no one else could open it", async () => {
    const { floe, segments } = await message();

    for (const at of segments.keys()) {
      const plain = await opened(floe, at, segments[at]!, at === 9);
      expect(await openedPlainly(segments[at]!, at, at === 9)).toEqual(plain);
    }
  });

  it("beyond 2^32 has a place of its own: indices are numbers of 64 bits", async () => {
    const floe = await Floe.create(KEY, counting(0, 32), utf8("aad"), SMALL);
    const far = 2 ** 32 + 5;
    const out = new Uint8Array(8 + SEGMENT_OVERHEAD);
    await floe.sealInto(out, far, utf8("distance"), random(12), false);

    expect(await opened(floe, far, out, false)).toEqual(utf8("distance"));
    expect(await openedPlainly(out, far, false)).toEqual(utf8("distance"));
    expect(await opened(floe, 5, out, false)).toBeNull();
  });
});
