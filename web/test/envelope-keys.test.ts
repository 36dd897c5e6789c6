/** Keys and receipts (protocol sections 3 and 8). */

import { describe, expect, it } from "vitest";

import { utf8 } from "../src/bytes";
import { deriveAccess, deriveKeys, hashed, OUTCOME, passwordBytes } from "../src/envelope/keys";
import { receiptIsValid, receiptMac } from "../src/envelope/keys";
import { PasswordMissing, UsageError } from "../src/errors";
import { KDF, linkUrl } from "../src/link";
import { counting, flipped } from "./chance";
import { toHex } from "./vectors/bytes";

const ID = counting(0, 12);
const SECRET = counting(0x20, 0x40);
const SLOW_MS = 30_000; // Argon2id

const LINK = { server: "https://host", id: ID, secret: SECRET, pin: null };

describe("the known answers of the protocol: else no other program would open our links", () => {
  it("without a password", async () => {
    const keys = await deriveKeys(ID, SECRET, KDF.none, null);

    const url = await linkUrl({ ...LINK, kdf: KDF.none });
    expect(url.split("#")[1]).toBe("AQAgISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P-k1vTQf");
    const access = "484a80db062e6821387da24c56b92d7aae29cfa64dbefdcd4705cfd5c3a284cf";
    expect(toHex(keys.access)).toBe(access);
    expect(toHex(await deriveAccess(ID, SECRET))).toBe(access);
    const unlock = "48cc4d232ae697a93389b03a2f8cd297b241c62eeee7c4f3e94757b238e9ef28";
    expect(toHex(keys.unlock)).toBe(unlock);
    const manifest = "23d65dac98285ff8ef43c818f1d9fd028560f70f2f9309321d1e1c886d908d68";
    expect(toHex(keys.manifest)).toBe(manifest);
  });

  it("with a password", { timeout: SLOW_MS }, async () => {
    const keys = await deriveKeys(ID, SECRET, KDF.argon2id, "p\u00e4ssword");

    const url = await linkUrl({ ...LINK, kdf: KDF.argon2id });
    expect(url.split("#")[1]).toBe("ARAgISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P2YUnPRo");
    const unlock = "3a1e89328d6ccbe8e9ef72a794daa8a2b3d52d30447e6ed279afd4f35b130fba";
    expect(toHex(keys.unlock)).toBe(unlock);
    const others = [keys.access, keys.manifest, keys.ack].map(toHex);
    expect(new Set([unlock, ...others]).size).toBe(4);
  });

  it("for the hash of a proof", async () => {
    const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-4

    expect(toHex(await hashed(utf8("abc")))).toBe(known);
  });
});

describe("a password", () => {
  it.each([
    ["", "password_empty"],
    ["x".repeat(1_025), "password_long"],
    ["\u00e9".repeat(513), "password_long"],
    ["hunter2\ud800", "other"],
  ])("is refused, and not quoted: %j", (password, reason) => {
    const refused = () => passwordBytes(password);

    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(expect.objectContaining({ reason }));
    expect(refused).not.toThrow("hunter2");
  });

  it("is the same however it was typed: é can be one character or two", () => {
    expect(passwordBytes("e\u0301".repeat(512))).toEqual(passwordBytes("\u00e9".repeat(512)));
  });

  it("belongs to a link that has one, and to no other", async () => {
    const missing = deriveKeys(ID, SECRET, KDF.argon2id, null);
    const unneeded = deriveKeys(ID, SECRET, KDF.none, "x");

    await expect(missing).rejects.toThrow(PasswordMissing);
    await expect(unneeded).rejects.toMatchObject({ reason: "password_unneeded" });
  });
});

describe("a receipt", () => {
  it("of any flipped bit is invalid: else a server could make one", async () => {
    const [ack, lease] = [new Uint8Array(32), await hashed(utf8("T"))];
    const mac = await receiptMac(ack, ID, lease, OUTCOME.opened);
    const isValid = (other: Uint8Array) => receiptIsValid(ack, ID, lease, OUTCOME.opened, other);

    expect(await isValid(mac)).toBe(true);
    expect(await isValid(mac.subarray(1))).toBe(false);
    expect(await receiptIsValid(ack, ID, lease, OUTCOME.rejected, mac)).toBe(false);
    for (let bit = 0; bit < 256; bit += 1) {
      expect(await isValid(flipped(mac, bit >> 3, bit & 7))).toBe(false);
    }
  });
});
