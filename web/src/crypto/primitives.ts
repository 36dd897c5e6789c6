/**
 * Every primitive that this project uses, asynchronous, behind one interface.
 *
 * `webcrypto.ts` has them where the page has WebCrypto, `javascript.ts` where it hasn't. Nothing
 * outside this folder names WebCrypto or a library of ciphers.
 */

import type { Bytes } from "../bytes";

/** Gives that many unpredictable bytes: `primitives.random`, or a fixed stream in tests. */
export type Random = (length: number) => Bytes;

/** AES-256-GCM under one key, with 96-bit nonces and 128-bit tags (NIST SP 800-38D). */
export interface Aead {
  /** Ciphertext and tag, 16 bytes longer than the plaintext. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Promise<Bytes>;
  /** The plaintext, or null where the tag is another. Nothing unverified is let out. */
  open(nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Promise<Bytes | null>;
}

/** What a browser brings along, or else what stands in for it. */
export interface Builtin {
  sha256(data: Uint8Array): Promise<Bytes>;
  hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Bytes>;
  hmacSha384(key: Uint8Array, data: Uint8Array): Promise<Bytes>;
  /** HKDF-SHA-256, extract and expand (RFC 5869). */
  hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Promise<Bytes>;
  aes256Gcm(key: Uint8Array): Promise<Aead>;
}

export interface Primitives extends Builtin {
  random: Random;
  /** Argon2id (RFC 9106), version 0x13, 32 bytes; 64 MiB and about a second: only in a worker. */
  argon2id(password: Uint8Array, salt: Uint8Array): Promise<Bytes>;
}
