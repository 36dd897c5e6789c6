/** The content: its lengths, its parts, its padding (protocol section 6). */

import { describe, expect, it } from "vitest";

import { type Bytes, concat, equal, utf8 } from "../src/bytes";
import { primitives } from "../src/crypto";
import { ContentOpener, ContentSealer, Geometry, Layout } from "../src/envelope/content";
import { checkDigests, checkPadding, checkPart, digest } from "../src/envelope/content";
import { PART_BYTES, PART_PLAIN, root } from "../src/envelope/content";
import { FloeParams } from "../src/envelope/floe";
import { paddedContent, padme } from "../src/envelope/padding";
import { IntegrityError } from "../src/errors";
import { Chance, drawn, flipped } from "./chance";

const TINY = new Layout(new FloeParams(2_080, 1), 3);
const KEY = new Uint8Array(32);
const { random } = primitives;

/** A content of a kind that small tests can hold, and who seals and opens it. */
async function content(filesBytes: number, layout = TINY) {
  const geometry = Geometry.ofFiles(filesBytes, layout);
  const sealer = await ContentSealer.draw(random, layout);
  const opener = await ContentOpener.opened(sealer.key, sealer.header, geometry);
  const plain = new Uint8Array(geometry.length);
  plain.set(new Chance(filesBytes).bytes(filesBytes));
  return { geometry, sealer, opener, plain };
}

describe("a part", () => {
  it("sealed again has other nonces: one used twice gives away two plaintexts", async () => {
    const { sealer } = await content(1);
    const once = await sealer.sealPart(0, utf8("x"), true);
    const again = await sealer.sealPart(0, utf8("x"), true);

    expect(equal(once.subarray(4, 16), again.subarray(4, 16))).toBe(false);
  });

  it("draws a nonce for each segment, in the order of the segments", async () => {
    let drawnSoFar = 0;
    const nonces = (length: number) => new Uint8Array(length).fill((drawnSoFar += 1));
    const layout = new Layout(new FloeParams(40), 9);
    const sealer = await ContentSealer.create(KEY, KEY, nonces, layout);

    const part = await sealer.sealPart(0, new Uint8Array(9 * 8), true);

    const found = Array.from({ length: 9 }, (_, at) => part[at * 40 + 4]);
    expect(found).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("of the protocol's own size comes back, and so does one byte more", async () => {
    const { geometry, sealer, opener, plain } = await content(PART_PLAIN + 1, new Layout());
    const parts = await Promise.all(
      Array.from({ length: geometry.parts }, (_, at) =>
        sealer.sealPart(at, plain.subarray(...geometry.partPlain(at)), geometry.isLast(at)),
      ),
    );

    const lengths = parts.map((part) => part.length);
    expect(lengths).toEqual([PART_BYTES, geometry.ciphertext - PART_BYTES]);
    const pieces = await Promise.all(parts.map((part, at) => opener.openPart(at, part)));
    expect(equal(concat(...pieces), plain)).toBe(true);
  }, 20_000);

  it("may be sealed and opened beside others: four at a time would mix them up", async () => {
    const { geometry, sealer, opener, plain } = await content(100_000);
    const backwards = Array.from({ length: geometry.parts }, (_, at) => geometry.parts - 1 - at);
    const pieces = await Promise.all(
      backwards.map(async (at) => {
        const piece = plain.subarray(...geometry.partPlain(at));
        return opener.openPart(at, await sealer.sealPart(at, piece, geometry.isLast(at)));
      }),
    );

    expect(equal(concat(...pieces.reverse()), plain)).toBe(true);
  });

  it("opens whichever of several workers sealed it", async () => {
    const { geometry, sealer, opener, plain } = await content(17_000);
    const iv = sealer.header.subarray(10, 42);
    const other = await ContentSealer.create(sealer.key, iv, random, TINY);
    const piece = plain.subarray(...geometry.partPlain(1));

    expect(other.header).toEqual(sealer.header);
    expect(await opener.openPart(1, await other.sealPart(1, piece, false))).toEqual(piece);
  });

  it.each([0, 2_079, 2_080, 6_239])("altered at %d lets nothing out", async (at) => {
    const { geometry, sealer, opener, plain } = await content(17_000);
    const part = await sealer.sealPart(0, plain.subarray(...geometry.partPlain(0)), false);

    await expect(opener.openPart(0, flipped(part, at, 0))).rejects.toThrow(IntegrityError);
  });

  it.each([0, 1, 31, 6_208, 6_239, 6_241, 6_272])("of %d bytes is refused", async (length) => {
    const { geometry, sealer, opener, plain } = await content(17_000);
    const part = await sealer.sealPart(0, plain.subarray(...geometry.partPlain(0)), false);
    const other = concat(part, new Uint8Array(64)).subarray(0, length);

    await expect(opener.openPart(0, other)).rejects.toThrow(IntegrityError);
  });

  it("of a wrong length of our own is loud: it would be a content that nobody opens", async () => {
    const { geometry, sealer, opener } = await content(1);
    const wrong: [Bytes, boolean][] = [
      [new Uint8Array(), true],
      [new Uint8Array(TINY.partPlain + 1), true],
      [new Uint8Array(1), false],
    ];

    for (const [plaintext, isLast] of wrong) {
      await expect(sealer.sealPart(0, plaintext, isLast)).rejects.toThrow(RangeError);
    }
    for (const part of [-1, geometry.parts]) {
      await expect(opener.openPart(part, new Uint8Array(1))).rejects.toThrow(RangeError);
    }
  });
});

describe("the geometry", () => {
  const sizes = drawn(3_000, (chance) => chance.below(2 ** chance.below(51)));

  it("follows from any of its lengths: else reader and writer would look in two places", () => {
    for (const filesBytes of sizes) {
      const geometry = Geometry.ofFiles(filesBytes);
      const last = geometry.parts - 1;

      expect(Geometry.ofCiphertext(geometry.ciphertext)).toEqual(geometry);
      expect(geometry.length).toBe(paddedContent(filesBytes));
      expect(last * PART_BYTES + geometry.partBytes(last)).toBe(geometry.ciphertext);
      expect(geometry.partPlain(last)[1]).toBe(geometry.length);
      expect(geometry.isLast(last)).toBe(true);
    }
  });

  it("misses no segment where doubles are about to round", () => {
    for (const segments of [2 ** 32 - 1, 2 ** 33, 2 ** 33 + 1]) {
      expect(Geometry.ofLength(segments * 1_048_544).segments).toBe(segments);
      expect(Geometry.ofLength(segments * 1_048_544 + 1).segments).toBe(segments + 1);
    }
  });

  it("refuses a length that none can have: a server could send the reader astray", () => {
    for (const ciphertext of [-1, 0, 1, 32, 16_415, 16_417, 2 ** 20 + 1, 2 ** 53 - 1]) {
      expect(() => Geometry.ofCiphertext(ciphertext)).toThrow(IntegrityError);
    }
  });

  it("pads so that much is hidden and little is paid", () => {
    for (const length of [...sizes, 2 ** 49 - 1, 2 ** 49, 2 ** 53 - 1]) {
      const padded = padme(length);

      expect(padded).toBeGreaterThanOrEqual(length);
      expect(padded).toBeLessThanOrEqual(length + Math.max(1, Math.floor(length * 0.12)));
      expect(padme(padded)).toBe(padded);
    }
  });

  it("finds any range in its parts: else a file would come out as its neighbour", async () => {
    for (const chance of drawn(40, (each) => each)) {
      const { geometry, sealer, opener, plain } = await content(chance.below(40_000));
      const start = chance.below(geometry.length);
      const stop = start + 1 + chance.below(geometry.length - start);
      const first = Math.floor(start / TINY.partPlain);
      const pieces: Bytes[] = [];
      for (let at = first; at * TINY.partPlain < stop; at += 1) {
        const piece = plain.subarray(...geometry.partPlain(at));
        const part = await sealer.sealPart(at, piece, geometry.isLast(at));
        expect(part.length).toBe(geometry.partBytes(at));
        pieces.push(await opener.openPart(at, part));
      }
      const skipped = first * TINY.partPlain;

      const found = concat(...pieces).subarray(start - skipped, stop - skipped);
      expect(equal(found, plain.subarray(start, stop))).toBe(true);
    }
  });
});

describe("a list of digests", () => {
  const geometry = Geometry.ofFiles(17_000, TINY);
  const [one, two, three] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as Triple;
  type Triple = [Bytes, Bytes, Bytes];

  it("is the sender's or refused, wherever one ends and the next begins", async () => {
    const expected = await root(geometry.ciphertext, [one, two, three]);
    const moved = [concat(one, two.subarray(0, 1)), two.subarray(1), three];

    await checkDigests(geometry, [one, two, three], expected);
    for (const other of [moved, [concat(one, two), three], [], [one, three, two]]) {
      await expect(checkDigests(geometry, other, expected)).rejects.toThrow(IntegrityError);
    }
  });

  it.each([0, 2, 4])("of %d is refused under its own root", async (count) => {
    const digests = Array.from({ length: count }, () => one);
    const own = await root(geometry.ciphertext, digests);

    await expect(checkDigests(geometry, digests, own)).rejects.toThrow(IntegrityError);
  });

  it("may be as long as an answer can carry", async () => {
    const digests = Array.from({ length: 190_000 }, () => one);

    expect((await root(1, digests)).length).toBe(32);
  });
});

describe("what surrounds the files", () => {
  it("is the sender's part, or refused", async () => {
    await checkPart(utf8("part"), await digest(utf8("part")));
    for (const other of ["", "part ", "Part"]) {
      const check = checkPart(utf8(other), await digest(utf8("part")));
      await expect(check).rejects.toThrow(IntegrityError);
    }
  });

  it.each([
    [0, 5, 5],
    [0, 5, 9],
    [100, 5, 0],
    [3, 5, 2],
  ])("is zero from %d on, with %d bytes of files: byte %d is refused", (start, filesBytes, at) => {
    const piece = flipped(new Uint8Array(10), at, 0);

    expect(() => checkPadding(piece, start, filesBytes)).toThrow(IntegrityError);
  });

  it.each([
    [0, 10],
    [0, 99],
    [90, 100],
    [0, 9],
  ])("is not the files' own bytes: from %d on, with %d of them", (start, filesBytes) => {
    checkPadding(concat(new Uint8Array(9).fill(1), new Uint8Array(1)), start, filesBytes);
  });
});
