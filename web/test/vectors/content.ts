/** `content.json`: the lengths, and whole contents cut into parts (protocol section 6). */

import { b64decode, b64encode } from "../../src/b64";
import { type Bytes, concat } from "../../src/bytes";
import {
  checkDigests,
  checkPadding,
  checkPart,
  ContentOpener,
  ContentSealer,
  digest,
  Geometry,
  Layout,
  root,
} from "../../src/envelope/content";
import { FloeParams } from "../../src/envelope/floe";
import { drawnFrom, fromHex, joined, type Piece, stream, toHex } from "./bytes";
import { ended, same } from "./expect";
import { casesOf, operation } from "./operation";

interface Lengths {
  length: number;
  segments: number;
  ciphertext: number;
  parts: number;
}

interface GeometryCase extends Lengths {
  files_bytes: number;
  result: string;
}

interface Seal {
  name: string;
  key: string;
  iv: string;
  segment_bytes: number;
  part_segments: number;
  files: string;
  files_bytes: number;
  length: number;
  nonces: string;
  header: string;
  ciphertext: string | null;
  digests: string[];
  root: string;
}

interface Open {
  of: string;
  ciphertext: Piece[];
  digests: string[];
  root: string;
  result: string;
}

const geometry = operation<GeometryCase>(async (vector) => {
  const { result, value } = await ended(() => Geometry.ofCiphertext(vector.ciphertext));
  same("result", result, vector.result);
  if (!value) return;
  const forth = lengthsOf(Geometry.ofFiles(vector.files_bytes));
  same("from the files", forth, lengthsOf(vector));
  same("from the ciphertext", lengthsOf(value), lengthsOf(vector));
});

const seal = operation<Seal>(async (vector) => {
  const lengths = Geometry.ofFiles(vector.files_bytes, layoutOf(vector));
  const random = drawnFrom(stream(vector.nonces, 12 * lengths.segments));
  const [key, iv] = [fromHex(vector.key), fromHex(vector.iv)];
  const sealer = await ContentSealer.create(key, iv, random, lengths.layout);
  const parts = await sealedParts(sealer, plainOf(vector), lengths);
  const digests = await Promise.all(parts.map(digest));
  same("length", lengths.length, vector.length);
  same("header", toHex(sealer.header), vector.header);
  same("digests", digests.map(toHex), vector.digests);
  same("root", toHex(await root(lengths.ciphertext, digests)), vector.root);
  if (vector.ciphertext !== null) {
    same("ciphertext", b64encode(concat(...parts)), vector.ciphertext);
  }
});

const open = operation<Open>(async (vector, file) => {
  const bases = casesOf<Seal>(file, "seal");
  const base = bases.find((candidate) => candidate.name === vector.of);
  if (!base) throw new Error(`no case ${vector.of}`);
  const ciphertexts = bases.map((one) => [one.name, b64decode(one.ciphertext ?? "")] as const);
  const known = ciphertexts.map(([name, bytes]) => [name, bytes ?? new Uint8Array()] as const);
  const ciphertext = joined(vector.ciphertext, new Map(known));
  const { result, value } = await ended(() => opened(vector, base, ciphertext));
  same("result", result, vector.result);
  if (value) same("files", toHex(value), toHex(stream(base.files, base.files_bytes)));
});

async function sealedParts(
  sealer: ContentSealer,
  plain: Bytes,
  lengths: Geometry,
): Promise<Bytes[]> {
  const parts: Bytes[] = [];
  for (let part = 0; part < lengths.parts; part += 1) {
    const piece = plain.subarray(...lengths.partPlain(part));
    parts.push(await sealer.sealPart(part, piece, lengths.isLast(part)));
  }
  return parts;
}

/** Read as a client reads: list, part by part, padding; only then is anything complete. */
async function opened(vector: Open, base: Seal, ciphertext: Bytes): Promise<Bytes> {
  const lengths = Geometry.ofLength(base.length, layoutOf(base));
  const digests = vector.digests.map(fromHex);
  await checkDigests(lengths, digests, fromHex(vector.root));
  const opener = await ContentOpener.opened(fromHex(base.key), fromHex(base.header), lengths);
  const pieces: Bytes[] = [];
  for (const [at, part] of cut(ciphertext, lengths.layout.partBytes).entries()) {
    await checkPart(part, digests[at] ?? new Uint8Array());
    const piece = await opener.openPart(at, part);
    checkPadding(piece, lengths.partPlain(at)[0], base.files_bytes);
    pieces.push(piece);
  }
  return concat(...pieces).subarray(0, base.files_bytes);
}

/** The files' bytes and the padding. */
function plainOf(vector: Seal): Bytes {
  const plain = new Uint8Array(vector.length);
  plain.set(stream(vector.files, vector.files_bytes));
  return plain;
}

function layoutOf(vector: Seal): Layout {
  return new Layout(new FloeParams(vector.segment_bytes), vector.part_segments);
}

function lengthsOf({ length, segments, ciphertext, parts }: Lengths): Lengths {
  return { length, segments, ciphertext, parts };
}

function cut(whole: Bytes, length: number): Bytes[] {
  const count = Math.ceil(whole.length / length);
  return Array.from({ length: count }, (_, at) => whole.subarray(at * length, (at + 1) * length));
}

export const content = { geometry, seal, open };
