/** Names: what the vectors can't enumerate (protocol section 5). */

import { describe, expect, it } from "vitest";

import { utf8 } from "../src/bytes";
import { IntegrityError } from "../src/errors";
import { checkName, checkNames, printable, safeName } from "../src/names";
import { type Chance, drawn } from "./chance";

const FORBIDDEN = new Set([
  ...range(0, 0x1f),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x202a, 0x202e),
  ...range(0x2066, 0x2069),
  0x5c,
  0x3a,
  ...range(0xd800, 0xdfff),
]);

const UNLUCKY = [..."/.: \\aB\u00e9\u202e\0\u0301e$1\ufeff", "\ud800", "\ud83d\ude00", "xxxxxxxx"];
const DEVICES = ["CON", "nul", "COM1", "lpt\u00b3", "CONIN$", ".", "..", "con.tar.gz", "NUL.txt"];

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function isRefused(check: () => void): boolean {
  try {
    check();
    return false;
  } catch (error) {
    if (error instanceof IntegrityError) return true;
    throw error;
  }
}

/** A name that is more often unlucky than chance would make it. */
function name(chance: Chance): string {
  const components = Array.from({ length: 1 + chance.below(chance.pick([1, 6])) }, () => {
    if (chance.below(4) === 0) return chance.pick(DEVICES);
    return chance.text(UNLUCKY, chance.pick([2, 4, 20, 150]));
  });
  return components.join("/");
}

const names = [
  ...drawn(3_000, name),
  Array.from({ length: 5 }, () => "x".repeat(255)).join("/"),
  `${"x".repeat(250)}.CON/${"y".repeat(254)} .txt`,
  `${"\ud83d\ude00".repeat(70)}.tar`,
  `\ufeff${"z".repeat(300)}`,
];

describe("a safe name", () => {
  it("is one that every reader takes: else an hour of upload would open for nobody", () => {
    for (const unsafe of names) {
      const safe = safeName(unsafe);
      expect([unsafe, isRefused(() => checkName(safe))]).toEqual([unsafe, false]);
      expect(safeName(safe)).toBe(safe);
      expect(safe.normalize("NFC")).toBe(safe);
    }
  });

  it("is the name itself where that is fine: else files would be renamed for no reason", () => {
    const fine = names.map((n) => n.normalize("NFC")).filter((n) => !isRefused(() => checkName(n)));

    expect(fine.length).toBeGreaterThan(50);
    for (const each of fine) expect(safeName(each)).toBe(each);
  });

  it("keeps the extension of a long one, and no half of a character", () => {
    const safe = safeName(`${"\ud83d\ude00".repeat(70)}.tar`);

    expect(safe).toBe(`${"\ud83d\ude00".repeat(62)}.tar`);
    expect(utf8(safe).length).toBeLessThanOrEqual(255);
  });
});

describe("a reader", () => {
  it("refuses exactly the listed code points: else versions of Unicode would disagree", () => {
    const refused = range(0, 0x10ffff).filter((code) =>
      isRefused(() => checkName(`a${String.fromCodePoint(code)}b`)),
    );

    expect(new Set(refused)).toEqual(FORBIDDEN);
  });

  it("takes letters for a device's only in ASCII: else readers would disagree", () => {
    const lookAlikes = ["CON\u0131N$", "\u0421ON", "con\u017fole", "LPT\u2070", "\u212aCON"];

    for (const each of lookAlikes) expect(isRefused(() => checkName(each))).toBe(false);
    for (const each of DEVICES) expect(isRefused(() => checkName(each))).toBe(true);
  });

  it("checks as many deep names as a manifest may hold: what is quadratic never ends here", () => {
    const folders = Array.from({ length: 100 }, () => "a").join("/");
    const many = Array.from({ length: 4_096 }, (_, at) => `${folders}/${at}`);

    expect(() => checkNames(many)).not.toThrow();
  });
});

describe("what is shown", () => {
  it("is one visible line: a name could show itself as another", () => {
    for (const shown of names.map((each) => printable(each))) {
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }
  });

  it("says in place what it hides, and each code point once", () => {
    expect(printable("a\u202e\ud83d\ude00\ud83d\u{e0041}")).toBe(
      "a\\u202e\ud83d\ude00\\ud83d\\U000e0041",
    );
  });
});
