/** What is sent and on which terms, checked before anything leaves (protocol sections 5 and 7). */

import type { Limits } from "./answers";
import { b64encode } from "./b64";
import { concat, utf8 } from "./bytes";
import { hashed, passwordBytes } from "./envelope/keys";
import type { FileEntry } from "./envelope/manifest";
import { MAX_FILES, MAX_NOTE_BYTES, checkSendable, isType } from "./envelope/manifest";
import { Refused, UsageError } from "./errors";
import { safeName } from "./names";
import { distinct, numbered } from "./plan";

const STAMP_BYTES = 4096;

/** One file to send. */
export interface Source {
  /** As the manifest will say it. */
  name: string;
  /** In bytes, as it was chosen. */
  size: number;
  /** `type/subtype`, or empty. */
  type: string;
  blob: Blob;
  /** What `stampOf` said when it was chosen. */
  stamp: Promise<string>;
}

/** How a share may be opened. */
export interface Terms {
  /** Seconds that each link lives once it opens; null takes the server's default. */
  expiresS: number | null;
  /** From when on, or null for at once. */
  opensAt: Date | null;
  /** Openings of each link. */
  opens: number;
  /** Personal links to the one upload. */
  links: number;
  password: string | null;
  /** Ask for viewing, not keeping. */
  viewOnly: boolean;
  /** A message beside the files, or the secret text. */
  note: string;
}

/** A file as it was chosen: with its folders, separated by `/`. */
export interface Entry {
  path: string;
  file: File;
  stamp: Promise<string>;
}

/** A file at the moment that it is chosen. */
export function entryOf(path: string, file: File): Entry {
  return { path, file, stamp: stampOf(file) };
}

/**
 * What tells a file from itself after a change: its beginning and its end, hashed. Firefox reads a
 * file that was changed since it was chosen without a word, and to its old length; others refuse.
 *
 * @returns the empty text where it can't be read, which reading it says better.
 */
export async function stampOf(file: Blob): Promise<string> {
  try {
    const ends = [file.slice(0, STAMP_BYTES), file.slice(-STAMP_BYTES)];
    const read = ends.map(async (end) => new Uint8Array(await end.arrayBuffer()));
    return b64encode(await hashed(concat(...(await Promise.all(read)))));
  } catch {
    return "";
  }
}

/** A file that is sent under another name than its own. */
export interface Told {
  path: string;
  name: string;
}

/**
 * Files as they are sent: under names that every reader takes, no two the same.
 *
 * @throws UsageError more files than one share can hold.
 */
export function collect(entries: readonly Entry[]): { sources: Source[]; told: Told[] } {
  if (entries.length > MAX_FILES) throw new UsageError("too many files", "too_many_files");
  const names = distinctNames(entries.map(({ path }) => safeName(path)));
  const sources: Source[] = [];
  const told: Told[] = [];
  entries.forEach(({ path, file, stamp }, at) => {
    const name = names[at] ?? "";
    sources.push({ name, size: file.size, type: typeOf(file.type, name), blob: file, stamp });
    if (name !== visiblePath(path)) told.push({ path, name });
  });
  return { sources, told };
}

/** The same files, none named like another and none named like a folder of another. */
export function withDistinctNames(sources: readonly Source[]): Source[] {
  const names = distinctNames(sources.map(({ name }) => name));
  return sources.map((source, at) => ({ ...source, name: names[at] ?? source.name }));
}

function distinctNames(names: readonly string[]): string[] {
  const another = (name: string, number: number): string => safeName(numbered(name, number));
  return distinct(names, (name) => name, another);
}

/** A path without what no person would miss: another normal form, and slashes in front. */
function visiblePath(path: string): string {
  return path.normalize("NFC").replace(/^\/+/, "");
}

// Browsers know these by themselves, but not on every system.
const TYPES: Readonly<Record<string, string>> = {
  avif: "image/avif",
  csv: "text/csv",
  flac: "audio/flac",
  gif: "image/gif",
  gz: "application/gzip",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  m4a: "audio/mp4",
  md: "text/markdown",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  wav: "audio/wav",
  webm: "video/webm",
  webp: "image/webp",
  zip: "application/zip",
};

/** What the browser says, where section 5 takes it; else by the name's ending; else nothing. */
function typeOf(said: string, name: string): string {
  if (said !== "" && isType(said)) return said;
  const ending = /[^/]\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, ending) ? (TYPES[ending] ?? "") : "";
}

// --- checks ------------------------------------------------------------------------------------

/**
 * What no share can hold, said before the server is asked.
 *
 * @returns how many bytes the padded plaintext of a manifest has.
 * @throws UsageError nothing to send, too much of something, or a password that is none.
 */
export function checkParcel(sources: readonly Source[], terms: Terms): number {
  if (sources.length === 0 && terms.note === "") {
    throw new UsageError("there is nothing to send", "nothing_to_send");
  }
  if (terms.password !== null) passwordBytes(terms.password);
  if (utf8(terms.note).length > MAX_NOTE_BYTES) {
    throw new UsageError("the note is too long", "too_long_note");
  }
  return checkSendable(terms.note, entriesOf(sources), terms.viewOnly);
}

/**
 * What the server would refuse after the upload.
 *
 * @throws Refused outside of the server's limits.
 * @throws UsageError terms that are none at all.
 */
export function checkTerms(terms: Terms, limits: Limits, now: Date): void {
  const ttlS = ttlOf(terms, limits);
  if (ttlS < limits.minTtlS || ttlS > limits.maxTtlS) throw new Refused("ttl");
  if (delayUntil(terms.opensAt, now) > limits.maxDelayS) throw new Refused("delay");
  checkCount(terms.opens, limits.opens, "openings");
  checkCount(terms.links, limits.links, "personal_links");
}

function checkCount(count: number, limit: number, what: string): void {
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`no number of ${what}`, "terms");
  if (count > limit) throw new Refused(what);
}

/** The manifest's entries of files; a type that no reader takes is left out. */
export function entriesOf(sources: readonly Source[]): FileEntry[] {
  return sources.map(({ name, size, type }) => ({ name, size, type: isType(type) ? type : "" }));
}

/** Seconds that a link lives. */
export function ttlOf(terms: Terms, limits: Limits): number {
  return terms.expiresS ?? limits.defaultTtlS;
}

/** Whole seconds from now, rounded up; 0 for at once and for what is past. */
export function delayUntil(opensAt: Date | null, now: Date): number {
  return opensAt ? Math.max(0, Math.ceil((opensAt.getTime() - now.getTime()) / 1000)) : 0;
}
