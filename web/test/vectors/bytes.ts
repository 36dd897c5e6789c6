/** How the vectors write bytes: hex, streams and pieces (tests/vectors/README.md, "A case"). */

import { sha256 } from "@noble/hashes/sha2.js";

import { type Bytes, concat, u32, utf8 } from "../../src/bytes";

/** A run of bytes that the files hold as a description. */
export type Piece =
  | { hex: string }
  | { utf8: string; times?: number }
  | { zeros: number }
  | { stream: string; bytes: number }
  | { of: string; from: number; to: number };

export function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256(seed || u32(0)) || SHA-256(seed || u32(1)) || …, cut to the length. */
export function stream(seed: string, length: number): Bytes {
  const blocks = new Uint8Array(Math.ceil(length / 32) * 32);
  const start = utf8(seed);
  for (let at = 0; at < length; at += 32) blocks.set(sha256(concat(start, u32(at / 32))), at);
  return blocks.slice(0, length);
}

/** A source of randomness that gives out a stream in turn. */
export function drawnFrom(bytes: Bytes): (length: number) => Bytes {
  let at = 0;
  return (length) => {
    at += length;
    return bytes.slice(at - length, at);
  };
}

/** What a list of pieces stands for; `bases` are what `of` can name. */
export function joined(pieces: readonly Piece[], bases: ReadonlyMap<string, Bytes>): Bytes {
  return concat(...pieces.map((piece) => bytesOf(piece, bases)));
}

function bytesOf(piece: Piece, bases: ReadonlyMap<string, Bytes>): Bytes {
  if ("hex" in piece) return fromHex(piece.hex);
  if ("utf8" in piece) return utf8(piece.utf8.repeat(piece.times ?? 1));
  if ("zeros" in piece) return new Uint8Array(piece.zeros);
  if ("stream" in piece) return stream(piece.stream, piece.bytes);
  const base = bases.get(piece.of);
  if (!base) throw new Error(`no case ${piece.of}`);
  return base.slice(piece.from, piece.to);
}
