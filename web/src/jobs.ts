/**
 * What the page asks of a worker, and what a worker tells: the messages, and errors as messages.
 *
 * A worker does one job and is ended. Everything that takes long or needs much memory is a job, so
 * that the page stays quick, and so that ending the worker stops all of it.
 */

import type { Bytes } from "./bytes";
import type { Random } from "./crypto";
import type { Keys } from "./envelope/keys";
import {
  IntegrityError,
  Interrupted,
  LinkDamaged,
  LinkTooNew,
  LocalError,
  Locked,
  NotYet,
  OtvError,
  Over,
  PasswordMissing,
  Refused,
  Unknown,
  Unreachable,
  UsageError,
  WrongPassword,
} from "./errors";
import type { Http } from "./exchange";
import type { Link } from "./link";
import type { OpenPrivateFile } from "./private";
import type { Clock } from "./retry";

/** The keys of links, which with a password take a second each. */
export interface DeriveJob {
  kind: "derive";
  links: Pick<Link, "id" | "secret" | "kdf">[];
  password: string | null;
}

/** Files to read, seal and send as the parts of a share that exists already. */
export interface UploadJob {
  kind: "upload";
  server: string;
  sid: string;
  owner: Bytes;
  /** In the manifest's order. */
  sources: { name: string; size: number; blob: Blob }[];
}

/** What an upload made; the rest follows from the sizes. */
export interface Uploaded {
  /** The content key. */
  key: Bytes;
  /** The content's FLOE header. */
  header: Bytes;
  root: Bytes;
}

/** A content to fetch, check and open; its digests have been checked against the root. */
export interface RemoteContent {
  server: string;
  linkId: string;
  /** T. */
  lease: Bytes;
  root: Bytes;
  digests: Bytes[];
  /** The content key. */
  key: Bytes;
  header: Bytes;
  /** `l`. */
  length: number;
}

/** Files to bring to where they stay. Nothing of them may be used before this is done. */
export interface DownloadJob {
  kind: "download";
  /** Where from: the server, or the manifest, which held them. */
  content: RemoteContent | Bytes;
  /** Of all files together, the padding left out. */
  filesBytes: number;
  /** The private file to write, or null to tell the bytes. */
  file: string | null;
  /** Parts that are there already. */
  partsDone: number;
  /** Written behind the files' bytes once they are all there; private files only. */
  trailer: Bytes;
}

/** Files to join into a ZIP. */
export interface ArchiveJob {
  kind: "archive";
  files: { name: string; blob: Blob }[];
  /** The private file to write, or null to tell the bytes. */
  file: string | null;
}

export interface Jobs {
  derive: DeriveJob;
  upload: UploadJob;
  download: DownloadJob;
  archive: ArchiveJob;
}

export interface Results {
  derive: Keys[];
  upload: Uploaded;
  download: null;
  archive: null;
}

export type Kind = keyof Jobs;
export type Job = Jobs[Kind];

/** What a worker tells on the way. */
export type Event =
  /** Bytes done, and in all. */
  | { kind: "progress"; done: number; total: number | null }
  /** So many parts, from the first on, outlast a crash. */
  | { kind: "durable"; parts: number }
  /** The next bytes, where there is no private file to write. */
  | { kind: "bytes"; bytes: Bytes };

export type Emit = (event: Event) => void;

export type FromWorker =
  | Event
  | { kind: "result"; result: Results[Kind] }
  | { kind: "error"; error: ErrorFields };

/** What a job takes from outside. */
export interface Tools {
  random: Random;
  clock: Clock;
  http: Http;
  openFile: OpenPrivateFile;
}

// --- errors as messages: their classes don't survive the way -----------------------------------

export type ErrorFields = Readonly<Record<string, unknown>> & Pick<OtvError, "code" | "message">;

/** An error's fields; what is no error of ours is a defect, told as a worker that failed. */
export function errorFields(error: unknown): ErrorFields {
  const told = error instanceof OtvError ? error : new LocalError("worker");
  return { ...told, code: told.code, message: told.message };
}

/** The error that had these fields. */
export function errorFrom(fields: ErrorFields): OtvError {
  return BUILD[fields.code](fields);
}

// The fields come from `errorFields`, in the same build of this page: their types are known.
// oxlint-disable-next-line typescript/no-explicit-any -- as above
const BUILD: Readonly<Record<OtvError["code"], (fields: any) => OtvError>> = {
  usage: ({ message, reason }) => new UsageError(message, reason),
  link_damaged: ({ message, isEscaped }) => new LinkDamaged(message, isEscaped),
  link_too_new: ({ message }) => new LinkTooNew(message),
  unreachable: ({ message }) => new Unreachable(message),
  over: ({ state, since }) => new Over(state, since),
  unknown: ({ message }) => new Unknown(message),
  password_missing: ({ message }) => new PasswordMissing(message),
  wrong_password: ({ guessesLeft }) => new WrongPassword(guessesLeft),
  locked: ({ message }) => new Locked(message),
  integrity: ({ message }) => new IntegrityError(message),
  refused: ({ reason }) => new Refused(reason),
  not_yet: ({ opensAt, waitMs }) => new NotYet(opensAt, waitMs),
  local: ({ reason, file }) => new LocalError(reason, file),
  interrupted: ({ message }) => new Interrupted(message),
};
