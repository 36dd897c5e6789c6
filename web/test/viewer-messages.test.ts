/** Whoever takes over the viewer by a file can send the page anything: this is all that passes. */

import { describe, expect, it } from "vitest";

import { preview } from "../src/text/viewer";
import { filled, reportOf, showOf } from "../src/viewer-messages";

const SHOW = {
  type: "show",
  kind: "text",
  mime: "text/plain",
  name: "a.txt",
  file: new Blob(["x"]),
  words: preview.viewer,
};

describe("reports", () => {
  it.each([
    { type: "ready" },
    { type: "leave" },
    { type: "height", height: 0 },
    { type: "height", height: 100_000 },
    { type: "pages", count: 12 },
    { type: "failed", code: "broken" },
  ])("%j passes", (report) => {
    expect(reportOf(report)).toEqual(report);
  });

  it.each([
    [null],
    [undefined],
    ["ready"],
    [[]],
    [{}],
    [{ type: "close" }],
    [{ type: "height" }],
    [{ type: "height", height: -1 }],
    [{ type: "height", height: 1.5 }],
    [{ type: "height", height: Infinity }],
    [{ type: "height", height: Number.NaN }],
    [{ type: "height", height: "12" }],
    [{ type: "height", height: 100_001 }],
    [{ type: "pages", count: 1e9 }],
    [{ type: "failed", code: "<b>anything</b>" }],
    [{ type: "failed", code: "silent" }],
    [{ type: "failed", code: { toString: (): string => "broken" } }],
  ])("%j is dropped", (data) => {
    expect(reportOf(data)).toBeNull();
  });

  it("nothing is passed on but what was checked", () => {
    const report = reportOf({ type: "height", height: 1, html: "<b>" });

    expect(report).toEqual({ type: "height", height: 1 });
  });
});

describe("what to show", () => {
  it("passes as it is", () => {
    expect(showOf(SHOW)).toEqual(SHOW);
  });

  it.each([
    [null],
    [{ ...SHOW, type: "ready" }],
    [{ ...SHOW, kind: "html" }],
    [{ ...SHOW, mime: 1 }],
    [{ ...SHOW, name: undefined }],
    [{ ...SHOW, file: "https://elsewhere/" }],
    [{ ...SHOW, words: null }],
    [{ ...SHOW, words: { ...preview.viewer, source: 1 } }],
  ])("%# is dropped", (data) => {
    expect(showOf(data)).toBeNull();
  });
});

it("a template is filled in by name, and a hole without a value stays", () => {
  expect(filled("Page {page} of {count} {x}", { page: 2, count: 3 })).toBe("Page 2 of 3 {x}");
});
