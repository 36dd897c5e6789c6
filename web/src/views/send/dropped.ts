/** What was dropped, chosen or pasted, as files with the paths that they are sent under. */

import { entryOf } from "../../client";
import type { Entry } from "../../client";

export interface Dropped {
  entries: Entry[];
  emptyFolders: string[];
  unreadable: string[];
}

/** A file input's files; those of a folder input know where they lay in it. */
export function chosen(files: FileList | readonly File[]): Entry[] {
  return [...files].map((file) => entryOf(file.webkitRelativePath || file.name, file));
}

/**
 * Files and folders of a drop, folders walked to their ends.
 *
 * The transfer empties itself once its event is over, so its entries are taken before anything is
 * waited for.
 */
export async function dropped(transfer: DataTransfer): Promise<Dropped> {
  const found: Dropped = { entries: [], emptyFolders: [], unreadable: [] };
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const tops = items.map(folderOrFile);
  for (const top of tops) {
    if (top instanceof File) found.entries.push(entryOf(top.name, top));
    else if (top) await walk(top, found);
  }
  return found;
}

/** A file as it is: WebKit has entries of files that it can't read any more. */
function folderOrFile(item: DataTransferItem): FileSystemEntry | File | null {
  const entry = item.webkitGetAsEntry?.();
  return entry?.isDirectory ? entry : item.getAsFile();
}

/** Depth first without recursion: a deep tree is no reason to fail. */
async function walk(top: FileSystemEntry, found: Dropped): Promise<void> {
  const waiting = [top];
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    const path = entry.fullPath.replace(/^\//, "");
    try {
      if (isFolder(entry)) {
        const below = await children(entry);
        if (below.length === 0) found.emptyFolders.push(path);
        waiting.push(...below.toReversed());
      } else if (isFile(entry)) {
        found.entries.push(entryOf(path, await fileOf(entry)));
      }
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      found.unreadable.push(path);
    }
  }
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

/** A reader hands out a folder's entries in batches, and an empty one at the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    all.push(...batch);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    entry.file(resolve, reject);
  });
}
