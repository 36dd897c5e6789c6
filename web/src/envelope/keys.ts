/** The keys of a link, from its secret and the password; the receipt (protocol sections 3, 8). */

import { type Bytes, concat, equal, isWellFormed, utf8 } from "../bytes";
import { primitives } from "../crypto";
import { PasswordMissing, UsageError } from "../errors";
import { KDF, type Kdf } from "../link";

export const MAX_PASSWORD_BYTES = 1024;

const KEY_BYTES = 32;
const ARGON2_SALT_BYTES = 16;

/** The four keys of one link, 32 bytes each. */
export interface Keys {
  /** A, shown to the server for every call on the link. */
  access: Bytes;
  /** U, shown when claiming; proves that the password is known. */
  unlock: Bytes;
  /** M, opens the manifest; never leaves this device. */
  manifest: Bytes;
  /** K, signs the receipt; the sender keeps a copy. */
  ack: Bytes;
}

/** What the reader says became of an opening; the byte that the receipt signs. */
export const OUTCOME = { opened: 1, rejected: 2 } as const;
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** A alone: what looking at a link needs, without the price of Argon2id. */
export function deriveAccess(id: Uint8Array, secret: Uint8Array): Promise<Bytes> {
  return primitives.hkdfSha256(secret, saltOf(id), utf8("otv/1 access"), KEY_BYTES);
}

/**
 * All keys of a link; about a second and 64 MiB where there is a password.
 *
 * @param id 12 bytes.
 * @param secret S, 32 bytes.
 * @param kdf as the link says.
 * @param password null exactly where `kdf` is none.
 * @throws PasswordMissing the link asks for a password and none is given.
 * @throws UsageError a password for a link without one; an empty or overlong password, or one
 *   that is no text.
 */
export async function deriveKeys(
  id: Uint8Array,
  secret: Uint8Array,
  kdf: Kdf,
  password: string | null,
): Promise<Keys> {
  const salt = saltOf(id);
  const material = concat(secret, await stretched(secret, salt, kdf, password));
  const derived = (purpose: string) =>
    primitives.hkdfSha256(material, salt, concat(utf8(purpose), Uint8Array.of(kdf)), KEY_BYTES);
  const [access, unlock, manifest, ack] = await Promise.all([
    deriveAccess(id, secret),
    derived("otv/1 unlock"),
    derived("otv/1 manifest"),
    derived("otv/1 ack"),
  ]);
  return { access, unlock, manifest, ack };
}

/**
 * The password as Argon2id takes it: NFC, in UTF-8, 1 to 1,024 bytes.
 *
 * @throws UsageError empty, too long, or with a lone surrogate.
 */
export function passwordBytes(password: string): Bytes {
  if (!isWellFormed(password)) throw new UsageError("the password holds a character that is none");
  const encoded = utf8(password.normalize("NFC"));
  if (encoded.length === 0) throw new UsageError("the password is empty", "password_empty");
  if (encoded.length > MAX_PASSWORD_BYTES) {
    throw new UsageError("the password is too long", "password_long");
  }
  return encoded;
}

/** H(proof): what the server keeps of A, U, O and T. */
export function hashed(proof: Uint8Array): Promise<Bytes> {
  return primitives.sha256(proof);
}

/**
 * The receipt of one opening (section 8), 32 bytes.
 *
 * @param ack K, 32 bytes.
 * @param id 12 bytes.
 * @param leaseHash H(T), 32 bytes.
 * @param outcome what the reader found.
 */
export function receiptMac(
  ack: Uint8Array,
  id: Uint8Array,
  leaseHash: Uint8Array,
  outcome: Outcome,
): Promise<Bytes> {
  const signed = concat(utf8("otv/1 ack\0"), id, leaseHash, Uint8Array.of(outcome));
  return primitives.hmacSha256(ack, signed);
}

/** Whether a receipt was made with this link's K; takes the same time for every wrong one. */
export async function receiptIsValid(
  ack: Uint8Array,
  id: Uint8Array,
  leaseHash: Uint8Array,
  outcome: Outcome,
  mac: Uint8Array,
): Promise<boolean> {
  return equal(await receiptMac(ack, id, leaseHash, outcome), mac);
}

/** P of section 3: 32 bytes, or none without a password. */
async function stretched(
  secret: Uint8Array,
  salt: Uint8Array,
  kdf: Kdf,
  password: string | null,
): Promise<Bytes> {
  if (kdf === KDF.none) {
    if (password !== null) throw new UsageError("this link has no password", "password_unneeded");
    return new Uint8Array();
  }
  if (password === null) throw new PasswordMissing("this link asks for a password");
  const encoded = passwordBytes(password);
  const info = utf8("otv/1 password-salt");
  return primitives.argon2id(
    encoded,
    await primitives.hkdfSha256(secret, salt, info, ARGON2_SALT_BYTES),
  );
}

function saltOf(id: Uint8Array): Bytes {
  return concat(utf8("otv/1\0"), id);
}
