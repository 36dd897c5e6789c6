/** The vectors of tests/vectors, which page and command line must both pass. */

import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { choose } from "../src/crypto";
import { javaScript } from "../src/crypto/javascript";
import { webCrypto } from "../src/crypto/webcrypto";
import { runVectors, type VectorResult } from "./vectors/run";

const FOLDER = new URL("../../tests/vectors/", import.meta.url);
const UNSEEN = new Set(["pins.json"]); // no browser shows a page the certificate of its server
const ARGON2_MS = 60_000; // four derivations of a second or so, on a machine that is busy

const files: Record<string, Record<string, unknown[]>> = Object.fromEntries(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json") && !UNSEEN.has(file))
    .map((file) => [
      file.replace(".json", ""),
      JSON.parse(readFileSync(new URL(file, FOLDER), "ascii")),
    ]),
);

const counts = Object.entries(files).flatMap(([file, operations]) =>
  Object.entries(operations).map(([name, cases]) => [`${file}.${name}`, cases.length] as const),
);

describe.each([
  ["WebCrypto", webCrypto],
  ["JavaScript", javaScript],
])("the vectors, on %s", (_name, builtin) => {
  let result: VectorResult;

  beforeAll(async () => {
    choose(builtin);
    result = await runVectors(files);
  }, ARGON2_MS);

  afterAll(() => choose(webCrypto));

  it("find what they say: else page and command line could not open each other's links", () => {
    expect(result.failures).toEqual([]);
  });

  it("all ran: a case that is skipped proves nothing", () => {
    expect(result.perOperation).toEqual(Object.fromEntries(counts));
    expect(result.ran).toBe(counts.reduce((sum, [, count]) => sum + count, 0));
  });
});

describe("the runner", () => {
  it("says what it misses and does not know: else new vectors would pass unread", async () => {
    const { failures } = await runVectors({ padding: { padme: [], other: [{}] }, more: {} });

    expect(failures).toContain("link: missing");
    expect(failures).toContain("more: nothing reads it");
    expect(failures).toContain("padding.padme: no cases");
    expect(failures).toContain("padding.bucket: no cases");
    expect(failures).toContain("padding.other: nothing runs it");
  });

  it("says which case is wrong, and goes on", async () => {
    const wrong = { name: "wrong", length: 9, padded: 9 };
    const { failures, perOperation } = await runVectors({
      padding: { padme: [wrong, { length: 9, padded: 10 }], bucket: files["padding"]!["bucket"] },
    });

    expect(failures).toContain("padding.padme 0 (wrong): Error: padded: found 10, expected 9");
    expect(perOperation["padding.padme"]).toBe(2);
  });
});
