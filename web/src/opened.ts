/**
 * What a link held, verified: shown, saved, acknowledged, wiped (protocol sections 8 and 10).
 *
 * Where there is private storage, one file holds the content, and behind it the note and the list of
 * files:
 *
 *     the files' bytes, joined || JSON || u32(len JSON)
 *
 * With them an acknowledged opening survives a reload of its tab: the link opens no second time, and
 * phones reload tabs without being asked, for want of memory. They lie in the file and not in the
 * database because a file that is removed is gone sooner than a row that is deleted. Only this tab
 * shows them again: any other start of the page wipes them.
 */

import { type Bytes, concat, readU32, u32, utf8 } from "./bytes";
import type { FileEntry, Manifest } from "./envelope/manifest";
import { filesBytes } from "./envelope/manifest";
import { Interrupted, LocalError, OtvError, Unreachable } from "./errors";
import type { Event } from "./jobs";
import { linked } from "./retry";
import type { OpeningRecord } from "./state";
import { PROOF_BYTES } from "./state";
import { archiveName, lockName, wipeOpening } from "./tidying";
import type { Held, Progress, World } from "./world";

/** A page before a reload lets go of its locks a moment after the next one has begun. */
export const LOCK_PATIENCE_MS = 1500;

const LENGTH_BYTES = 4;
/** An archive holds a little besides the files: less than this for each. */
const ARCHIVE_BYTES = 4096;

/** What there is besides the files' bytes. */
export type Head = Pick<Manifest, "note" | "view" | "files">;

/** One file: a slice of the content; nothing is copied. */
export interface OpenedFile {
  name: string;
  size: number;
  /** As the sender says; empty where nobody knows. */
  type: string;
  /** Of no type that a browser would show: the sender's word is not enough for that. */
  blob: Blob;
}

/** Told how far it is, and when to stop. */
export interface Following {
  progress: Progress;
  signal: AbortSignal;
}

/** What the page holds on to while something is open. */
export interface Keeping {
  world: World;
  record: OpeningRecord;
  held: Held;
  /** Send the receipt; null where that has been done. */
  tell: (() => Promise<void>) | null;
}

export class Opened {
  /** The sender's words, perhaps empty. */
  readonly note: string;
  /** The sender asks for viewing, not keeping. */
  readonly view: boolean;
  /** In the sender's order. */
  readonly files: readonly OpenedFile[];
  /** The content lies in private storage; the acknowledgement is on its way already. */
  readonly isDurable: boolean;
  /** When what lies in private storage is wiped by itself. */
  readonly until: Date;
  /** Aborted when the content goes: with `wipe`, or at the lease's end. */
  readonly ending: AbortSignal;

  readonly #world: World;
  readonly #held: Held;
  readonly #tell: (() => Promise<void>) | null;
  readonly #stopAlarm: () => void;
  /** Ends what still works on the content. */
  readonly #ending = new AbortController();
  #record: OpeningRecord;
  #telling: Promise<boolean> | null = null;
  #wiping: Promise<void> | null = null;
  #zipping: Promise<Blob> | null = null;

  /** @param content at least the files' bytes, joined. */
  constructor(head: Head, content: Blob, keeping: Keeping) {
    const { world, record, held, tell } = keeping;
    this.note = head.note;
    this.view = head.view;
    this.files = slices(head.files, content);
    this.isDurable = record.file !== "" && head.files.length > 0;
    this.until = new Date(record.leaseUntil);
    this.#world = world;
    this.#record = record;
    this.#held = held;
    this.#tell = tell;
    this.ending = this.#ending.signal;
    const ring = (): void => void this.wipe().catch(() => {}); // the next start tries again
    this.#stopAlarm = this.isDurable ? world.alarm(this.until, ring) : () => {};
  }

  /**
   * Tell the sender that it is here. Called as often as you like: it is told once.
   *
   * @returns whether the sender has been told. False may become true: after false for want of a
   *   network, calling again tries again.
   */
  acknowledge(): Promise<boolean> {
    this.#telling ??= this.#acknowledged();
    return this.#telling;
  }

  /**
   * All files as one ZIP, made when first asked for.
   *
   * @throws LocalError no room for it.
   * @throws Interrupted after the signal.
   */
  zip(following: Following): Promise<Blob> {
    this.#zipping ??= this.#zipped(following);
    this.#zipping.catch(() => (this.#zipping = null));
    return this.#zipping;
  }

  /**
   * "Done": nothing of it is left in private storage, and its blobs can't be read any more.
   *
   * @throws LocalError the browser doesn't let go of a file; the next start tries again.
   */
  wipe(): Promise<void> {
    this.#wiping ??= this.#wiped();
    this.#wiping.catch(() => (this.#wiping = null));
    return this.#wiping;
  }

  async #acknowledged(): Promise<boolean> {
    let isTold = true;
    try {
      await this.#tell?.();
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      isTold = false;
      if (error instanceof Unreachable || error instanceof Interrupted) {
        this.#telling = null;
        return false;
      }
      // The lease has ended in another way; nothing is left to tell, and nothing to go on with.
    }
    await this.#settle();
    return isTold;
  }

  /** The opening is over: keep it for a reload of this tab, or keep nothing. */
  async #settle(): Promise<void> {
    if (this.#wiping) return;
    try {
      if (!this.isDurable) {
        await wipeOpening(this.#world, this.#record);
        return;
      }
      // T has done what it was for.
      this.#record = { ...this.#record, lease: new Uint8Array(PROOF_BYTES), isOver: true };
      this.#world.session.set(this.#record.file);
      await (await this.#world.state())?.saveOpening(this.#record);
    } catch (error) {
      // Then it lasts until its lease ends, as if it had not been acknowledged.
      if (!(error instanceof LocalError)) throw error;
    }
  }

  async #wiped(): Promise<void> {
    this.#stopAlarm();
    this.#ending.abort();
    if (this.isDurable) void this.acknowledge(); // once more, where the network was away
    try {
      await wipeOpening(this.#world, this.#record);
    } finally {
      this.#held.release();
    }
  }

  async #zipped({ progress, signal }: Following): Promise<Blob> {
    const storage = this.isDurable ? await this.#world.storage() : null;
    const file = storage ? archiveName(this.#record) : null;
    const size = this.files.reduce((sum, each) => sum + each.size + ARCHIVE_BYTES, 0);
    if (storage && (await storage.freeBytes()) < size) throw new LocalError("no_room");
    const collected = new Collected();
    const on = (event: Event): void => {
      if (event.kind === "progress") progress(event.done, event.total);
      else collected.add(event);
    };
    const files = this.files.map(({ name, blob }) => ({ name, blob }));
    const stop = linked(signal, this.ending);
    try {
      await this.#world.workers.run<"archive">({ kind: "archive", files, file }, stop.signal, on);
      return storage && file ? await contentOf(storage.read(file)) : collected.blob();
    } catch (error) {
      if (file) await storage?.remove(file).catch(() => {}); // wiped with the rest at the latest
      throw error;
    } finally {
      stop.abort();
    }
  }
}

/** Bytes that a worker told, out of this thread's memory as they come. */
export class Collected {
  readonly #blobs: Blob[] = [];

  add(event: Event): void {
    if (event.kind === "bytes") this.#blobs.push(new Blob([event.bytes]));
  }

  blob(): Blob {
    return new Blob(this.#blobs);
  }
}

/** A private file that must be there. */
export async function contentOf(reading: Promise<Blob | null>): Promise<Blob> {
  const content = await reading;
  if (!content) throw new LocalError("storage");
  return content;
}

function slices(files: readonly FileEntry[], content: Blob): OpenedFile[] {
  let start = 0;
  return files.map(({ name, size, type }) => {
    const blob = content.slice(start, start + size, "application/octet-stream");
    start += size;
    return { name, size, type, blob };
  });
}

// --- after a reload ------------------------------------------------------------------------------

/** What stands behind the files' bytes. */
export function trailerOf({ note, view, files }: Head): Bytes {
  const json = utf8(JSON.stringify({ note, view, files }));
  return concat(json, u32(json.length));
}

/** The head of a file that this page wrote, or null where it is not whole. */
async function readTrailer(content: Blob): Promise<Head | null> {
  const end = content.size - LENGTH_BYTES;
  if (end < 0) return null;
  const length = readU32(new Uint8Array(await content.slice(end).arrayBuffer()));
  if (length > end) return null;
  try {
    const head = JSON.parse(await content.slice(end - length, end).text()) as Head;
    return filesBytes(head.files) === end - length ? head : null;
  } catch {
    return null;
  }
}

/** What this tab had open before it was reloaded, acknowledged and not wiped; else null. */
export async function reopened(world: World, server: string, id: string): Promise<Opened | null> {
  const [state, storage] = await Promise.all([world.state(), world.storage()]);
  const record = await state?.opening(server, id);
  if (!storage || !record || !isThisTabs(world, record)) return null;
  const held = await world.locks.hold(lockName(record), LOCK_PATIENCE_MS);
  if (!held) return null;
  const content = await storage.read(record.file);
  const head = content && (await readTrailer(content));
  if (head) return new Opened(head, content, { world, record, held, tell: null });
  held.release();
  return null;
}

function isThisTabs({ now, session }: World, record: OpeningRecord): boolean {
  return record.isOver && record.file === session.get() && record.leaseUntil > now().getTime();
}
