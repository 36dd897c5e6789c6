/** Instants as people read them. */

import { describe, expect, it } from "vitest";

import { durationText, localText, rfc3339 } from "../src/instants";

describe("an instant", () => {
  it("is written to the second in UTC: the protocol's programs read nothing else alike", () => {
    expect(rfc3339(new Date("2026-11-22T14:03:07.999Z"))).toBe("2026-11-22T14:03:07Z");
    expect(rfc3339(new Date("2026-11-22T15:03:07+01:00"))).toBe("2026-11-22T14:03:07Z");
  });

  it("is a time today and has its date on any other day", () => {
    const now = new Date(2026, 10, 22, 23, 59);

    expect(localText(new Date(2026, 10, 22, 4, 3), now)).toBe("04:03");
    expect(localText(new Date(2026, 10, 23, 0, 0), now)).toBe("2026-11-23 00:00");
    expect(localText(new Date(2025, 10, 22, 14, 3), now)).toBe("2025-11-22 14:03");
  });
});

describe("a duration", () => {
  it.each([
    [0, "0s"],
    [10, "10s"],
    [90, "90s"],
    [5_400, "90m"],
    [7_200, "2h"],
    [86_400, "1d"],
    [604_800, "7d"],
    [604_801, "604801s"],
  ])("of %d seconds is %s, as it would be typed", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
