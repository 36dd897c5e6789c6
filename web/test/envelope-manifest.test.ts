/** The manifest and its JSON (protocol section 5). */

import { describe, expect, it } from "vitest";

import { concat, u32, utf8 } from "../src/bytes";
import { primitives } from "../src/crypto";
import { dump, type Json, parse } from "../src/envelope/canonical";
import { type BlobEntry, decode, encode, type FileEntry } from "../src/envelope/manifest";
import { checkSendable, fitsInline, type Manifest } from "../src/envelope/manifest";
import { openManifest, sealManifest } from "../src/envelope/manifest";
import { bucket, paddedContent } from "../src/envelope/padding";
import { IntegrityError, UsageError } from "../src/errors";
import { Chance, counting, drawn, flipped } from "./chance";

const KEY = counting(0, 32);
const ID = counting(0, 12);
const NOTE = [..."ab \"\\/\b\t\n\f\r\0\u001f\u007f\u2028\u2029\u00e9\ufeff\uffff", "\ud83d\ude00"];
const TYPES = ["", "text/plain", "image/svg+xml", "application/vnd.ms-excel"];

/** A share of one small file. */
const SMALL: Manifest = {
  note: "hi",
  view: false,
  files: [{ name: "a", size: 3, type: "" }],
  blob: null,
  inline: utf8("abc"),
};
const EMPTY = { note: "", files: [], inline: new Uint8Array() };

/** Any manifest that a writer may write. */
function anyManifest(chance: Chance): Manifest {
  const files = Array.from({ length: chance.below(6) }, (_, at) => ({
    name: `${at}-${chance.text([..."ab/ .\u00e9"], 8)}x`.replaceAll(/[/ .]+/g, "/"),
    size: chance.below(20),
    type: chance.pick(TYPES),
  }));
  const total = files.reduce((sum, entry) => sum + entry.size, 0);
  const common = { note: chance.text(NOTE, 60), view: chance.below(2) === 0, files };
  if (chance.below(2)) return { ...common, blob: null, inline: chance.bytes(total) };
  return { ...common, blob: blobOf(paddedContent(total), chance), inline: new Uint8Array() };
}

function blobOf(length: number, chance = new Chance(7)): BlobEntry {
  return { key: chance.bytes(32), header: chance.bytes(74), length, root: chance.bytes(32) };
}

/** A padded plaintext around any JSON. */
function plaintextOf(json: Uint8Array): Uint8Array {
  const plaintext = new Uint8Array(bucket(4 + json.length));
  plaintext.set(concat(u32(json.length), json));
  return plaintext;
}

function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof IntegrityError) return true;
    throw error;
  }
}

describe("a manifest", () => {
  it("reads back: else a share, by chance of its note, would open for nobody", async () => {
    for (const written of drawn(300, anyManifest)) {
      const sealed = await sealManifest(written, KEY, ID, primitives.random);

      expect(await openManifest(sealed, KEY, ID)).toEqual(written);
      expect([4_096, 16_384, 65_536, 262_144]).toContain(sealed.length - 106);
    }
  });

  it("has no bit that can flip once it is sealed", async () => {
    const sealed = await sealManifest(SMALL, KEY, ID, primitives.random);
    const opened = Array.from({ length: sealed.length }, (_, at) =>
      openManifest(flipped(sealed, at, at % 8), KEY, ID).catch((error: unknown) => error),
    );

    for (const result of await Promise.all(opened)) expect(result).toBeInstanceOf(IntegrityError);
  });

  it("says something else with any bit flipped: there is one text for one share", () => {
    const plaintext = encode(SMALL);

    for (let bit = 0; bit < 200 * 8; bit += 1) {
      const other = flipped(plaintext, bit >> 3, bit & 7);
      if (!isRefused(() => decode(other))) expect(decode(other)).not.toEqual(SMALL);
    }
  });

  it("is any bytes, or refused in words: one made to surprise must not break the page", () => {
    const pieces = [..."{}[]\",:\\0123-.eE ", "null", "true", '"v"', '{"v":1,', "\u0000", "\u00e9"];
    const texts = drawn(5_000, (chance) => utf8(chance.text(pieces, 30)));
    const bytes = drawn(1_000, (chance) => chance.bytes(chance.below(100)));

    for (const json of [...texts, ...bytes]) {
      expect(isRefused(() => decode(plaintextOf(json)))).toBe(true);
    }
  });

  it("may hold what later versions add: else a new field would lock out older readers", () => {
    const later = ["null", "true", "[]", '{"constructor":{"x_1":[0]}}', '"\\u0001\\""', "0"];
    for (const value of later) {
      const text = `{"v":1,"note":"","view":false,"files":[],"blob":null,"x":${value}}`;

      expect(decode(plaintextOf(utf8(text)))).toEqual({ ...SMALL, ...EMPTY });
    }
  });
});

describe("its JSON", () => {
  it.each([
    '{"__proto__":1}',
    '{"a":{"__proto__":{}}}',
    '{"1":1}',
    '{"b":1,"1":1}',
    '{"A":1}',
    '{"":1}',
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"a":-0}',
    '{"a":-1}',
    '{"a":1.0}',
    '{"a":1e0}',
    '{"a":1E2}',
    '{"a":01}',
    '{"a":9007199254740992}',
    '{"a":9007199254740993}',
    '{"a":1e999}',
    '{"a":0.5}',
    '{"a":NaN}',
    '{"a":"\\ud800"}',
    '{"a":"\\ud83d\\ude00"}',
    '{"a":"\\/"}',
    '{"a":"\\u000A"}',
    '{"a":"\\u00e9"}',
    '{"a":"\n"}',
    '{"a": 1}',
    ' {"a":1}',
    '{"a":1} ',
    '{"a":1}{}',
    '{"a":1,}',
    "\ufeff{}",
    "",
    '"',
    '"\\',
    '{"a":[[[[[[[[]]]]]]]]}',
  ])("is refused in another form: %j", (text) => {
    expect(() => parse(utf8(text))).toThrow(IntegrityError);
  });

  it("is refused where it is no UTF-8", () => {
    for (const bad of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xe2, 0x82]]) {
      expect(() => parse(Uint8Array.of(0x22, ...bad, 0x22))).toThrow(IntegrityError);
    }
  });

  it("nests eight deep, and brackets in strings don't count", () => {
    const deepest: Json = [[[[[[[["[{\\\"[{"]]]]]]]];

    expect(parse(dump(deepest))).toEqual(deepest);
    expect(() => parse(dump([deepest]))).toThrow(IntegrityError);
  });

  it("reads back, and keeps its keys in the order in which they came", () => {
    const text = '{"b":1,"a":[true,null,9007199254740991],"constructor":"\\u0001\u007f\u2028/"}';

    expect(dump(parse(utf8(text)))).toEqual(utf8(text));
  });

  it.each([
    ["brackets", "[".repeat(260_000)],
    ["escapes", `"${'\\"'.repeat(130_000)}`],
    ["objects", '{"a":'.repeat(50_000)],
    ["siblings", "[]".repeat(130_000)],
    ["a list", `[${"[],".repeat(80_000)}[]] `],
    ["a string left open", `"${"x".repeat(260_000)}`],
  ])("made to be slow is refused quickly: %s", (_, text) => {
    const start = performance.now();

    expect(() => parse(utf8(text))).toThrow(IntegrityError);

    expect(performance.now() - start).toBeLessThan(1_000); // below 50 ms here
  });
});

describe("a writer", () => {
  const file = (name: string, size: number, type = ""): FileEntry => ({ name, size, type });
  const many = (count: number, make: (at: number) => FileEntry) =>
    Array.from({ length: count }, (_, at) => make(at));
  const long = (at: number, length: number) => `${at}`.padStart(length, "x");
  const written: [string, Partial<Manifest>, string][] = [
    ["a note too long", { note: "x".repeat(65_537) }, "too_long_note"],
    ["a note that is no text", { note: "\ud800" }, "other"],
    ["a name that leads away", { files: [file("../a", 0)] }, "other"],
    ["a name that is no text", { files: [file("\udc00", 0)] }, "other"],
    ["a type that is none", { files: [file("a", 0, "text")] }, "other"],
    ["a negative size", { files: [file("a", -1)] }, "other"],
    ["a broken size", { files: [file("a", 0.5)], inline: new Uint8Array(1) }, "other"],
    ["no size", { files: [file("a", NaN)], blob: blobOf(16_384) }, "other"],
    ["too large a size", { files: [file("a", 2 ** 60)], blob: blobOf(2 ** 60) }, "other"],
    ["too few bytes", { files: [file("a", 2)], inline: utf8("a") }, "other"],
    ["too many bytes", { files: [file("a", 1)], inline: utf8("aa") }, "other"],
    ["bytes beside a blob", { blob: blobOf(16_384), inline: new Uint8Array(1) }, "other"],
    ["a name twice", { files: [file("a", 1), file("a", 1)], inline: utf8("ab") }, "other"],
    ["another padding", { blob: blobOf(1) }, "other"],
    ["a short key", { blob: { ...blobOf(16_384), key: new Uint8Array(31) } }, "other"],
    ["too many files", { files: many(4_097, (i) => file(`${i}`, 0)) }, "too_many_files"],
    ["names too long", { files: many(1_100, (i) => file(long(i, 240), 0)) }, "too_long_names"],
  ];

  it.each(written)("writes nothing that a reader refuses: %s", (_, fields, reason) => {
    const manifest = { ...SMALL, ...EMPTY, ...fields };

    expect(() => encode(manifest)).toThrow(UsageError);
    expect(() => encode(manifest)).toThrow(expect.objectContaining({ reason }));
  });

  it("puts small shares inline and larger ones not", () => {
    const fits = file("a", 65_536);
    const named = many(800, (i) => file(long(i, 250), 0));

    expect(fitsInline("", [fits], false)).toBe(true);
    expect(fitsInline("", [fits, file("b", 1)], false)).toBe(false);
    expect(fitsInline("", named, false)).toBe(true);
    expect(fitsInline("", [...named, fits], false)).toBe(false);
  });

  it("finds room inline up to the last byte: else an upload would fail after all", () => {
    const files = [...many(700, (i) => file(long(i, 244), 0)), file("a", 65_536)];
    const inline = new Uint8Array(65_536).fill(1);
    const isTooLong = (bytes: number) => !fitsInline("x".repeat(bytes), files, false);
    const longest = lowest(65_536, isTooLong) - 1;

    const encoded = (bytes: number) => encode({ ...SMALL, note: "x".repeat(bytes), files, inline });
    expect(encoded(longest).at(-1)).toBe(1);
    expect(() => encoded(longest + 1)).toThrow(UsageError);
  });

  it("tells what no manifest can hold before hours of upload", () => {
    const large = many(4_097, (i) => file(`${i}`, 2 ** 30));
    const named = many(1_100, (i) => file(long(i, 240), 2 ** 30));

    checkSendable("", large.slice(1), false);
    expect(() => checkSendable("", large, false)).toThrow(UsageError);
    expect(() => checkSendable("", named, false)).toThrow(UsageError);
  });
});

/** The lowest number below the limit for which it is true, by halves. */
function lowest(limit: number, isTrue: (number: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
