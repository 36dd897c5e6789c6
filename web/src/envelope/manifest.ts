/**
 * The manifest: what a link opens, sealed in one segment (protocol section 5).
 *
 *     u32(len JSON) || JSON || inline || zeros
 *
 * `decode` refuses every plaintext that `encode` would not have written, so that two readers
 * never see two things in one manifest.
 */

import { b64decode, b64encode } from "../b64";
import { type Bytes, concat, isZero, readU32, u32, utf8 } from "../bytes";
import type { Random } from "../crypto";
import { IntegrityError, UsageError } from "../errors";
import { checkNames } from "../names";
import { dump, type Fields, type Json, parse } from "./canonical";
import { Floe, HEADER_BYTES, IV_BYTES, KEY_BYTES, NONCE_BYTES, SEGMENT_OVERHEAD } from "./floe";
import { bucket, BUCKETS, MAX_BUCKET, paddedContent } from "./padding";

export const MAX_FILES = 4_096;
export const MAX_NOTE_BYTES = 65_536;
export const MAX_INLINE_BYTES = 65_536;
export const ROOT_BYTES = 32;

const VERSION = 1;
const LENGTH_BYTES = 4;
const MAX_TYPE_BYTES = 127;
// RFC 6838 section 4.2, without parameters; empty where nobody knows.
const TYPE = /^(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)?$/;

/** One file. */
export interface FileEntry {
  /** Components separated by `/`; `names.ts` has the rules. */
  name: string;
  /** Bytes. */
  size: number;
  /** `type/subtype`, or empty. */
  type: string;
}

/** Where the files are when they don't travel inline, and what opens them. */
export interface BlobEntry {
  /** The content key, 32 bytes. */
  key: Bytes;
  /** The content's FLOE header, 74 bytes. */
  header: Bytes;
  /** `l`, the padded content's length in bytes. */
  length: number;
  /** The hash over the list of digests, 32 bytes. */
  root: Bytes;
}

/** What a link opens. */
export interface Manifest {
  /** The sender's words, perhaps empty. */
  note: string;
  /** The sender asks for viewing, not keeping. */
  view: boolean;
  /** In the order in which their bytes are joined. */
  files: readonly FileEntry[];
  /** Null where the bytes stand in `inline`. */
  blob: BlobEntry | null;
  /** The files' bytes, joined; empty where there is a blob. */
  inline: Bytes;
}

/** How many bytes all files have together; exact only up to 2^53-1, which `decode` sees to. */
export function filesBytes(files: readonly FileEntry[]): number {
  return files.reduce((sum, entry) => sum + entry.size, 0);
}

/** Whether the text can be a file's type: empty, or `type/subtype` of at most 127 bytes. */
export function isType(text: string): boolean {
  return text.length <= MAX_TYPE_BYTES && TYPE.test(text);
}

/** Whether the files may travel in the manifest: small, and with room beside the JSON. */
export function fitsInline(note: string, files: readonly FileEntry[], view: boolean): boolean {
  const total = filesBytes(files);
  if (total > MAX_INLINE_BYTES) return false;
  const json = dump(toJson({ note, view, files, blob: null, inline: new Uint8Array() }));
  return LENGTH_BYTES + json.length + total <= MAX_BUCKET;
}

/**
 * Before anything is uploaded: can there be a manifest for this?
 *
 * @returns how many bytes its padded plaintext has.
 * @throws UsageError too many files, too long a note, a name or type that no reader accepts, or
 *   more of them all than fit.
 */
export function checkSendable(note: string, files: readonly FileEntry[], view: boolean): number {
  const blob = {
    key: new Uint8Array(KEY_BYTES),
    header: new Uint8Array(HEADER_BYTES),
    length: paddedContent(filesBytes(files)),
    root: new Uint8Array(ROOT_BYTES),
  };
  return encode({ note, view, files, blob, inline: new Uint8Array() }).length;
}

/**
 * The padded plaintext; what comes out is what `decode` reads.
 *
 * @throws UsageError a rule of section 5 stands against it.
 */
export function encode(manifest: Manifest): Bytes {
  checkLimits(manifest);
  const json = dump(toJson(manifest));
  const unpadded = concat(u32(json.length), json, manifest.inline);
  const plaintext = new Uint8Array(bucket(unpadded.length));
  plaintext.set(unpadded);
  try {
    decode(plaintext);
  } catch (error) {
    throw error instanceof IntegrityError ? new UsageError(error.message) : error;
  }
  return plaintext;
}

/**
 * Read a manifest's plaintext.
 *
 * @throws IntegrityError anything that `encode` would not have written, keys that nobody knows
 *   yet aside.
 */
export function decode(plaintext: Uint8Array): Manifest {
  if (!isBucket(plaintext.length)) throw refusal("its length");
  const jsonEnd = LENGTH_BYTES + readU32(plaintext);
  if (jsonEnd > plaintext.length) throw refusal("its length");
  const manifest = fromJson(fieldsOf(parse(plaintext.subarray(LENGTH_BYTES, jsonEnd))));
  const inlineEnd = jsonEnd + (manifest.blob ? 0 : filesBytes(manifest.files));
  checkEnd(plaintext, inlineEnd);
  return { ...manifest, inline: new Uint8Array(plaintext.subarray(jsonEnd, inlineEnd)) };
}

/**
 * Seal under M. Never twice for one `(id, S)`: draw a new link instead.
 *
 * @throws UsageError as `encode`.
 */
export async function sealManifest(
  manifest: Manifest,
  key: Uint8Array,
  id: Uint8Array,
  random: Random,
): Promise<Bytes> {
  const iv = random(IV_BYTES);
  const nonce = random(NONCE_BYTES);
  return sealPlaintext(encode(manifest), key, id, iv, nonce);
}

/** The known-answer half of `sealManifest`: `header || seg_0`. */
export async function sealPlaintext(
  plaintext: Uint8Array,
  key: Uint8Array,
  id: Uint8Array,
  iv: Uint8Array,
  nonce: Uint8Array,
): Promise<Bytes> {
  const floe = await Floe.create(key, iv, aadOf(id));
  const segment = new Uint8Array(plaintext.length + SEGMENT_OVERHEAD);
  await floe.sealInto(segment, 0, plaintext, nonce, true);
  return concat(floe.header, segment);
}

/**
 * Open and read what `sealManifest` made.
 *
 * @throws IntegrityError another key, another link's, or not a bit as it was.
 */
export async function openManifest(
  sealed: Uint8Array,
  key: Uint8Array,
  id: Uint8Array,
): Promise<Manifest> {
  const plainLength = sealed.length - HEADER_BYTES - SEGMENT_OVERHEAD;
  // Before anything is computed: there are four lengths, and all else is noise.
  if (!isBucket(plainLength)) throw refusal("its length");
  const floe = await Floe.opened(key, sealed.subarray(0, HEADER_BYTES), aadOf(id));
  const plaintext = new Uint8Array(plainLength);
  await floe.openInto(plaintext, 0, sealed.subarray(HEADER_BYTES), true);
  return decode(plaintext);
}

function aadOf(id: Uint8Array): Bytes {
  return concat(utf8("otv/1 manifest\0"), id);
}

function isBucket(length: number): boolean {
  return BUCKETS.some((size) => size === length);
}

/** What a person can put right, each with a reason of its own; `decode` sees to the rest. */
function checkLimits({ note, files, blob, inline }: Manifest): void {
  if (utf8(note).length > MAX_NOTE_BYTES) {
    throw new UsageError("the note is too long", "too_long_note");
  }
  if (files.length > MAX_FILES) throw new UsageError("too many files", "too_many_files");
  // The padding is zeros too: it would fill files that have too few bytes, and pass.
  if (inline.length !== (blob ? 0 : filesBytes(files))) {
    throw new UsageError("the files' sizes are not those of their bytes");
  }
}

function toJson({ note, view, files, blob }: Manifest): Json {
  return {
    v: VERSION,
    note,
    view,
    files: files.map((entry) => ({ n: entry.name, s: entry.size, t: entry.type })),
    blob: blob && {
      k: b64encode(blob.key),
      h: b64encode(blob.header),
      l: blob.length,
      r: b64encode(blob.root),
    },
  };
}

function fromJson(fields: Fields): Omit<Manifest, "inline"> {
  if (numberIn(fields, "v") !== VERSION) throw refusal("its version");
  const note = textIn(fields, "note");
  if (utf8(note).length > MAX_NOTE_BYTES) throw refusal("the note's length");
  const files = readFiles(fields["files"]);
  const blob = fields["blob"] === null ? null : readBlob(fieldsOf(fields["blob"]));
  // No safe integer is the padded length of a sum beyond them, nor has a manifest so much inline.
  if (blob && blob.length !== paddedContent(filesBytes(files))) throw refusal("the files' sizes");
  return { note, view: flagIn(fields, "view"), files, blob };
}

function readFiles(entries: Json | undefined): FileEntry[] {
  if (!Array.isArray(entries)) throw wrongType();
  if (entries.length > MAX_FILES) throw refusal("the number of files");
  const files = entries.map((entry) => readFile(fieldsOf(entry)));
  checkNames(files.map((entry) => entry.name));
  return files;
}

function readFile(fields: Fields): FileEntry {
  const type = textIn(fields, "t");
  if (!isType(type)) throw refusal("a file's type");
  return { name: textIn(fields, "n"), size: numberIn(fields, "s"), type };
}

function readBlob(fields: Fields): BlobEntry {
  return {
    key: bytesIn(fields, "k", KEY_BYTES),
    header: bytesIn(fields, "h", HEADER_BYTES),
    length: numberIn(fields, "l"),
    root: bytesIn(fields, "r", ROOT_BYTES),
  };
}

function textIn(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw wrongType();
  return value;
}

function numberIn(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== "number") throw wrongType();
  return value;
}

function flagIn(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (typeof value !== "boolean") throw wrongType();
  return value;
}

function bytesIn(fields: Fields, key: string, length: number): Bytes {
  const bytes = b64decode(textIn(fields, key), length);
  if (!bytes) throw refusal("a field that is no base64url of its length");
  return bytes;
}

function fieldsOf(value: Json | undefined): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType();
  return value;
}

function checkEnd(plaintext: Uint8Array, end: number): void {
  if (end > plaintext.length) throw refusal("the files' sizes");
  if (bucket(end) !== plaintext.length) throw refusal("its length");
  if (!isZero(plaintext.subarray(end))) throw refusal("its padding");
}

function wrongType(): IntegrityError {
  return refusal("a field that is missing, or of another type");
}

function refusal(what: string): IntegrityError {
  return new IntegrityError(`the description of this share is not as it must be: ${what}`);
}
