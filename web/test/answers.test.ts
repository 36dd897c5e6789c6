/** A server's answers are read strictly: what no server of the protocol says is refused. */

import { describe, expect, it } from "vitest";

import * as answers from "../src/answers";
import type { Json } from "../src/answers";

const ID = "AAECAwQFBgcICQoL";
const HASH = "A".repeat(43);
const AT = "2026-11-22T14:03:00.125Z";

const LIMITS = {
  share_bytes: 1,
  part_bytes: 2,
  min_ttl_s: 3,
  default_ttl_s: 4,
  max_ttl_s: 5,
  max_delay_s: 6,
  opens: 7,
  links: 8,
  idle_upload_s: 9,
};
const INFO = {
  name: "n",
  version: "v",
  protocol: 1,
  now: AT,
  upload_token: false,
  plain_http: false,
  address: null,
  pin: null,
  limits: LIMITS,
};
const VIEW = {
  id: ID,
  state: "ready",
  since: null,
  opens_left: 1,
  opens_at: AT,
  expires_at: AT,
  bytes: 0,
  guesses_left: 10,
  now: AT,
};
const OPENING = {
  lease: HASH,
  claimed_at: AT,
  ended_at: null,
  outcome: "leased",
  bytes_read: 0,
  mac: null,
  address: null,
};
const LINK = {
  id: ID,
  state: "opened",
  opens: 1,
  opens_left: 0,
  opens_at: AT,
  expires_at: AT,
  guesses: 0,
  openings: [OPENING],
};
const SHARE = { id: ID, state: "sealed", links: [LINK], now: AT };
const CLAIM = { manifest: "AAAA", bytes: 1, digests: [HASH], lease_until: AT, now: AT };

const READERS: [string, (answer: Json) => unknown, Json][] = [
  ["Info", answers.info, INFO],
  ["Info's limits", (limits) => answers.info({ ...INFO, limits }), LIMITS],
  ["LinkView", answers.linkView, VIEW],
  ["Share", answers.share, SHARE],
  ["LinkReport", (link) => answers.share({ ...SHARE, links: [link] }), LINK],
  ["Opening", (it) => answers.share({ ...SHARE, links: [{ ...LINK, openings: [it] }] }), OPENING],
  ["Claim", answers.claim, CLAIM],
];

describe.each(READERS)("%s", (_, read, answer) => {
  it("is read, what nobody knows yet ignored", () => {
    expect(read({ ...answer, unheard: "of" })).toEqual(read(answer));
  });

  it.each(Object.keys(answer))("needs %s, and of its own type", (key) => {
    const { [key]: value, ...rest } = answer;
    expect(() => read(rest)).toThrow(answers.Nonsense);
    const other = typeof value === "number" ? "1" : 1;
    expect(() => read({ ...answer, [key]: other })).toThrow(answers.Nonsense);
  });
});

it("an instant is one in UTC, to the millisecond", () => {
  expect(answers.linkView(VIEW).now).toEqual(new Date(AT));
  const nanoseconds = { ...VIEW, now: "2026-11-22T15:03:00.125999999+01:00" };
  expect(answers.linkView(nanoseconds).now).toEqual(new Date(AT));
});

it.each([
  "2026-11-22",
  "2026-11-22T14:03:00",
  "2026-13-22T14:03:00Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  `${AT}\n`,
  "2026-02-31T00:00:00Z",
  "2026-11-24T24:00:00Z",
])("no instant: %j", (now) => {
  expect(() => answers.linkView({ ...VIEW, now })).toThrow(answers.Nonsense);
});

it.each([-1, 0.5, 2 ** 53, NaN, Infinity, true, null, "0"])("no whole number: %s", (bytes) => {
  expect(() => answers.linkView({ ...VIEW, bytes })).toThrow(answers.Nonsense);
});

it.each([`${ID}A`, ID.slice(1), `${ID.slice(1)}=`, "AAECAwQFBgcICQo+"])("no id: %s", (id) => {
  expect(() => answers.linkView({ ...VIEW, id })).toThrow(answers.Nonsense);
});

it.each([[[HASH, 1]], ["no list"], [[HASH.slice(1)]], [{}]])("no digests: %j", (digests) => {
  expect(() => answers.claim({ ...CLAIM, digests })).toThrow(answers.Nonsense);
});

it.each([["x"], [[1]], [[null]], [[[]]]])("no list of objects: %j", (links) => {
  expect(() => answers.share({ ...SHARE, links })).toThrow(answers.Nonsense);
});

it("a text is no longer than anybody needs", () => {
  expect(() => answers.info({ ...INFO, name: "x".repeat(1025) })).toThrow(answers.Nonsense);
});
