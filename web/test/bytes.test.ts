/** Bytes and their one text: what everything else takes for granted. */

import { describe, expect, it } from "vitest";

import { b64decode, b64encode } from "../src/b64";
import { concat, equal, isWellFormed, isZero, joined, readU32, u32, u64 } from "../src/bytes";
import { Chance, drawn, flipped } from "./chance";

describe("base64url", () => {
  it("reads back: else some bytes would not survive being written down", () => {
    for (const data of drawn(500, (chance) => chance.bytes(chance.below(100)))) {
      expect(b64decode(b64encode(data), data.length)).toEqual(data);
    }
  });

  it("has one text for one run of bytes: else one link would have two names", () => {
    const alphabet = [..."ABab09-_+/= \n\u0430"];
    for (const text of drawn(5_000, (chance) => chance.text(alphabet, 12))) {
      const data = b64decode(text);
      if (data) expect(b64encode(data)).toBe(text);
    }
  });

  it("refuses another length: a short key would be taken for a whole one", () => {
    expect(b64decode(b64encode(new Uint8Array(31)), 32)).toBeNull();
  });
});

describe("bytes", () => {
  it("are equal where no bit differs, and in length", () => {
    const bytes = new Chance(2).bytes(40);

    expect(equal(bytes, new Uint8Array(bytes))).toBe(true);
    expect(equal(bytes, bytes.subarray(1))).toBe(false);
    for (let bit = 0; bit < 320; bit += 1) {
      expect(equal(bytes, flipped(bytes, bit >> 3, bit & 7))).toBe(false);
    }
  });

  it("are joined in order, however many runs there are", () => {
    const many = Array.from({ length: 300_000 }, (_, at) => Uint8Array.of(at & 0xff));

    expect(concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))).toEqual(
      Uint8Array.of(1, 2, 3),
    );
    expect(joined(many).every((byte, at) => byte === (at & 0xff))).toBe(true);
  });

  it("are zero only where every one is: else padding could carry something", () => {
    for (let at = 0; at < 20; at += 1) {
      expect(isZero(flipped(new Uint8Array(20), at, at % 8))).toBe(false);
    }
    expect(isZero(new Uint8Array(20))).toBe(true);
    expect(isZero(new Uint8Array())).toBe(true);
  });

  it("hold numbers big-endian, beyond 32 bits too", () => {
    expect(u32(0x01020304)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(u64(2 ** 53 - 1)).toEqual(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255));
    expect(readU32(concat(new Uint8Array(3), u32(0xffffffff)).subarray(3))).toBe(0xffffffff);
  });
});

describe("a text", () => {
  it.each(["", "a", "\u00e9", "\ud83d\ude00", "\uffff"])("is well-formed: %j", (text) => {
    expect(isWellFormed(text)).toBe(true);
  });

  it.each(["\ud800", "\udfff", "a\ude00\ud83db", "\ud83d\ud83d\ude00"])("is not: %j", (text) => {
    expect(isWellFormed(text)).toBe(false);
  });
});
