/** The primitives: what the vectors don't reach. */

import { afterEach, describe, expect, it } from "vitest";

import { utf8 } from "../src/bytes";
import { choose, hasWebCrypto, primitives } from "../src/crypto";
import { javaScript } from "../src/crypto/javascript";
import { webCrypto } from "../src/crypto/webcrypto";
import { counting, flipped } from "./chance";
import { bytesOf } from "./support/sharing";
import { toHex } from "./vectors/bytes";

const [NONCE, AAD] = [counting(0, 12), utf8("aad")];

/** Vitest's own comparison takes seconds for a megabyte. */
function same(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && Buffer.from(one).equals(other);
}

const BUILTINS = [
  ["WebCrypto", webCrypto],
  ["JavaScript", javaScript],
] as const;

describe.each(BUILTINS)("AES-GCM of %s", (_name, builtin) => {
  it("says null for what was not sealed so, and throws nothing of its own", async () => {
    const aead = await builtin.aes256Gcm(counting(0, 32));
    const other = await builtin.aes256Gcm(counting(1, 33));
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
    const aead = await builtin.aes256Gcm(counting(0, 32));
    const shared = new Uint8Array(new SharedArrayBuffer(5));
    shared.set(utf8("plain"));

    const sealed = await aead.seal(NONCE, shared, AAD);

    expect(sealed).toEqual(await aead.seal(NONCE, utf8("a plain b").subarray(2, 7), AAD));
  });

  it("is loud about a key that is none: that is no refusal", async () => {
    await expect(builtin.aes256Gcm(new Uint8Array(31))).rejects.toThrow();
  });

  it("opens what the other one sealed, whatever its length: else a link would open on some pages alone", async () => {
    const key = primitives.random(32);
    const [one, other] = await Promise.all([builtin.aes256Gcm(key), webCrypto.aes256Gcm(key)]);
    for (const length of [0, 1, 15, 16, 17, 1000, 1_048_544]) {
      const plaintext = bytesOf(length);
      const sealed = await one.seal(NONCE, plaintext, AAD);
      expect(same(await other.open(NONCE, sealed, AAD), plaintext)).toBe(true);
      expect(same(await other.seal(NONCE, plaintext, AAD), sealed)).toBe(true);
    }
  });
});

describe("the others", () => {
  it.each(BUILTINS)("of %s give the answers of their specifications", async (_name, builtin) => {
    // RFC 4231, case 2; RFC 5869, case 1.
    const key = utf8("Jefe");
    const data = utf8("what do ya want for nothing?");
    expect(toHex(await builtin.hmacSha256(key, data))).toMatch(/^5bdcc146bf60754e6a04/);
    expect(toHex(await builtin.hmacSha384(key, data))).toMatch(/^af45d2e376484031617f/);
    const [secret, salt] = [new Uint8Array(22).fill(0x0b), counting(0, 13)];
    const derived = await builtin.hkdfSha256(secret, salt, counting(0xf0, 0xfa), 42);
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

describe("choosing", () => {
  afterEach(() => choose(webCrypto));

  it("holds for everything: else one call would go to what a page hasn't got", async () => {
    const asked: string[] = [];
    const names = Object.keys(javaScript) as (keyof typeof javaScript)[];
    const told = (name: string) => async () => {
      asked.push(name);
      return new Uint8Array() as never;
    };
    choose(Object.fromEntries(names.map((name) => [name, told(name)])) as unknown as typeof javaScript);

    for (const name of names) await (primitives[name] as () => Promise<unknown>)();

    expect(asked).toEqual(names);
  });
});
