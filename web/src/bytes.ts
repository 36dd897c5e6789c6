/** Runs of bytes: joined, compared, and as numbers (protocol, notation: big-endian). */

/** Bytes whose buffer is this thread's own; what WebCrypto and `postMessage` take. */
export type Bytes = Uint8Array<ArrayBuffer>;

const utf8Encoder = new TextEncoder();
const LONE_SURROGATE = /[\ud800-\udfff]/u; // the flag keeps pairs together

/** UTF-8. A lone surrogate becomes U+FFFD: ask `isWellFormed` first where that matters. */
export function utf8(text: string): Bytes {
  return utf8Encoder.encode(text);
}

/** Whether the text holds no lone surrogate, so that UTF-8 has a form for all of it. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

export function concat(...runs: readonly Uint8Array[]): Bytes {
  return joined(runs);
}

/** As `concat`, for any number of runs: a call takes some ten thousand arguments, and no more. */
export function joined(runs: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}

/** Whether two runs are equal, in a time that depends on their lengths alone. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

/** Whether every byte is zero; for padding, so for what is no secret once it is checked. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A whole number up to 2^53-1 as eight bytes. */
export function u64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

export function readU32(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
}
