/** How much is padded, so that sizes say little (protocol sections 5 and 6). */

import { UsageError } from "../errors";

export const MIN_CONTENT_BYTES = 16_384;
export const BUCKETS = [4_096, 16_384, 65_536, 262_144] as const;
export const MAX_BUCKET = 262_144;

/**
 * Padmé (PURBs, Nikitin et al. 2019): at most 12 % more, less for more.
 *
 * The mantissa keeps as many bits as the exponent takes to write, so a length says no more than
 * its order of magnitude and a few leading bits. Exact for whole numbers up to 2^53-1: all that
 * is divided and multiplied here is a power of two.
 */
export function padme(length: number): number {
  if (length < 2) return length; // no logarithm to take
  const exponent = bitLength(length) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(length / step) * step;
}

/** `l`: the content's length, for that many bytes of files together. */
export function paddedContent(filesBytes: number): number {
  return Math.max(MIN_CONTENT_BYTES, padme(filesBytes));
}

/**
 * The smallest size of a manifest's plaintext that holds that many bytes.
 *
 * @throws UsageError more than the largest holds.
 */
export function bucket(length: number): number {
  const size = BUCKETS.find((candidate) => length <= candidate);
  if (size === undefined) throw new UsageError("names and note are too long", "too_long_names");
  return size;
}

/** How many binary digits a number has. A logarithm would be off by one near powers of two. */
function bitLength(number: number): number {
  return number.toString(2).length;
}
