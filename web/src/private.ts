/**
 * The origin's private file system: the content of an opening lies there as one file, under a random
 * name. No other origin and no other program of the person's sees it; memory stays flat.
 *
 * The page looks at whole files and removes them; only a worker writes, because only there can a
 * browser say that what was written is durable.
 */

import { LocalError } from "./errors";

const FOLDER = "otv";
/** A file may still be held by a worker that was ended, or by the page before a reload. */
const RELEASE_MS = 5000;
const LOOK_AGAIN_MS = 100;
/** One write; with 8 MiB at once writing takes six times the processor's time. */
const WRITE_BYTES = 1 << 20;

/** What the page may do with private files. */
export interface PrivateStorage {
  /** A file as it is now, to be sliced; nothing is read. Null where there is none. */
  read(name: string): Promise<Blob | null>;
  /** Remove a file, if there is one. Throws LocalError where the browser doesn't let go of it. */
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
  /** How much more may be stored, as far as the browser tells. */
  freeBytes(): Promise<number>;
}

/** One file, held for writing by a worker. Every method throws LocalError where it fails. */
export interface PrivateFile {
  readonly size: number;
  write(at: number, bytes: Uint8Array): void;
  truncate(size: number): void;
  /** Returns once what was written is durable. */
  flush(): void;
  close(): void;
}

/** Hold a file for writing; it is made where it is missing. */
export type OpenPrivateFile = (name: string) => Promise<PrivateFile>;

/** The private files of this origin, or null where the browser gives it none. */
export async function openPrivate(): Promise<PrivateStorage | null> {
  try {
    const folder = await privateFolder();
    return {
      read: (name) => found(async () => (await folder.getFileHandle(name)).getFile()),
      remove: async (name) => {
        await found(() => released(() => folder.removeEntry(name)));
      },
      names: () => told(() => namesIn(folder)),
      freeBytes,
    };
  } catch {
    return null; // a private window, plain HTTP, or a browser without
  }
}

async function privateFolder(): Promise<FileSystemDirectoryHandle> {
  const top = await navigator.storage.getDirectory();
  return top.getDirectoryHandle(FOLDER, { create: true });
}

async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

async function freeBytes(): Promise<number> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined ? Infinity : Math.max(quota - (usage ?? 0), 0);
  } catch {
    return Infinity; // nobody knows: writing will tell
  }
}

/** What only workers have; TypeScript's types for pages leave it out. */
interface SyncAccessHandle {
  getSize(): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

interface WorkerFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>;
}

/** See `OpenPrivateFile`; in workers. */
export async function openPrivateFile(name: string): Promise<PrivateFile> {
  const handle = await told(async () => {
    const file = await (await privateFolder()).getFileHandle(name, { create: true });
    return released(() => (file as unknown as WorkerFileHandle).createSyncAccessHandle());
  });
  return {
    get size() {
      return toldNow(() => handle.getSize());
    },
    write: (at, bytes) => toldNow(() => writeAll(handle, at, bytes)),
    truncate: (size) => toldNow(() => handle.truncate(size)),
    flush: () => toldNow(() => handle.flush()),
    close: () => handle.close(),
  };
}

/** Piece by piece: Chromium copies each write aside first, and large ones into fresh memory. */
function writeAll(handle: SyncAccessHandle, at: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    const piece = bytes.subarray(done, done + WRITE_BYTES);
    const written = handle.write(piece, { at: at + done });
    if (written === 0) throw new LocalError("no_room");
    done += written;
  }
}

// --- failures ----------------------------------------------------------------------------------

function nameOf(error: unknown): string {
  return error instanceof DOMException ? error.name : "";
}

function localError(error: unknown): LocalError {
  if (error instanceof LocalError) return error;
  return new LocalError(nameOf(error) === "QuotaExceededError" ? "no_room" : "storage");
}

function toldNow<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw localError(error);
  }
}

async function told<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw localError(error);
  }
}

/** The same, and null where there is no such file. */
async function found<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (nameOf(error) === "NotFoundError") return null;
    throw localError(error);
  }
}

/** Try until nobody else holds the file, for a while. */
async function released<T>(action: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
    try {
      // Each look decides whether there is another.
      return await action();
    } catch (error) {
      const isHeld = nameOf(error) === "NoModificationAllowedError";
      if (!isHeld || waited >= RELEASE_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
