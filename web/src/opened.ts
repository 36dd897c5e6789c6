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

import type { FileEntry, Manifest } from "./envelope/manifest";
import { LocalError, OtvError } from "./errors";
import type { Event } from "./jobs";
import { linked } from "./retry";
import type { OpeningRecord } from "./state";
import { PROOF_BYTES } from "./state";
import { archiveName, removeContent, wipeOpening } from "./tidying";
import type { Transport } from "./transport";
import type { Held, Progress, World } from "./world";

/** A page before a reload lets go of its locks a moment after the next one has begun. */
export const LOCK_PATIENCE_MS = 1500;

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
  /** What the record's receipt goes out by; null where it has been answered. */
  transport: Transport | null;
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
  #saving: Promise<void> = Promise.resolve();
  #telling: Promise<boolean> | null = null;
  #wiping: Promise<void> | null = null;
  #zipping: Promise<Blob> | null = null;

  /** @param content at least the files' bytes, joined. */
  constructor(head: Head, content: Blob, keeping: Keeping) {
    const { world, record, held, transport } = keeping;
    this.note = head.note;
    this.view = head.view;
    this.files = slices(head.files, content);
    this.isDurable = record.file !== "" && head.files.length > 0;
    this.until = new Date(record.leaseUntil);
    this.#world = world;
    this.#record = record;
    this.#held = held;
    const { id, lease, receipt } = record;
    const canTell = transport && receipt;
    this.#tell = canTell ? () => transport.acknowledge(id, lease, "opened", receipt) : null;
    this.ending = this.#ending.signal;
    const ring = (): void => void this.wipe().catch(() => {}); // the next start tries again
    this.#stopAlarm = this.isDurable ? world.alarm(this.until, ring) : () => {};
  }

  /**
   * Tell the sender that it is here. Called as often as you like: it is told once.
   *
   * @returns whether the sender has been told. False may become true: after false for want of a
   *   network, or of the server's data, calling again tries again.
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
      if (this.#tell) await this.#prepare();
      await this.#tell?.();
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      isTold = false;
      if (mayPass(error)) {
        this.#telling = null;
        return false;
      }
      // The lease has ended in another way; nothing is left to tell, and nothing to go on with.
    }
    await this.#settle();
    return isTold;
  }

  /**
   * Once the server has the receipt T opens nothing more, and its answer may be lost: before that, a
   * reload of this tab can show the content, and tell again.
   *
   * @throws LocalError nothing of it can be kept: then it is told on "Done", when none needs it.
   */
  async #prepare(): Promise<void> {
    if (!this.isDurable || this.ending.aborted) return;
    this.#world.session.set(this.#record.file);
    try {
      await this.#save(this.#record);
    } catch (error) {
      if (!this.ending.aborted) throw error;
    }
  }

  /** The opening is over: keep it for a reload of this tab, or keep nothing. */
  async #settle(): Promise<void> {
    if (this.ending.aborted) return;
    try {
      if (this.isDurable) await this.#save(ended(this.#record));
      else await wipeOpening(this.#world, this.#record);
    } catch (error) {
      // Then it lasts until its lease ends, and a reload tells again.
      if (!(error instanceof LocalError)) throw error;
    }
  }

  /** One after the other, so that none comes after "Done" has forgotten the record. */
  #save(record: OpeningRecord): Promise<void> {
    const saved = async (): Promise<void> => {
      await (await this.#world.state())?.saveOpening(record);
      this.#record = record;
    };
    this.#saving = this.#saving.then(saved, saved);
    return this.#saving;
  }

  async #wiped(): Promise<void> {
    this.#stopAlarm();
    this.#ending.abort();
    if (this.isDurable) void this.acknowledge(); // once more, where the network was away
    try {
      const disowned = this.isDurable ? this.#disown() : null; // the file need not wait for that
      try {
        await removeContent(this.#world, this.#record);
      } finally {
        await disowned;
      }
      await wipeOpening(this.#world, this.#record);
    } finally {
      this.#held.release();
    }
  }

  /** Where the browser holds on to the file, no reload shows it, and the next start removes it. */
  async #disown(): Promise<void> {
    const { session } = this.#world;
    if (session.get() === this.#record.file) session.set("");
    try {
      await this.#save(ended(this.#record));
    } catch (error) {
      if (!(error instanceof LocalError)) throw error; // then its lease's end does that
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

/** T has done what it was for. */
function ended(record: OpeningRecord): OpeningRecord {
  return { ...record, lease: new Uint8Array(PROOF_BYTES), isOver: true, receipt: null };
}

/** Telling again may succeed: with the network, with the server's data, with room on this device. */
function mayPass(error: OtvError): boolean {
  const { code } = error;
  return code === "unreachable" || code === "interrupted" || code === "unknown" || code === "local";
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
