/**
 * Where an opening's content goes: a private file, or messages to the page. In a worker.
 *
 * Neither is the result until all of it is verified; the page keeps to that.
 */

import type { Bytes } from "./bytes";
import type { Content } from "./download";
import { receive } from "./download";
import { ContentOpener, Geometry, PART_BYTES, checkPadding } from "./envelope/content";
import { LocalError } from "./errors";
import type { DownloadJob, Emit, RemoteContent, Tools } from "./jobs";
import type { PrivateFile } from "./private";
import type { Clock } from "./retry";
import type { Transport } from "./transport";

const DURABLE_EVERY_BYTES = 64 << 20;
const DURABLE_EVERY_S = 5;

/** Takes the files' bytes in order. */
interface Sink {
  /** The bytes are others after the call. */
  write(at: number, bytes: Bytes): void;
  /** So many parts are written. */
  wrote(parts: number): void;
  /** Everything is. */
  finish(): void;
  /** Called in any case, last. */
  close(): void;
}

/** Bring the files to where they stay. */
export async function download(
  job: DownloadJob,
  transportTo: (server: string) => Transport,
  tools: Tools,
  emit: Emit,
): Promise<null> {
  const sink = await sinkOf(job, tools, emit);
  try {
    if (job.content instanceof Uint8Array) sink.write(0, job.content);
    else await fill(job.content, job, transportTo(job.content.server), sink, emit);
    sink.finish();
  } finally {
    sink.close();
  }
  return null;
}

async function sinkOf(job: DownloadJob, { openFile, clock }: Tools, emit: Emit): Promise<Sink> {
  if (job.file === null) return intoMessages(emit);
  const file = await openFile(job.file);
  try {
    checkWritten(file, job);
  } catch (error) {
    file.close();
    throw error;
  }
  return new IntoFile(file, job, clock, emit);
}

/** What the page saw may be gone by now, with all of the site's data: then zeros would stand there. */
function checkWritten(file: PrivateFile, { content, filesBytes, partsDone }: DownloadJob): void {
  if (partsDone === 0 || content instanceof Uint8Array) return;
  const [, stop] = Geometry.ofLength(content.length).partPlain(partsDone - 1);
  if (file.size < Math.min(stop, filesBytes)) throw new LocalError("storage");
}

async function fill(
  remote: RemoteContent,
  { filesBytes, partsDone }: DownloadJob,
  transport: Transport,
  sink: Sink,
  emit: Emit,
): Promise<void> {
  const content = await contentOf(remote);
  const { geometry } = content;
  let next = partsDone;
  const take = (index: number, plaintext: Bytes): void => {
    if (index !== next) throw new Error("a part is missing"); // a hole would look like zeros
    next += 1;
    const [start] = geometry.partPlain(index);
    checkPadding(plaintext, start, filesBytes);
    sink.write(start, plaintext.subarray(0, Math.max(filesBytes - start, 0)));
    sink.wrote(index + 1);
  };
  await receive(transport, content, take, partsDone, (done) =>
    emit({ kind: "progress", done, total: geometry.ciphertext }),
  );
}

async function contentOf({ key, header, length, ...content }: RemoteContent): Promise<Content> {
  const geometry = Geometry.ofLength(length);
  return { ...content, geometry, opener: await ContentOpener.opened(key, header, geometry) };
}

function intoMessages(emit: Emit): Sink {
  return {
    write: (_, bytes) => emit({ kind: "bytes", bytes: bytes.slice() }),
    wrote: () => {},
    finish: () => {},
    close: () => {},
  };
}

/** Writes a private file, and tells from time to time how much of it outlasts a crash. */
class IntoFile implements Sink {
  readonly #file: PrivateFile;
  readonly #job: DownloadJob;
  readonly #clock: Clock;
  readonly #emit: Emit;
  #written: number;
  #durable: number;
  #durableAt: number;
  /** A system that failed once to make bytes durable drops them, and says success when asked again. */
  #canFlush = true;

  constructor(file: PrivateFile, job: DownloadJob, clock: Clock, emit: Emit) {
    this.#file = file;
    this.#job = job;
    this.#clock = clock;
    this.#emit = emit;
    this.#written = job.partsDone;
    this.#durable = job.partsDone;
    this.#durableAt = clock.seconds();
  }

  write(at: number, bytes: Bytes): void {
    this.#file.write(at, bytes);
  }

  wrote(parts: number): void {
    this.#written = parts;
    const unsafe = (parts - this.#durable) * PART_BYTES;
    const isLate = this.#clock.seconds() - this.#durableAt > DURABLE_EVERY_S;
    if (unsafe >= DURABLE_EVERY_BYTES || isLate) this.#checkpoint();
  }

  finish(): void {
    const { filesBytes, trailer } = this.#job;
    this.#file.write(filesBytes, trailer);
    this.#file.truncate(filesBytes + trailer.length); // an earlier opening's file may be longer
    this.#checkpoint();
  }

  close(): void {
    try {
      if (this.#canFlush && this.#written > this.#durable) this.#checkpoint();
    } catch {
      // What failed before is thrown; these parts are fetched again.
    } finally {
      this.#file.close();
    }
  }

  /** First the file, then the word that says so. */
  #checkpoint(): void {
    this.#canFlush = false;
    this.#file.flush();
    this.#canFlush = true;
    this.#durable = this.#written;
    this.#durableAt = this.#clock.seconds();
    this.#emit({ kind: "durable", parts: this.#durable });
  }
}
