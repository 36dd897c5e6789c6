/**
 * The primitives in JavaScript, for pages that have no WebCrypto: over plain HTTP from another
 * machine. Of noble, whose code was audited; slower, and on tables, so that whoever runs programs
 * on the same processor may learn more from its timing than from that of WebCrypto.
 */

import { gcm } from "@noble/ciphers/aes.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384 } from "@noble/hashes/sha2.js";

import type { Bytes } from "../bytes";
import type { Aead, Builtin } from "./primitives";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The same as WebCrypto gives, held to the same tests. */
export const javaScript: Builtin = {
  sha256: async (data) => own(sha256(data)),
  hmacSha256: async (key, data) => own(hmac(sha256, key, data)),
  hmacSha384: async (key, data) => own(hmac(sha384, key, data)),
  hkdfSha256: async (secret, salt, info, length) => own(hkdf(sha256, secret, salt, info, length)),
  aes256Gcm,
};

async function aes256Gcm(key: Uint8Array): Promise<Aead> {
  checkLength(key, KEY_BYTES);
  const kept = Uint8Array.from(key);
  return {
    async seal(nonce, plaintext, aad) {
      checkLength(nonce, NONCE_BYTES);
      return own(gcm(kept, nonce, aad).encrypt(plaintext));
    },
    async open(nonce, sealed, aad) {
      checkLength(nonce, NONCE_BYTES);
      if (sealed.length < TAG_BYTES) return null;
      const aead = gcm(kept, nonce, aad);
      try {
        return own(aead.decrypt(sealed));
      } catch {
        return null; // with lengths that fit, all that it throws for is another tag
      }
    },
  };
}

function checkLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes, not ${length}`);
}

/** noble makes its answers itself, never in memory that threads share; its types don't say so. */
function own(bytes: Uint8Array): Bytes {
  return bytes as Bytes;
}
