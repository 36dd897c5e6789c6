/** Plaintext that nobody needs any more is wiped (protocol section 10). */

import { LocalError } from "./errors";
import type { OpeningRecord } from "./state";
import type { World } from "./world";

const ARCHIVE_ENDING = ".zip";

/** Held by the tab that opens this link, until it is done with what came. */
export function lockName({ server, id }: Pick<OpeningRecord, "server" | "id">): string {
  return `otv-opening ${server} ${id}`;
}

/** Where an opening's archive is, once somebody asked for one. */
export function archiveName({ file }: OpeningRecord): string {
  return file + ARCHIVE_ENDING;
}

/**
 * Remove an opening's content, then its record: while the record is there, the next start tries again.
 *
 * @throws LocalError the browser doesn't let go of a file.
 */
export async function wipeOpening(world: World, record: OpeningRecord): Promise<void> {
  await removeContent(world, record);
  await (await world.state())?.forgetOpening(record);
}

/** @throws LocalError the browser doesn't let go of a file. */
export async function removeContent(world: World, record: OpeningRecord): Promise<void> {
  const storage = await world.storage();
  if (!storage || !record.file) return;
  await storage.remove(record.file);
  await storage.remove(archiveName(record));
}

/**
 * Wipe what finished or lapsed openings left behind, and what no record names. Called at the start.
 *
 * What another tab has open stays, and so does what this tab showed before it was reloaded. What
 * can't be removed now is removed at the next start.
 */
export async function tidy(world: World): Promise<void> {
  const [state, storage] = await Promise.all([world.state(), world.storage()]);
  if (!state) return;
  try {
    // Before the records: each file has had one since before it was made.
    const files = storage ? await storage.names() : [];
    const kept = new Set<string>();
    for (const record of await state.openings()) {
      if (!(await isWiped(world, record))) kept.add(record.file).add(archiveName(record));
    }
    for (const name of files) {
      if (!kept.has(name)) await storage?.remove(name).catch(ignoreLocal);
    }
  } catch (error) {
    ignoreLocal(error);
  }
}

/** Wipe an opening that is over, unless another tab holds it. */
async function isWiped(world: World, record: OpeningRecord): Promise<boolean> {
  if (!isDone(world, record)) return false;
  const held = await world.locks.hold(lockName(record), 0);
  if (!held) return false;
  try {
    // Another tab may have begun a new opening before this one got the lock.
    const state = await world.state();
    const current = await state?.opening(record.server, record.id);
    if (current && !isDone(world, current)) return current.file !== record.file;
    await wipeOpening(world, current ?? record);
    return true;
  } catch (error) {
    ignoreLocal(error);
    return false;
  } finally {
    held.release();
  }
}

function isDone({ now, session }: World, { isOver, leaseUntil, file }: OpeningRecord): boolean {
  return leaseUntil <= now().getTime() || (isOver && file !== session.get());
}

function ignoreLocal(error: unknown): void {
  if (!(error instanceof LocalError)) throw error;
}
