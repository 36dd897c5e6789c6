/** The primitives of this page; the one place that chooses among implementations. */

import { argon2id } from "./argon2";
import type { Builtin, Primitives } from "./primitives";
import { webCrypto } from "./webcrypto";

export type { Aead, Builtin, Primitives, Random } from "./primitives";
export { hasWebCrypto } from "./webcrypto";

let chosen: Builtin = webCrypto;

/** Take these from now on: once, at the start, where there is no WebCrypto. */
export function choose(builtin: Builtin): void {
  chosen = builtin;
}

export const primitives: Primitives = {
  // The one thing of WebCrypto that browsers give to every page.
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  sha256: (data) => chosen.sha256(data),
  hmacSha256: (key, data) => chosen.hmacSha256(key, data),
  hmacSha384: (key, data) => chosen.hmacSha384(key, data),
  hkdfSha256: (...given) => chosen.hkdfSha256(...given),
  aes256Gcm: (key) => chosen.aes256Gcm(key),
  argon2id,
};
