import { describe, expect, it } from "vitest";

import type { Limits } from "../src/answers";
import {
  countOf,
  expiryOf,
  expiryPresets,
  localMinute,
  opensAtOf,
  suggestPassword,
} from "../src/choices";
import { OTHER, expiring, newDraft, nextDraft, termsOf } from "../src/draft";

const LIMITS: Limits = {
  shareBytes: 1e9,
  partBytes: 8 << 20,
  minTtlS: 10,
  defaultTtlS: 600,
  maxTtlS: 3600,
  maxDelayS: 86_400,
  opens: 100,
  links: 10,
  idleUploadS: 3600,
};
const NOW = new Date("2026-11-24T14:03:20Z");

describe("expiry", () => {
  it("offers what the server allows, its default among it", () => {
    expect(expiryPresets(LIMITS)).toEqual([60, 600, 3600]);
    expect(expiryPresets({ ...LIMITS, defaultTtlS: 900 })).toEqual([60, 600, 900, 3600]);
  });

  it.each([
    ["10", "s", 10],
    ["1", "h", 3600],
    [" 5 ", "m", 300],
    ["9", "s", null],
    ["2", "h", null],
    ["1.5", "m", null],
    ["-5", "m", null],
    ["", "m", null],
    ["1e3", "s", null],
  ] as const)("reads %s %s as %s seconds", (amount, unit, seconds) => {
    expect(expiryOf(amount, unit, LIMITS)).toBe(seconds);
  });
});

describe("the start", () => {
  it("is at once where nothing is chosen", () => {
    expect(opensAtOf("", LIMITS, NOW)).toBeNull();
  });

  it("takes the minute that has just begun as now", () => {
    expect(opensAtOf(localMinute(NOW), LIMITS, NOW)).toBeNull();
  });

  it("takes a moment ahead, in this device's zone", () => {
    const later = new Date("2026-11-24T18:30:00Z");
    expect(opensAtOf(localMinute(later), LIMITS, NOW)).toEqual(later);
  });

  it.each(["2026-11-24T10:00", "2026-12-24T10:00", "nonsense"])("refuses %s", (text) => {
    expect(opensAtOf(text, LIMITS, NOW)).toBeUndefined();
  });
});

it.each([
  ["1", 1],
  ["10", 10],
  ["11", null],
  ["0", null],
  ["1.5", null],
  ["", null],
] as const)("reads a count of %s, at most ten, as %s", (text, count) => {
  expect(countOf(text, 10)).toBe(count);
});

describe("a suggested password", () => {
  it("has four groups of signs that nobody mixes up", () => {
    const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
    expect(suggestPassword(random)).toMatch(/^[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}$/);
  });

  it("draws again where a byte would make some signs likelier", () => {
    const bytes = [255, 250, 0];
    const random = (): Uint8Array => Uint8Array.of(bytes.shift() ?? 30);
    expect(suggestPassword(random)).toBe("a9999-99999-99999-99999");
  });
});

describe("a draft", () => {
  const draft = { ...newDraft(LIMITS), text: "words", password: "pass" };

  it("becomes terms", () => {
    expect(termsOf(draft, LIMITS, false, NOW)).toEqual({
      expiresS: 600,
      opensAt: null,
      opens: 1,
      links: 1,
      password: "pass",
      viewOnly: false,
      note: "words",
    });
  });

  it.each([
    ["tok-1_x", false],
    [" tok ", false],
    ["", true],
    ["two words", true],
    ["tokén", true],
    ["tok\u20ac", true],
    ["t".repeat(1024), false],
    ["t".repeat(1025), true],
  ])("an upload token %j is marked: %j", (token, isMarked) => {
    const terms = termsOf({ ...draft, token }, LIMITS, true, NOW);
    expect(Array.isArray(terms)).toBe(isMarked);
  });

  it("what is sent next needs the same token, and nothing else of it", () => {
    const next = nextDraft({ ...draft, token: "tok", keepsToken: true }, LIMITS);
    expect(next).toEqual({ ...newDraft(LIMITS), token: "tok", keepsToken: true });
  });

  it("keeps what was typed before the server's limits came", () => {
    const typed = { text: "words", password: "p", opens: "3", links: "2", names: ["Ann"] };
    const draft = expiring({ ...newDraft(null), ...typed, viewOnly: true }, LIMITS);
    expect(draft).toEqual({ ...newDraft(LIMITS), ...typed, viewOnly: true });
  });

  it("keeps an expiry that was chosen before", () => {
    const chosen = { ...draft, expires: OTHER, otherAmount: "7" };
    expect(expiring(chosen, LIMITS)).toEqual(chosen);
  });

  it("names every field that doesn't fit, in the order of the form", () => {
    const wrong = { ...draft, expires: "other", otherAmount: "x", opens: "0", links: "11" };
    expect(termsOf(wrong, LIMITS, true, NOW)).toEqual(["expires", "opens", "links", "token"]);
  });
});
