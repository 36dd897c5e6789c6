/** What looking and claiming give: what is openable, and what a claim must agree with. */

import { expect, it } from "vitest";

import type { Claim, LinkView } from "../src/answers";
import { LONGEST_LEASE_MS, checkOpenable, leaseMs, nextLook, readClaim } from "../src/claims";
import { Geometry, root } from "../src/envelope/content";
import { sealManifest } from "../src/envelope/manifest";
import type { OtvError } from "../src/errors";
import { IntegrityError, Locked, NotYet, Over, Unreachable } from "../src/errors";
import { KDF } from "../src/link";
import { Chance, counting } from "./chance";

const AT = new Date("2026-11-22T14:03:00Z");
const VIEW: LinkView = {
  id: "AAECAwQFBgcICQoL",
  state: "ready",
  since: AT,
  opensLeft: 1,
  opensAt: AT,
  expiresAt: AT,
  bytes: 0,
  guessesLeft: 10,
  now: AT,
};

it("a link that is ready may be opened", () => {
  expect(() => checkOpenable(VIEW)).not.toThrow();
});

it.each<[string, OtvError]>([
  ["scheduled", new NotYet(AT, 0)],
  ["locked", new Locked("too many wrong passwords")],
  ["taken", new Over("taken", AT)],
  ["opened", new Over("opened", AT)],
  ["expired", new Over("expired", AT)],
  ["revoked", new Over("revoked", AT)],
  ["guessed", new Over("guessed", AT)],
])("a link that is %s is not asked for", (state, error) => {
  expect(() => checkOpenable({ ...VIEW, state })).toThrow(error);
});

it.each([
  ["right", "2026-11-22T14:02:00Z", "2026-11-22T14:03:00Z"],
  ["an hour fast", "2026-11-22T15:02:00Z", "2026-11-22T15:03:00Z"],
  ["an hour slow", "2026-11-22T13:02:00Z", "2026-11-22T13:03:00Z"],
])("a clock that is %s waits for the server's minute", (_, here, then) => {
  expect(nextLook(new NotYet(AT, 60_000), new Date(here))).toEqual(new Date(then));
});

it.each([
  ["is open by the server's clock", new NotYet(AT, -1)],
  ["is open by this clock, where the server's isn't told", new NotYet(AT)],
])("a link that %s is looked at again without haste", (_, error) => {
  const now = new Date(AT.getTime() + 3_600_000);
  expect(nextLook(error, now).getTime() - now.getTime()).toBe(2000);
});

it("a link that is scheduled says how long by the server's clock", () => {
  const now = new Date(AT.getTime() - 5000);
  const look = () => checkOpenable({ ...VIEW, state: "scheduled", now });
  expect(look).toThrow(expect.objectContaining({ opensAt: AT, waitMs: 5000 }));
});

it.each(["", "over", "Ready", "toString"])("no state of a link: %j", (state) => {
  expect(() => checkOpenable({ ...VIEW, state })).toThrow(Unreachable);
});

it.each([
  ["an hour", 3_600_000, 3_600_000],
  ["a thousand years", 3.2e13, LONGEST_LEASE_MS],
])("a lease of %s", (_, said, taken) => {
  expect(leaseMs({ leaseUntil: new Date(AT.getTime() + said), now: AT })).toBe(taken);
});

it.each([0, -1])("no lease lasts %d ms", (ms) => {
  expect(() => leaseMs({ leaseUntil: new Date(AT.getTime() + ms), now: AT })).toThrow(Unreachable);
});

const LINK = {
  server: "https://share.example",
  id: counting(0, 12),
  secret: counting(0, 32),
  kdf: KDF.none,
  pin: null,
};
const KEY = counting(32, 64);
const KEYS = { access: KEY, unlock: KEY, manifest: KEY, ack: KEY };
const LEASE = counting(0, 32);
const GEOMETRY = Geometry.ofFiles(9 << 20);
const DIGESTS = [counting(0, 32), counting(32, 64)];

/** What a server hands out for a file of two parts. */
async function claimed(): Promise<Claim> {
  const blob = {
    key: counting(0, 32),
    header: counting(0, 74),
    length: GEOMETRY.length,
    root: await root(GEOMETRY.ciphertext, DIGESTS),
  };
  const files = [{ name: "a", size: 9 << 20, type: "" }];
  const given = { note: "", view: false, files, blob, inline: new Uint8Array() };
  const manifest = await sealManifest(given, KEY, LINK.id, new Chance(1).bytes);
  const bytes = GEOMETRY.ciphertext;
  return { manifest, bytes, digests: DIGESTS, leaseUntil: AT, now: AT };
}

it("a claim tells what to fetch", async () => {
  const { manifest, content } = await readClaim(await claimed(), KEYS, LINK, LEASE);
  expect(manifest.files).toEqual([{ name: "a", size: 9 << 20, type: "" }]);
  expect(content).toMatchObject({ lease: LEASE, digests: DIGESTS, length: GEOMETRY.length });
});

it.each<[string, Partial<Claim>]>([
  ["another digest", { digests: [counting(0, 32), counting(33, 65)] }],
  ["two digests swapped", { digests: DIGESTS.toReversed() }],
  ["a digest too many", { digests: [...DIGESTS, counting(0, 32)] }],
  ["a digest too few", { digests: DIGESTS.slice(1) }],
  ["one byte more", { bytes: GEOMETRY.ciphertext + 1 }],
  ["no content", { bytes: 0, digests: [] }],
])("a claim with %s is not the sender's", async (_, change) => {
  const claim = { ...(await claimed()), ...change };
  await expect(readClaim(claim, KEYS, LINK, LEASE)).rejects.toBeInstanceOf(IntegrityError);
});

it("nor is one for another link", async () => {
  const other = { ...LINK, id: counting(1, 13) };
  const reading = readClaim(await claimed(), KEYS, other, LEASE);
  await expect(reading).rejects.toBeInstanceOf(IntegrityError);
});
