/** The primitives that every browser brings along, on `crypto.subtle` (W3C Web Cryptography). */

import type { Bytes } from "../bytes";
import type { Aead, Builtin } from "./primitives";

const AES_GCM = "AES-GCM";
const HKDF = "HKDF";
const HMAC = "HMAC";

/** Each call reads its bytes before it returns. */
export const webCrypto: Builtin = {
  sha256: async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", own(data))),
  hmacSha256: (key, data) => hmac("SHA-256", key, data),
  hmacSha384: (key, data) => hmac("SHA-384", key, data),
  hkdfSha256,
  aes256Gcm,
};

/** Whether WebCrypto is there: over HTTPS and on this machine, and nowhere else. */
export function hasWebCrypto(): boolean {
  // The types promise it; over plain HTTP a browser leaves it out.
  return (crypto as { subtle?: SubtleCrypto }).subtle !== undefined;
}

async function hmac(hash: string, key: Uint8Array, data: Uint8Array): Promise<Bytes> {
  const imported = await importKey(key, { name: HMAC, hash }, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(HMAC, imported, own(data)));
}

async function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Promise<Bytes> {
  const imported = await importKey(secret, { name: HKDF }, ["deriveBits"]);
  const how = { name: HKDF, hash: "SHA-256", salt: own(salt), info: own(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, imported, length * 8));
}

/** The key is imported here, once, and every segment under it reuses it. */
async function aes256Gcm(key: Uint8Array): Promise<Aead> {
  const imported = await importKey(key, { name: AES_GCM }, ["encrypt", "decrypt"]);
  return {
    async seal(nonce, plaintext, aad) {
      const how = gcm(nonce, aad);
      return new Uint8Array(await crypto.subtle.encrypt(how, imported, own(plaintext)));
    },
    async open(nonce, sealed, aad) {
      try {
        const how = gcm(nonce, aad);
        return new Uint8Array(await crypto.subtle.decrypt(how, imported, own(sealed)));
      } catch (error) {
        if (isRefusal(error)) return null;
        throw error;
      }
    },
  };
}

function gcm(nonce: Uint8Array, aad: Uint8Array): AesGcmParams {
  return { name: AES_GCM, iv: own(nonce), additionalData: own(aad), tagLength: 128 };
}

/** What WebCrypto throws for a wrong tag, and for less than a tag. */
function isRefusal(error: unknown): boolean {
  return error instanceof DOMException && error.name === "OperationError";
}

function importKey(
  key: Uint8Array,
  algorithm: Algorithm | HmacImportParams,
  usages: KeyUsage[],
): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", own(key), algorithm, false, usages);
}

/** The same bytes in memory that WebCrypto takes; copied only where other threads share them. */
function own(data: Uint8Array): Bytes {
  return data.buffer instanceof ArrayBuffer ? (data as Bytes) : new Uint8Array(data);
}
