/**
 * What this browser sent and is opening, in IndexedDB.
 *
 * Kept of a share: its owner's proof O and each link's receipt key K; of an opening: its lease T, how
 * far it got and its finished receipt, never the key of that; and where the person says so, an upload
 * token. Never a link's secret S, a password, a note, a file's name, or a key that opens content
 * (protocol section 8): what a database deletes stays on the disk until it tidies up.
 */

import { type Bytes, equal } from "./bytes";
import { LocalError } from "./errors";

export const PROOF_BYTES = 32;

const DATABASE = "otv";
const VERSION = 2; // 1 had no tokens
const SHARES = "shares";
const OPENINGS = "openings";
const TOKENS = "tokens";
const KEY_PATHS = { [SHARES]: "id", [OPENINGS]: ["server", "id"], [TOKENS]: "server" };

/** One link that was sent: its id, the key that its receipts are checked with, and for whom it is. */
export interface SentLinkRecord {
  id: string;
  ack: Bytes;
  /** As the sender calls it; it never leaves this browser. */
  name: string;
}

/** A share that this browser sent. */
export interface ShareRecord {
  server: string;
  id: string;
  owner: Bytes;
  /** Milliseconds since 1970. */
  createdAt: number;
  links: SentLinkRecord[];
  /**
   * The person has been told that it is over. It can still be asked for, its receipts with it,
   * until the server forgets it.
   */
  isTold: boolean;
}

/** An opening that this browser began. */
export interface OpeningRecord {
  server: string;
  id: string;
  /** T, 32 bytes, stored before the claim; zeros once it is acknowledged. */
  lease: Bytes;
  /** Milliseconds since 1970 by this device's clock; a guess until the claim is answered. */
  leaseUntil: number;
  /** The private file that the content goes to, a random name; empty where it stays in memory. */
  file: string;
  /** Parts of the content that are written and durable, from the first on. */
  partsDone: number;
  /** Acknowledged, so that only a reload of the tab that shows it may still use the content. */
  isOver: boolean;
  /**
   * The MAC that is sent with T, from the moment when all is verified and durable until the answer:
   * whether the server has it is not known.
   */
  receipt?: Bytes | null;
  /** H(A): anyone may make another link with the same id. */
  access?: Bytes;
}

/** Where records are kept. Every method throws LocalError where that fails. */
export interface State {
  saveShare(record: ShareRecord): Promise<void>;
  forgetShare(id: string): Promise<void>;
  /** Newest first. */
  shares(): Promise<ShareRecord[]>;
  saveOpening(record: OpeningRecord): Promise<void>;
  /** Only where its T is the one that is stored: another tab's opening of the same link stays. */
  forgetOpening(record: OpeningRecord): Promise<void>;
  opening(server: string, id: string): Promise<OpeningRecord | null>;
  openings(): Promise<OpeningRecord[]>;
  saveToken(server: string, token: string): Promise<void>;
  forgetToken(server: string): Promise<void>;
  /** The upload token kept for a server, or null. */
  token(server: string): Promise<string | null>;
}

/** The database of this origin, or null where the browser gives it none. */
export async function openState(): Promise<State | null> {
  try {
    (await openDatabase()).close();
    return indexedState;
  } catch {
    return null;
  }
}

/** Opened for each call: a connection that stays is one that another version has to wait for. */
const indexedState: State = {
  saveShare: (record) => write(SHARES, (store) => store.put(record)),
  forgetShare: (id) => write(SHARES, (store) => store.delete(id)),
  async shares() {
    const records = await read(SHARES, (store) => store.getAll());
    return present(records.map(readShare)).toSorted((a, b) => b.createdAt - a.createdAt);
  },
  saveOpening: (record) => write(OPENINGS, (store) => store.put(record)),
  forgetOpening: (record) => write(OPENINGS, (store) => deleteIfSame(store, record)),
  opening: async (server, id) =>
    readOpening(await read(OPENINGS, (store) => store.get([server, id]))),
  openings: async () => present((await read(OPENINGS, (store) => store.getAll())).map(readOpening)),
  saveToken: (server, token) => write(TOKENS, (store) => store.put({ server, token })),
  forgetToken: (server) => write(TOKENS, (store) => store.delete(server)),
  token: async (server) => readToken(await read(TOKENS, (store) => store.get(server))),
};

// --- IndexedDB ---------------------------------------------------------------------------------

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION);
  request.addEventListener("upgradeneeded", () => {
    const database = request.result;
    for (const [name, keyPath] of Object.entries(KEY_PATHS)) {
      if (!database.objectStoreNames.contains(name)) database.createObjectStore(name, { keyPath });
    }
  });
  return result(request);
}

type Use<T> = (store: IDBObjectStore) => IDBRequest<T>;

/** In one transaction, so that no other tab comes in between. */
function deleteIfSame(store: IDBObjectStore, record: OpeningRecord): IDBRequest<unknown> {
  const { server, id, lease } = record;
  const request: IDBRequest<unknown> = store.get([server, id]);
  request.addEventListener("success", () => {
    const stored = readOpening(request.result);
    if (!stored || equal(stored.lease, lease)) store.delete([server, id]);
  });
  return request;
}

/** Returns once what was written outlasts a crash. */
async function write<T>(name: string, change: Use<T>): Promise<void> {
  await withStore(name, "readwrite", change);
}

function read<T>(name: string, query: Use<T>): Promise<T> {
  return withStore(name, "readonly", query);
}

async function withStore<T>(name: string, mode: IDBTransactionMode, use: Use<T>): Promise<T> {
  try {
    const database = await openDatabase();
    try {
      const transaction = database.transaction(name, mode, { durability: "strict" });
      const [value] = await Promise.all([
        result(use(transaction.objectStore(name))),
        completed(transaction),
      ]);
      return value;
    } finally {
      database.close();
    }
  } catch {
    throw new LocalError("storage");
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error));
  });
}

// --- reading: a record of another version must not be taken for one of this --------------------

type Fields = Readonly<Record<string, unknown>>;

function present<T>(records: readonly (T | null)[]): T[] {
  return records.filter((record) => record !== null);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isProof(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === PROOF_BYTES;
}

function areStrings(...values: unknown[]): boolean {
  return values.every((value) => typeof value === "string");
}

function areNumbers(...values: unknown[]): boolean {
  return values.every((value) => Number.isSafeInteger(value));
}

function isSentLink(value: unknown): value is SentLinkRecord {
  return isFields(value) && areStrings(value["id"], value["name"]) && isProof(value["ack"]);
}

/** A share's record as it was stored, or null. */
export function readShare(value: unknown): ShareRecord | null {
  if (!isFields(value)) return null;
  const { server, id, owner, createdAt, links, isTold } = value;
  const fits =
    areStrings(server, id) &&
    isProof(owner) &&
    areNumbers(createdAt) &&
    Array.isArray(links) &&
    links.every(isSentLink) &&
    typeof isTold === "boolean";
  return fits ? (value as unknown as ShareRecord) : null;
}

/** An opening's record as it was stored, or null. */
export function readOpening(value: unknown): OpeningRecord | null {
  if (!isFields(value)) return null;
  const { server, id, lease, leaseUntil, file, partsDone, isOver, receipt, access } = value;
  const fits =
    areStrings(server, id, file) &&
    isProof(lease) &&
    areNumbers(leaseUntil, partsDone) &&
    typeof isOver === "boolean" &&
    [receipt, access].every((each) => !each || isProof(each));
  return fits ? (value as unknown as OpeningRecord) : null;
}

/** An upload token as it was stored, or null. */
export function readToken(value: unknown): string | null {
  if (!isFields(value)) return null;
  const { token } = value;
  return typeof token === "string" && token !== "" ? token : null;
}
