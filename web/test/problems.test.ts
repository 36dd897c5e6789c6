/** What a server refuses, and what becomes of it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import type { OtvError } from "../src/errors";
import { Locked, NotYet, Over, Refused, Unknown, Unreachable, WrongPassword } from "../src/errors";
import { PROBLEMS, errorOf } from "../src/problems";

const PROTOCOL = join(import.meta.dirname, "../../docs/protocol.md");
const SINCE = "2026-11-22T14:03:00Z";

it("every code of section 7 has its error, and there are no others", () => {
  const [, table = ""] = readFileSync(PROTOCOL, "utf8").split("### Errors");
  const codes = [...table.matchAll(/^\| \d{3} \| `([a-z_]+)` \|/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(15);
  expect(Object.keys(PROBLEMS).toSorted()).toEqual([...new Set(codes)].toSorted());
});

it.each<[object, OtvError]>([
  [{ code: "unknown" }, new Unknown("the server knows no such link or share")],
  [{ code: "over", state: "taken", since: SINCE }, new Over("taken", new Date(SINCE))],
  [{ code: "over" }, new Over("over", null)],
  [{ code: "over", state: "eaten", since: "yesterday" }, new Over("over", null)],
  [{ code: "wrong_password", guesses_left: 3 }, new WrongPassword(3)],
  [{ code: "wrong_password", guesses_left: "three" }, new WrongPassword(null)],
  [{ code: "locked" }, new Locked("too many wrong passwords")],
  [{ code: "not_yet", opens_at: SINCE }, new NotYet(new Date(SINCE))],
  [{ code: "too_large" }, new Refused("too_large")],
])("%j", (problem, error) => {
  expect(errorOf(400, { ...problem })).toEqual(error);
});

it.each([
  [413, new Refused("too_large")],
  [429, new Refused("slow_down")],
  [507, new Refused("no_room")],
])("status %i of a proxy without a code", (status, error) => {
  expect(errorOf(status, null)).toEqual(error);
  expect(errorOf(status, { code: "toString" })).toEqual(error);
});

it.each([[301, null], [404, null], [418, { code: 1 }], [502, null], [503, null]])(
  "status %i with %j is no answer of a server of this kind",
  (status, problem) => {
    expect(errorOf(status, problem)).toBeInstanceOf(Unreachable);
  },
);
