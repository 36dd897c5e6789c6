/** What is sent: names, types, terms. */

import { describe, expect, it } from "vitest";

import { UsageError } from "../src/errors";
import { collect, delayUntil, entriesOf, entryOf, stampOf, withDistinctNames } from "../src/parcel";
import { caselessKey, distinct, numbered } from "../src/plan";

function entry(path: string, type = "") {
  return entryOf(path, new File(["x"], "ignored", { type }));
}

function namesOf(...paths: string[]): string[] {
  return collect(paths.map((path) => entry(path))).sources.map(({ name }) => name);
}

describe("names", () => {
  it("are sent as they are, from where they were dropped", () => {
    expect(namesOf("a.txt", "/dir/b.txt")).toEqual(["a.txt", "dir/b.txt"]);
    expect(collect([entry("/dir/b.txt"), entry("e\u0301")]).told).toEqual([]);
  });

  it("that not every reader takes are changed, and told", () => {
    const { sources, told } = collect([entry("dir/CON"), entry("a\u202eb.txt"), entry("c:d. ")]);
    const names = ["dir/_CON", "a_b.txt", "c_d__"];
    expect(sources.map(({ name }) => name)).toEqual(names);
    expect(told).toEqual([
      { path: "dir/CON", name: "dir/_CON" },
      { path: "a\u202eb.txt", name: "a_b.txt" },
      { path: "c:d. ", name: "c_d__" },
    ]);
  });

  it("that collide get a number before the extension, and are told", () => {
    expect(namesOf("a.txt", "a.txt", "a.txt", "a (2).txt")).toEqual([
      "a.txt",
      "a (2).txt",
      "a (3).txt",
      "a (2) (2).txt",
    ]);
    expect(collect([entry("a"), entry("a")]).told).toEqual([{ path: "a", name: "a (2)" }]);
  });

  it("that are a folder of another get a number, whichever came first", () => {
    expect(namesOf("a", "a/b")).toEqual(["a (2)", "a/b"]);
    expect(namesOf("a/b", "a")).toEqual(["a/b", "a (2)"]);
  });

  it("of files chosen in several steps are made distinct again", () => {
    const twice = [...collect([entry("a")]).sources, ...collect([entry("a")]).sources];
    expect(withDistinctNames(twice).map(({ name }) => name)).toEqual(["a", "a (2)"]);
  });

  it("may be 4,096 and no more", () => {
    const most = Array.from({ length: 4096 }, (_, at) => entry(String(at)));
    expect(collect(most).sources).toHaveLength(4096);
    expect(() => collect([...most, entry("one")])).toThrow(UsageError);
  });
});

it.each([
  ["a.bin", "text/plain", "text/plain"],
  ["a.bin", "text/plain;charset=utf-8", ""],
  ["a.PNG", "", "image/png"],
  ["a.png", "no type", "image/png"],
  ["png", "", ""],
  ["a.toString", "", ""],
  [".txt", "", ""],
])("the type of %s that the browser calls %j is %j", (path, said, type) => {
  expect(collect([entry(path, said)]).sources[0]?.type).toBe(type);
});

it("a type that no reader takes is left out", () => {
  const blob = new Blob();
  const source = { name: "a", size: 1, type: "text/plain; x", blob, stamp: stampOf(blob) };
  expect(entriesOf([source])).toEqual([{ name: "a", size: 1, type: "" }]);
});

it("a start is whole seconds from now, rounded up, and never past", () => {
  const now = new Date(1000);
  expect(delayUntil(null, now)).toBe(0);
  expect(delayUntil(new Date(500), now)).toBe(0);
  expect(delayUntil(new Date(2001), now)).toBe(2);
});

it.each([
  ["dir/a.txt", "dir/a (2).txt"],
  ["a", "a (2)"],
  [".bashrc", ".bashrc (2)"],
  ["a.tar.gz", "a.tar (2).gz"],
  ["a.b/c", "a.b/c (2)"],
])("%s with a number is %s", (name, expected) => {
  expect(numbered(name, 2)).toBe(expected);
});

it("a name with a number is no longer than a name may be, and cuts no character", () => {
  expect(numbered(`${"é".repeat(125)}.text`, 2)).toBe(`${"é".repeat(123)} (2).text`);
  expect(numbered(`a.${"b".repeat(253)}`, 2)).toBe(`a.${"b".repeat(249)} (2)`);
});

it("names that differ only by case or normal form collide where a system ignores those", () => {
  expect(caselessKey("STRASSE \u00c5")).toBe(caselessKey("stra\u00dfe a\u030a"));
  expect(distinct(["A/x", "a", "b"], caselessKey)).toEqual(["A/x", "a (2)", "b"]);
});
