/** A text in blocks is the same text; else someone would read, or copy, what nobody wrote. */

import { describe, expect, it } from "vitest";

import { isWellFormed } from "../src/bytes";
import { blocksOf, wholeCharacters } from "../viewer/text-blocks";

function joined(text: string): string {
  return blocksOf(text)
    .map((runs) => runs.join(""))
    .join("\n");
}

describe("blocks of a text", () => {
  it.each([
    [""],
    ["\n"],
    ["one line"],
    ["a\n\nb\n"],
    ["line\n".repeat(1000)],
    ["x".repeat(100_000)],
    [`short\n${"x".repeat(8001)}\nshort`],
    [`${"y".repeat(8001)}\n`],
    ["\u{1f600}".repeat(10_000)],
    ["\n".repeat(10_000)],
  ])("are the text again: %#", (text) => {
    expect(joined(text)).toBe(text);
  });

  it("are short, whatever the text", () => {
    const long = ["x".repeat(100_000), "line\n".repeat(10_000), `${"z".repeat(7999)}\n`.repeat(9)];
    for (const text of long) {
      for (const runs of blocksOf(text)) {
        expect(Math.max(...runs.map((run) => run.length))).toBeLessThanOrEqual(16_000);
        expect(runs.join("").split("\n").length).toBeLessThanOrEqual(100);
      }
    }
  });

  it("part no pair of surrogates", () => {
    const text = `x${"\u{1f600}".repeat(10_000)}`;

    for (const run of blocksOf(text).flat()) expect(isWellFormed(run)).toBe(true);
    expect(wholeCharacters("\u{1f600}", 1)).toBe(0);
    expect(wholeCharacters("ab", 1)).toBe(1);
    expect(wholeCharacters("ab", 9)).toBe(9);
  });
});
