/** base64url without padding, strictly: one text for one run of bytes (protocol, notation). */

import type { Bytes } from "./bytes";

const ALPHABET = /^[A-Za-z0-9_-]*$/;
const CHUNK = 0x8000; // arguments of one call, well under every engine's limit

/** Encode as base64url (RFC 4648 section 5), the padding left out. */
export function b64encode(data: Uint8Array): string {
  return base64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The standard alphabet with padding, as `Content-Digest` wants it (RFC 9530). */
export function base64(data: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < data.length; at += CHUNK) {
    binary += String.fromCharCode(...data.subarray(at, at + CHUNK));
  }
  return btoa(binary);
}

/**
 * Decode what `b64encode` made, and nothing else.
 *
 * @param length how many bytes it must hold; any number where left out.
 * @returns null for another alphabet, padding, white space, stray low bits or another length.
 */
export function b64decode(text: string, length?: number): Bytes | null {
  if (!ALPHABET.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const data = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  // The decoder ignores stray low bits; only this comparison is strict.
  if (b64encode(data) !== text) return null;
  return length === undefined || data.length === length ? data : null;
}
