/**
 * A link, and the text it stands in (protocol section 2).
 *
 *     https://host/s/<id>#<fragment>
 *
 * The fragment carries the secret. Nothing here shows it except `linkUrl`.
 */

import { b64decode, b64encode } from "./b64";
import { type Bytes, concat, equal, utf8 } from "./bytes";
import { primitives, type Random } from "./crypto";
import { LinkDamaged, LinkTooNew, UsageError } from "./errors";

export const ID_BYTES = 12;
export const SECRET_BYTES = 32;
export const PIN_BYTES = 15;

const VERSION = 1;
const CHECKSUM_BYTES = 5;
const HEAD_BYTES = 2; // version, flags
const PIN_FLAG = 0x01;
const RESERVED_FLAGS = 0x0e;
// A draw is clean with a chance of one in three; a source that fails this often repeats itself.
const MAX_DRAWS = 10_000;

// No user, query, escape or dot segment: what is joined here is what is asked for.
const HOST = String.raw`(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])`;
const PATH = String.raw`(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*`;
const SERVER = new RegExp(`^https?://${HOST}(?::[0-9]{1,5})?${PATH}$`);

/** What turns the password into key material (the high four bits of the flags). */
export const KDF = { none: 0, argon2id: 1 } as const;
export type Kdf = (typeof KDF)[keyof typeof KDF];

/** The server of a link. */
export interface Place {
  /** `https://host[:port][/base]`, without a trailing slash. */
  server: string;
  /** 15 bytes of the server key's hash, which no browser can check, or null. */
  pin: Bytes | null;
}

/** Everything a link says. */
export interface Link extends Place {
  /** 12 bytes; a locator, no credential. */
  id: Bytes;
  /** S, 32 bytes; never leaves the two ends. */
  secret: Bytes;
  kdf: Kdf;
}

/** Whether a password is needed to open it. */
export function wantsPassword({ kdf }: Link): boolean {
  return kdf !== KDF.none;
}

/** The id as 16 base64url characters. */
export function idText(link: Link): string {
  return b64encode(link.id);
}

/** The link as text. It holds the secret: show it to the sender and to nobody else. */
export async function linkUrl(link: Link): Promise<string> {
  return `${link.server}/s/${idText(link)}#${await fragmentOf(link)}`;
}

/**
 * Read a link; surrounding white space is the caller's to strip.
 *
 * @throws LinkDamaged a character is missing, changed or added.
 * @throws LinkTooNew a version or a flag that this program doesn't know.
 */
export async function parseLink(text: string): Promise<Link> {
  if (text.includes("%23")) {
    throw new LinkDamaged("the # came as %23, so the key has reached a server", true);
  }
  const mark = text.indexOf("#");
  if (mark < 0 || mark === text.length - 1) throw new LinkDamaged("what follows the # is missing");
  const { server, id } = parseAddress(text.slice(0, mark));
  const fields = await checkedFields(text.slice(mark + 1), id);
  const { kdf, hasPin } = parseHead(fields);
  const secretEnd = HEAD_BYTES + SECRET_BYTES;
  if (fields.length !== secretEnd + (hasPin ? PIN_BYTES : 0)) throw damaged();
  const pin = hasPin ? fields.slice(secretEnd) : null;
  return { server, id, secret: fields.slice(HEAD_BYTES, secretEnd), kdf, pin };
}

/**
 * A server's address as a person gives it, without trailing slashes.
 *
 * @throws UsageError not `http(s)://host[:port][/base]`.
 */
export function parseServer(text: string): string {
  const server = text.replace(/\/+$/, "");
  if (!SERVER.test(server)) throw new UsageError("no address of a server", "server");
  return server;
}

/** Whether a server's address leads each machine to itself. */
export function isLoopback(server: string): boolean {
  const { hostname } = new URL(server);
  return /^(?:127(?:\.\d+){3}|\[::1\]|(?:.+\.)?localhost)\.?$/.test(hostname);
}

/**
 * Draw an id and a secret whose text chat programs and shells leave alone.
 *
 * @throws UsageError the server's address is none, or no link can carry this pin.
 */
export async function drawLink(
  server: string,
  kdf: Kdf,
  random: Random,
  pin: Bytes | null = null,
): Promise<Link> {
  const address = parseServer(server);
  if (pin && !pinFitsLinks(pin)) throw new UsageError("no link can carry this pin", "pin");
  const id = drawId(random);
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const link = { server: address, id, secret: random(SECRET_BYTES), kdf, pin };
    if (survivesChat(await fragmentOf(link))) return link;
  }
  throw repeating();
}

/** Draw 12 bytes for an `id` or a `sid` whose text holds no `_` and begins with no `-`. */
export function drawId(random: Random): Bytes {
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const id = random(ID_BYTES);
    if (isCalm(b64encode(id))) return id;
  }
  throw repeating();
}

/**
 * Whether a fragment with this pin can be free of `_`.
 *
 * In a fragment the pin alone decides 19 characters, and drawing another secret does not change
 * them: a server whose key fails this test (one in four) draws another key.
 */
export function pinFitsLinks(pin: Uint8Array): boolean {
  const before = new Uint8Array(HEAD_BYTES + SECRET_BYTES);
  return pin.length === PIN_BYTES && !b64encode(concat(before, pin)).includes("_");
}

/** Chat programs take `_` for italics, and programs a leading `-` for an option. */
function isCalm(text: string): boolean {
  return !text.includes("_") && !text.startsWith("-");
}

/** Programs that make links clickable leave a punctuation mark at the end out. */
function survivesChat(fragment: string): boolean {
  return isCalm(fragment) && !fragment.endsWith("-");
}

async function fragmentOf(link: Link): Promise<string> {
  const flags = (link.kdf << 4) | (link.pin ? PIN_FLAG : 0);
  const head = Uint8Array.of(VERSION, flags);
  const fields = concat(head, link.secret, link.pin ?? new Uint8Array());
  return b64encode(concat(fields, await checksum(link.id, fields)));
}

async function checksum(id: Uint8Array, fields: Uint8Array): Promise<Bytes> {
  const hash = await primitives.sha256(concat(utf8("otv/1 link\0"), id, fields));
  return hash.subarray(0, CHECKSUM_BYTES);
}

function parseAddress(address: string): { server: string; id: Bytes } {
  const mark = address.lastIndexOf("/s/");
  const server = address.slice(0, Math.max(mark, 0));
  if (!SERVER.test(server)) throw damaged();
  return { server, id: decode(address.slice(mark + "/s/".length), ID_BYTES) };
}

/** The fragment's fields, once its alphabet, its form and its checksum are right. */
async function checkedFields(fragment: string, id: Uint8Array): Promise<Bytes> {
  const data = decode(fragment);
  const end = data.length - CHECKSUM_BYTES;
  if (end < 1) throw damaged();
  const fields = data.subarray(0, end);
  // Not a secret comparison, but one habit is simpler to keep than two.
  if (!equal(data.subarray(end), await checksum(id, fields))) throw damaged();
  return fields;
}

/** Version and flags; all that a version 1 reader can't read shows here. */
function parseHead(fields: Uint8Array): { kdf: Kdf; hasPin: boolean } {
  const [version, flags] = fields;
  if (version !== VERSION) throw tooNew();
  if (flags === undefined) throw damaged();
  const kdf = flags >> 4;
  if (flags & RESERVED_FLAGS || !isKdf(kdf)) throw tooNew();
  return { kdf, hasPin: (flags & PIN_FLAG) !== 0 };
}

function isKdf(number: number): number is Kdf {
  return number === KDF.none || number === KDF.argon2id;
}

function decode(text: string, length?: number): Bytes {
  const data = b64decode(text, length);
  if (!data) throw damaged();
  return data;
}

function damaged(): LinkDamaged {
  return new LinkDamaged("a character is missing, changed or added");
}

function tooNew(): LinkTooNew {
  return new LinkTooNew("made by a newer version");
}

function repeating(): Error {
  return new Error("the random source repeats itself");
}
