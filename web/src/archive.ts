/** All files as one ZIP, written as it is made and not compressed. In a worker. */

import { makeZip, predictLength } from "client-zip";

import type { Bytes } from "./bytes";
import { LocalError } from "./errors";
import type { ArchiveJob, Emit, Tools } from "./jobs";
import type { PrivateFile } from "./private";
import { caselessKey, distinct } from "./plan";

const CHUNK_BYTES = 4 << 20;

/**
 * Write the archive, or tell its bytes. Names that would collide where a file system ignores case
 * get a number before their extension.
 */
export async function archive(
  job: ArchiveJob,
  { openFile }: Tools,
  emit: Emit,
): Promise<null> {
  const lastModified = new Date(); // when the files were sent is nobody's business
  const names = distinct(job.files.map(({ name }) => name), caselessKey);
  const entries = job.files.map(({ blob }, at) => ({
    name: names[at] ?? "",
    input: blob,
    size: blob.size,
    lastModified,
  }));
  const total = Number(predictLength(entries));
  const file = job.file === null ? null : await openFile(job.file);
  const gatherer = new Gatherer(file ? intoFile(file) : (bytes) => emit({ kind: "bytes", bytes }));
  try {
    for await (const piece of piecesOf(makeZip(entries))) {
      gatherer.add(piece);
      emit({ kind: "progress", done: gatherer.done, total });
    }
    gatherer.flush();
    file?.flush();
  } finally {
    file?.close();
  }
  return null;
}

/** Not every browser iterates over a stream by itself. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  for (;;) {
    // The pieces of one stream come one after the other.
    const { done, value } = await reader.read().catch(() => {
      throw new LocalError("storage"); // the files are in private storage or in memory
    });
    if (done) return;
    yield value;
  }
}

function intoFile(file: PrivateFile): (bytes: Bytes) => void {
  let at = 0;
  return (bytes) => {
    file.write(at, bytes);
    at += bytes.length;
  };
}

/** Small pieces in, large ones out. */
class Gatherer {
  done = 0;
  readonly #give: (bytes: Bytes) => void;
  #buffer = new Uint8Array(CHUNK_BYTES);
  #filled = 0;

  constructor(give: (bytes: Bytes) => void) {
    this.#give = give;
  }

  add(piece: Uint8Array): void {
    this.done += piece.length;
    for (let rest = piece; rest.length > 0; ) {
      const taken = rest.subarray(0, CHUNK_BYTES - this.#filled);
      this.#buffer.set(taken, this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === CHUNK_BYTES) this.flush();
    }
  }

  flush(): void {
    this.#give(this.#buffer.subarray(0, this.#filled));
    this.#buffer = new Uint8Array(CHUNK_BYTES); // the last one may have been handed to the page
    this.#filled = 0;
  }
}
