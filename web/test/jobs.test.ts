/** Errors on their way between a worker and the page. */

import { expect, it } from "vitest";

import * as errors from "../src/errors";
import { errorFields, errorFrom } from "../src/jobs";

const AT = new Date("2026-11-22T14:03:00Z");

const EVERY: errors.OtvError[] = [
  new errors.UsageError("why", "too_long_note"),
  new errors.LinkDamaged("why", true),
  new errors.LinkTooNew("why"),
  new errors.Unreachable("why"),
  new errors.Over("taken", AT),
  new errors.Unknown("why"),
  new errors.PasswordMissing("why"),
  new errors.WrongPassword(3),
  new errors.Locked("why"),
  new errors.IntegrityError("why"),
  new errors.Refused("too_large"),
  new errors.NotYet(AT, 5000),
  new errors.LocalError("changed", "a.txt"),
  new errors.Interrupted("why"),
];

it("every kind of error is among these", () => {
  const kinds = Object.values(errors).filter((kind) => kind !== errors.OtvError);
  expect(EVERY.map((error) => error.constructor)).toEqual(kinds);
});

it.each(EVERY)("$code comes out as it went in", (error) => {
  const crossed = errorFrom(structuredClone(errorFields(error)));
  expect(crossed).toEqual(error);
  expect(crossed).toBeInstanceOf(error.constructor);
});

it.each([new TypeError("ours"), "a word", null, Object.assign(new Error("no"), { code: "usage" })])(
  "a defect is a worker that failed: %s",
  (defect) => {
    expect(errorFrom(errorFields(defect))).toEqual(new errors.LocalError("worker"));
  },
);
