/**
 * What a server answers, read strictly (protocol section 7).
 *
 * Every function here is pure: JSON in, a value or `Nonsense` out. Unknown fields are ignored; a
 * field that is missing, of another type, of another length or out of range is refused, so that
 * nothing further in has to doubt it.
 */

import { b64decode } from "./b64";
import type { Bytes } from "./bytes";
import { UsageError } from "./errors";
import { ID_BYTES, PIN_BYTES, parseServer } from "./link";

const HASH_BYTES = 32;
const LARGEST_MANIFEST = 1 << 20; // a sealed manifest is at most 262,144 bytes and its envelope

const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const MILLISECONDS = 4; // of a fraction, its dot counted: what a Date holds
const FIRST_YEAR = 1971; // and before 9999, so that no conversion to local time overflows
const LAST_YEAR = 9998;

export type Json = Readonly<Record<string, unknown>>;

/** An answer that no server of this protocol gives. */
export class Nonsense extends Error {}

/** What the server allows: sizes in bytes of ciphertext, durations in seconds. */
export interface Limits {
  shareBytes: number;
  partBytes: number;
  minTtlS: number;
  defaultTtlS: number;
  maxTtlS: number;
  maxDelayS: number;
  opens: number;
  links: number;
  idleUploadS: number;
}

/** Answer to `GET /info`. */
export interface Info {
  name: string;
  version: string;
  protocol: number;
  now: Date;
  /** Whether this caller has to show an upload token. */
  uploadToken: boolean;
  /** Whether the page may be used over plain HTTP from other machines. */
  plainHttp: boolean;
  /** Where others reach the server, told to pages on its own machine; or null. */
  address: string | null;
  /** Of the key that it shows there, or to this page; null where it has none of its own. */
  pin: Bytes | null;
  limits: Limits;
}

/** One opening, as the server tells its sender (the protocol's `Opening`). */
export interface OpeningReport {
  leaseHash: Bytes;
  claimedAt: Date;
  endedAt: Date | null;
  outcome: string;
  bytesRead: number;
  mac: Bytes | null;
  address: string | null;
}

/** One link, as the server tells its sender. */
export interface LinkReport {
  id: string;
  state: string;
  opens: number;
  opensLeft: number;
  opensAt: Date;
  expiresAt: Date;
  guesses: number;
  openings: OpeningReport[];
}

/** A share and its links (the protocol's `Share`). */
export interface ShareReport {
  id: string;
  state: string;
  links: LinkReport[];
  now: Date;
}

/** What anybody with the link may see without spending it. */
export interface LinkView {
  id: string;
  state: string;
  since: Date | null;
  opensLeft: number;
  opensAt: Date;
  expiresAt: Date;
  /** Of ciphertext; 0 for an inline share. */
  bytes: number;
  guessesLeft: number;
  now: Date;
}

/** One opening: the sealed manifest, the ciphertext's length and the digests of its parts. */
export interface Claim {
  manifest: Bytes;
  bytes: number;
  digests: Bytes[];
  leaseUntil: Date;
  now: Date;
}

// --- fields ------------------------------------------------------------------------------------

function field(answer: Json, key: string): unknown {
  if (!Object.hasOwn(answer, key)) throw new Nonsense(`no field ${key}`);
  return answer[key];
}

/** A JSON object, or a refusal of anything else. */
export function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Nonsense(`${what} is no object`);
  }
  return value as Json;
}

/** A string of at most so many UTF-16 units. */
export function text(answer: Json, key: string, longest = 1024): string {
  const value = field(answer, key);
  if (typeof value !== "string" || value.length > longest) {
    throw new Nonsense(`${key} is no string of at most ${longest} characters`);
  }
  return value;
}

/** An integer from 0 to 2^53-1; `true` is no number. */
export function whole(answer: Json, key: string): number {
  const value = field(answer, key);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new Nonsense(`${key} is no whole number`);
  }
  return value;
}

/** `true` or `false`. */
export function flag(answer: Json, key: string): boolean {
  const value = field(answer, key);
  if (typeof value !== "boolean") throw new Nonsense(`${key} is neither true nor false`);
  return value;
}

/** RFC 3339, with an offset. */
export function instant(answer: Json, key: string): Date {
  const found = INSTANT.exec(text(answer, key, 64));
  if (!found) throw new Nonsense(`${key} is no instant`);
  const [, seconds = "", fraction = "", offset = ""] = found;
  if (!isOnClock(seconds)) throw new Nonsense(`${key} is no instant`);
  const moment = new Date(seconds + fraction.slice(0, MILLISECONDS) + offset);
  const year = moment.getUTCFullYear();
  // The comparison is false for an impossible date, too: its year is NaN.
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR)) throw new Nonsense(`${key} is out of range`);
  return moment;
}

/** Whether there is such a day and such a second: a Date takes 31 February for 3 March. */
function isOnClock(seconds: string): boolean {
  const moment = new Date(`${seconds}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(seconds);
}

/** Bytes as b64, exactly `length` of them where that is given. */
export function octets(answer: Json, key: string, length?: number): Bytes {
  const value = b64decode(text(answer, key, 2 * LARGEST_MANIFEST), length);
  if (!value) throw new Nonsense(`${key} is no b64 of the right length`);
  return value;
}

/** The text of an id: b64 of 12 bytes. */
export function identifier(answer: Json, key: string): string {
  octets(answer, key, ID_BYTES);
  return text(answer, key);
}

type Read<T> = (answer: Json, key: string) => T;

/** `read`, or null where the field is null. */
export function optional<T>(read: Read<T>, answer: Json, key: string): T | null {
  return field(answer, key) === null ? null : read(answer, key);
}

/** A list of whatever `read` takes for an object. */
function list<T>(read: (item: Json) => T, answer: Json, key: string): T[] {
  const value = field(answer, key);
  if (!Array.isArray(value)) throw new Nonsense(`${key} is no list`);
  return value.map((item: unknown) => read(object(item, key)));
}

/** A server's address, as links carry it. */
export function server(answer: Json, key: string): string {
  try {
    return parseServer(text(answer, key));
  } catch (error) {
    if (error instanceof UsageError) throw new Nonsense(`${key} is no server's address`);
    throw error;
  }
}

function pin(answer: Json, key: string): Bytes {
  return octets(answer, key, PIN_BYTES);
}

function hash(answer: Json, key: string): Bytes {
  return octets(answer, key, HASH_BYTES);
}

function hashes(answer: Json, key: string): Bytes[] {
  const value = field(answer, key);
  if (!Array.isArray(value)) throw new Nonsense(`${key} is no list`);
  return value.map((item: unknown) => hash({ [key]: item }, key));
}

// --- answers -----------------------------------------------------------------------------------

function limits(answer: Json): Limits {
  return {
    shareBytes: whole(answer, "share_bytes"),
    partBytes: whole(answer, "part_bytes"),
    minTtlS: whole(answer, "min_ttl_s"),
    defaultTtlS: whole(answer, "default_ttl_s"),
    maxTtlS: whole(answer, "max_ttl_s"),
    maxDelayS: whole(answer, "max_delay_s"),
    opens: whole(answer, "opens"),
    links: whole(answer, "links"),
    idleUploadS: whole(answer, "idle_upload_s"),
  };
}

/** Decode an `Info`. */
export function info(answer: Json): Info {
  return {
    name: text(answer, "name"),
    version: text(answer, "version"),
    protocol: whole(answer, "protocol"),
    now: instant(answer, "now"),
    uploadToken: flag(answer, "upload_token"),
    plainHttp: flag(answer, "plain_http"),
    address: optional(server, answer, "address"),
    pin: optional(pin, answer, "pin"),
    limits: limits(object(field(answer, "limits"), "limits")),
  };
}

function opening(answer: Json): OpeningReport {
  return {
    leaseHash: hash(answer, "lease"),
    claimedAt: instant(answer, "claimed_at"),
    endedAt: optional(instant, answer, "ended_at"),
    outcome: text(answer, "outcome"),
    bytesRead: whole(answer, "bytes_read"),
    mac: optional(hash, answer, "mac"),
    address: optional(text, answer, "address"),
  };
}

function linkReport(answer: Json): LinkReport {
  return {
    id: identifier(answer, "id"),
    state: text(answer, "state"),
    opens: whole(answer, "opens"),
    opensLeft: whole(answer, "opens_left"),
    opensAt: instant(answer, "opens_at"),
    expiresAt: instant(answer, "expires_at"),
    guesses: whole(answer, "guesses"),
    openings: list(opening, answer, "openings"),
  };
}

/** Decode a `Share`; its list of parts is the sender's own and not looked at. */
export function share(answer: Json): ShareReport {
  return {
    id: identifier(answer, "id"),
    state: text(answer, "state"),
    links: list(linkReport, answer, "links"),
    now: instant(answer, "now"),
  };
}

/** Decode a `LinkView`. */
export function linkView(answer: Json): LinkView {
  return {
    id: identifier(answer, "id"),
    state: text(answer, "state"),
    since: optional(instant, answer, "since"),
    opensLeft: whole(answer, "opens_left"),
    opensAt: instant(answer, "opens_at"),
    expiresAt: instant(answer, "expires_at"),
    bytes: whole(answer, "bytes"),
    guessesLeft: whole(answer, "guesses_left"),
    now: instant(answer, "now"),
  };
}

/** Decode a `Claim`. */
export function claim(answer: Json): Claim {
  return {
    manifest: octets(answer, "manifest"),
    bytes: whole(answer, "bytes"),
    digests: hashes(answer, "digests"),
    leaseUntil: instant(answer, "lease_until"),
    now: instant(answer, "now"),
  };
}
