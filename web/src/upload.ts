/**
 * Parts on their way up: read, seal, hash and send, four at once (protocol section 6).
 *
 * Each part is sealed once. Its sealed bytes wait in memory until the server has them, and a retry
 * sends the same ones, so about four parts are in memory at any time, whatever the share's size.
 */

import { Buffers } from "./buffers";
import type { Bytes } from "./bytes";
import type { Random } from "./crypto";
import { ContentSealer, Geometry, PART_BYTES, digest, root } from "./envelope/content";
import { inLanes } from "./envelope/lanes";
import { LocalError } from "./errors";
import type { UploadJob, Uploaded } from "./jobs";
import type { Part, Transport } from "./transport";
import type { Progress } from "./world";

type Piece = UploadJob["sources"][number];

/** Files joined in order, then zeros: readable at any offset, several runs at once. */
export class JoinedFiles {
  readonly total: number;
  readonly #files: { file: Piece; start: number }[] = [];

  constructor(sources: readonly Piece[]) {
    let start = 0;
    for (const file of sources) {
      if (file.size > 0) this.#files.push({ file, start });
      start += file.size;
    }
    this.total = start;
  }

  /**
   * The bytes from `start` to `stop`; zeros beyond the last file's end.
   *
   * @throws LocalError a file isn't the one that was chosen any more, or can't be read.
   */
  async read(start: number, stop: number): Promise<Bytes> {
    const pieces = this.#files.filter(
      ({ file, start: at }) => at < stop && at + file.size > start,
    );
    const reads = pieces.map(async ({ file, start: at }) => {
      const from = Math.max(start - at, 0);
      return { to: at + from - start, bytes: await slice(file, from, Math.min(stop - at, file.size)) };
    });
    const found = await Promise.all(reads);
    const [first] = found;
    if (first && first.bytes.length === stop - start) return first.bytes; // the rule in a large file
    const joined = new Uint8Array(stop - start);
    for (const { to, bytes } of found) joined.set(bytes, to);
    return joined;
  }
}

/** Most browsers keep a file's size and time as they were when it was chosen, and compare; see `stampOf`. */
async function slice({ name, blob }: Piece, from: number, to: number): Promise<Bytes> {
  let bytes: Bytes;
  try {
    bytes = new Uint8Array(await blob.slice(from, to).arrayBuffer());
  } catch {
    throw new LocalError("changed", name);
  }
  if (bytes.length !== to - from) throw new LocalError("changed", name);
  return bytes;
}

/** The whole of an upload, once the share exists. The first failure stops it. */
export async function upload(
  job: UploadJob,
  transport: Transport,
  random: Random,
  progress: Progress,
): Promise<Uploaded> {
  const files = new JoinedFiles(job.sources);
  const geometry = Geometry.ofFiles(files.total);
  const sealer = await ContentSealer.draw(random);
  const digests: Bytes[] = [];
  const tell = partProgress(geometry, progress);
  const buffers = new Buffers(PART_BYTES);
  const sealedPart = async (index: number): Promise<Part> => {
    const plaintext = await files.read(...geometry.partPlain(index));
    const buffer = buffers.take(geometry.partBytes(index));
    const bytes = await sealer.sealPart(index, plaintext, geometry.isLast(index), buffer);
    const part = { index, sealed: new Blob([bytes]), digest: await digest(bytes) };
    buffers.give(buffer); // a blob keeps a copy
    return part;
  };
  await inLanes(geometry.parts, async (index) => {
    const part = await sealedPart(index);
    await transport.putPart(job.sid, job.owner, part, (sent) => tell(index, sent));
    digests[index] = part.digest;
  });
  const contentRoot = await root(geometry.ciphertext, digests);
  return { key: sealer.key, header: sealer.header, root: contentRoot };
}

/** Bytes of all parts together; those of a part start at 0 again with each attempt. */
function partProgress(
  geometry: Geometry,
  progress: Progress,
): (index: number, sent: number) => void {
  const sentOf = new Map<number, number>();
  let done = 0;
  return (index, sent) => {
    done += sent - (sentOf.get(index) ?? 0);
    sentOf.set(index, sent);
    progress(done, geometry.ciphertext);
  };
}
