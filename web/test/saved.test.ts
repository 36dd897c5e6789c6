/** What "Done" waits for, and what it must not wipe. */

import { describe, expect, it } from "vitest";

import { isAllGiven, nextOf } from "../src/views/open/saved";

describe("a Done that waits", () => {
  it.each([
    ["while the browser saves", 3, { now: 0, before: 0 }, "wait"],
    ["while it is packed", Infinity, { now: 0, before: 0 }, "wait"],
    ["wipes once that should be done", 0, { now: 0, before: 0 }, "wipe"],
    ["wipes nothing where packing failed meanwhile", 0, { now: 1, before: 0 }, "stay"],
    ["waits for other files where packing had failed before", 3, { now: 1, before: 1 }, "wait"],
  ])("%s", (_, leftS, failures, next) => {
    expect(nextOf(leftS, failures)).toBe(next);
  });
});

it("what stays in memory is saved once every file was given to the browser", () => {
  const files = [{ name: "a" }, { name: "b" }];
  expect(isAllGiven(files, new Set(files.slice(0, 1)))).toBe(false);
  expect(isAllGiven(files, new Set(files))).toBe(true);
});
