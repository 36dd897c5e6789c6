/**
 * After a reload: what its tab had open is shown again, without the link (decision 7).
 *
 * Behind the files' bytes stand the note and the list of files; see `Opened`.
 */

import { type Bytes, concat, readU32, u32, utf8 } from "./bytes";
import { filesBytes } from "./envelope/manifest";
import { LocalError } from "./errors";
import type { Head } from "./opened";
import { LOCK_PATIENCE_MS, Opened } from "./opened";
import type { OpeningRecord } from "./state";
import { lockName } from "./tidying";
import type { Transport } from "./transport";
import type { World } from "./world";

const LENGTH_BYTES = 4;

/** What stands behind the files' bytes. */
export function trailerOf({ note, view, files }: Head): Bytes {
  const json = utf8(JSON.stringify({ note, view, files }));
  return concat(json, u32(json.length));
}

/** The head of a file that this page wrote, or null where it is not whole. */
async function readTrailer(content: Blob): Promise<Head | null> {
  const end = content.size - LENGTH_BYTES;
  if (end < 0) return null;
  const length = readU32(await bytesOf(content.slice(end)));
  if (length > end) return null;
  const json = await bytesOf(content.slice(end - length, end));
  try {
    const head = JSON.parse(new TextDecoder().decode(json)) as Head;
    return filesBytes(head.files) === end - length ? head : null;
  } catch {
    return null;
  }
}

async function bytesOf(content: Blob): Promise<Bytes> {
  try {
    return new Uint8Array(await content.arrayBuffer());
  } catch {
    throw new LocalError("storage");
  }
}

/**
 * What this tab had open before it was reloaded, told or being told, and not wiped; else null.
 *
 * @throws LocalError it is there, and can't be read just now.
 */
export async function reopened(
  world: World,
  transport: Transport,
  id: string,
): Promise<Opened | null> {
  const [state, storage] = await Promise.all([world.state(), world.storage()]);
  const record = await state?.opening(transport.server, id);
  if (!record || !isThisTabs(world, record)) return null;
  if (!storage) throw new LocalError("storage");
  const held = await world.locks.hold(lockName(record), LOCK_PATIENCE_MS);
  if (!held) throw new LocalError("busy");
  let opened: Opened | null = null;
  try {
    const content = await storage.read(record.file);
    const head = content && (await readTrailer(content));
    transport.retrying.hasAnswered = true; // it did, before all this came
    if (head) opened = new Opened(head, content, { world, record, held, transport });
    return opened;
  } finally {
    if (!opened) held.release();
  }
}

function isThisTabs({ now, session }: World, record: OpeningRecord): boolean {
  const { isOver, receipt, file, leaseUntil } = record;
  const isVerified = isOver || Boolean(receipt);
  return isVerified && file === session.get() && leaseUntil > now().getTime();
}
