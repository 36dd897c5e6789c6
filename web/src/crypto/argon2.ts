/** Argon2id (RFC 9106) in JavaScript: browsers have none, and the page allows no WebAssembly. */

import { argon2id as noble } from "@noble/hashes/argon2.js";

import type { Bytes } from "../bytes";

// Protocol section 3; part of the format, not a setting.
const COST = { m: 65_536, t: 3, p: 1, version: 0x13, dkLen: 32 };

/**
 * 32 bytes. It holds its thread for about a second, so it belongs in a worker; a promise because
 * another implementation may need to wait for its code.
 */
export async function argon2id(password: Uint8Array, salt: Uint8Array): Promise<Bytes> {
  return new Uint8Array(noble(password, salt, COST));
}
