/** The primitives: what the vectors don't reach. */

import { describe, expect, it } from "vitest";

import { utf8 } from "../src/bytes";
import { hasWebCrypto, primitives } from "../src/crypto";
import { counting, flipped } from "./chance";
import { toHex } from "./vectors/bytes";

const [NONCE, AAD] = [counting(0, 12), utf8("aad")];

describe("AES-GCM", () => {
  it("says null for what was not sealed so, and throws nothing of its own", async () => {
    const aead = await primitives.aes256Gcm(counting(0, 32));
    const other = await primitives.aes256Gcm(counting(1, 33));
    const sealed = await aead.seal(NONCE, utf8("plain"), AAD);

    expect(await aead.open(NONCE, sealed, AAD)).toEqual(utf8("plain"));
    expect(await other.open(NONCE, sealed, AAD)).toBeNull();
    expect(await aead.open(counting(1, 13), sealed, AAD)).toBeNull();
    expect(await aead.open(NONCE, sealed, utf8("and"))).toBeNull();
    expect(await aead.open(NONCE, flipped(sealed, 0, 0), AAD)).toBeNull();
    for (const length of [0, 1, 15, 16, 20]) {
      expect(await aead.open(NONCE, sealed.subarray(0, length), AAD)).toBeNull();
    }
  });

  it("takes a view of a larger buffer, and memory that threads share", async () => {
    const aead = await primitives.aes256Gcm(counting(0, 32));
    const shared = new Uint8Array(new SharedArrayBuffer(5));
    shared.set(utf8("plain"));

    const sealed = await aead.seal(NONCE, shared, AAD);

    expect(sealed).toEqual(await aead.seal(NONCE, utf8("a plain b").subarray(2, 7), AAD));
  });

  it("is loud about a key that is none: that is no refusal", async () => {
    await expect(primitives.aes256Gcm(new Uint8Array(31))).rejects.toThrow();
  });
});

describe("the others", () => {
  it("give the answers of their specifications", async () => {
    // RFC 4231, case 2; RFC 5869, case 1.
    const key = utf8("Jefe");
    const data = utf8("what do ya want for nothing?");
    expect(toHex(await primitives.hmacSha256(key, data))).toMatch(/^5bdcc146bf60754e6a04/);
    expect(toHex(await primitives.hmacSha384(key, data))).toMatch(/^af45d2e376484031617f/);
    const [secret, salt] = [new Uint8Array(22).fill(0x0b), counting(0, 13)];
    const derived = await primitives.hkdfSha256(secret, salt, counting(0xf0, 0xfa), 42);
    expect(toHex(derived)).toMatch(/^3cb25f25faacd57a90434f64d0362f2a.*34007208d5b887185865$/);
  });

  it("draw what nobody can foresee", () => {
    const draws = Array.from({ length: 50 }, () => toHex(primitives.random(32)));

    expect(new Set(draws).size).toBe(50);
    expect(draws.every((draw) => draw.length === 64)).toBe(true);
  });

  it("are known to be there: over plain HTTP a browser has none, and the page must say so", () => {
    expect(hasWebCrypto()).toBe(true);
  });
});
