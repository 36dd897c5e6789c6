/**
 * Opening: a link becomes the files and the note that were sent, once (protocol sections 6 to 8).
 *
 *     look        GET /links/{id}; spends nothing, and says what became of the link
 *     keys        in a worker, which has what Argon2id needs in either case
 *     remember    T is stored before the claim, so that a crash costs nobody the file
 *     claim       takes the one opening, or gets the same answer again
 *     check       manifest, list of digests, room: before a byte is fetched
 *     receive     part by part, in a worker; goes on where an earlier page stopped
 *     hand out    everything is verified
 *     acknowledge the receipt: at once where it is durable, else after the first Save
 */

import type { Claim } from "./answers";
import { b64encode } from "./b64";
import { type Bytes, equal } from "./bytes";
import { LONGEST_LEASE_MS, checkOpenable, leaseMs, readClaim } from "./claims";
import { Geometry } from "./envelope/content";
import type { Keys } from "./envelope/keys";
import { OUTCOME, deriveAccess, hashed, receiptMac } from "./envelope/keys";
import type { Manifest } from "./envelope/manifest";
import { filesBytes } from "./envelope/manifest";
import {
  IntegrityError,
  LocalError,
  Locked,
  NotYet,
  OtvError,
  Over,
  PasswordMissing,
  Unknown,
  WrongPassword,
} from "./errors";
import type { DownloadJob, Event, RemoteContent } from "./jobs";
import type { Link } from "./link";
import { KDF, idText } from "./link";
import type { Following } from "./opened";
import { Collected, LOCK_PATIENCE_MS, Opened, contentOf } from "./opened";
import type { PrivateStorage } from "./private";
import { trailerOf } from "./reopened";
import type { OpeningRecord, State } from "./state";
import { PROOF_BYTES } from "./state";
import { lockName, wipeOpening } from "./tidying";
import type { Outcome, Transport } from "./transport";
import type { Held, World } from "./world";

/** What a browser without private storage opens, in bytes of ciphertext: it stays in memory. */
export const MEMORY_LIMIT_BYTES = 256 << 20;

const NAME_BYTES = 16;

/**
 * Open a link once, or go on with an opening that this browser began.
 *
 * @throws Over, NotYet, Locked there is nothing to open, or not now; nothing was spent.
 * @throws Unknown the server knows no such link; a lease that there is lives on.
 * @throws PasswordMissing, WrongPassword nothing was spent.
 * @throws IntegrityError what came doesn't match the link; nothing of it is left.
 * @throws LocalError another tab is at it, or no room; a lease that there is lives on.
 * @throws Unreachable, Interrupted a lease that there is lives on.
 */
export async function openLink(
  world: World,
  transport: Transport,
  link: Link,
  password: string | null,
  following: Following,
): Promise<Opened> {
  const { server } = link;
  const held = await world.locks.hold(lockName({ server, id: idText(link) }), LOCK_PATIENCE_MS);
  if (!held) throw new LocalError("busy");
  try {
    const [state, storage] = await Promise.all([world.state(), world.storage()]);
    // Without records nobody would ever wipe a private file.
    const opening = new Opening(world, transport, link, held, state, state && storage, following);
    return await opening.run(password);
  } catch (error) {
    held.release();
    throw error;
  }
}

/** One run of `openLink`. */
class Opening {
  readonly #world: World;
  readonly #transport: Transport;
  readonly #link: Link;
  readonly #held: Held;
  readonly #state: State | null;
  readonly #storage: PrivateStorage | null;
  readonly #following: Following;
  #record: OpeningRecord;
  #saving: Promise<void> = Promise.resolve();

  constructor(
    world: World,
    transport: Transport,
    link: Link,
    held: Held,
    state: State | null,
    storage: PrivateStorage | null,
    following: Following,
  ) {
    this.#world = world;
    this.#transport = transport;
    this.#link = link;
    this.#held = held;
    this.#state = state;
    this.#storage = storage;
    this.#following = following;
    this.#record = this.#fresh();
  }

  async run(password: string | null): Promise<Opened> {
    const access = await deriveAccess(this.#link.id, this.#link.secret);
    this.#record = { ...this.#record, access: await hashed(access) };
    const known = await this.#recall();
    if (known) this.#transport.retrying.hasAnswered = true; // it did, before T was stored
    else await this.#look(access);
    const keys = await this.#keys(password);
    // Without locks another tab may have begun meanwhile: then this one goes on with its T.
    const begun = known ?? (await this.#recall());
    await this.#remember(begun ?? this.#record);
    const claim = await this.#claim(keys, begun === null);
    // By this device's clock, whatever the server's says.
    const leaseUntil = this.#world.now().getTime() + leaseMs(claim);
    await this.#remember({ ...this.#record, leaseUntil });
    const opened = await this.#rejecting(keys, () => this.#received(claim, keys));
    if (opened.isDurable) void opened.acknowledge();
    return opened;
  }

  // --- memory ----------------------------------------------------------------------------------

  #fresh(): OpeningRecord {
    const { random, now } = this.#world;
    return {
      server: this.#link.server,
      id: idText(this.#link),
      lease: random(PROOF_BYTES),
      leaseUntil: now().getTime() + LONGEST_LEASE_MS,
      file: this.#storage ? b64encode(random(NAME_BYTES)) : "",
      partsDone: 0,
      isOver: false,
    };
  }

  /** What this browser began and has not finished. */
  async #recall(): Promise<OpeningRecord | null> {
    const { server, id, file, access } = this.#record;
    const record = await this.#state?.opening(server, id);
    if (!record) return null;
    // Its T is not for this link, and its file is not this one's.
    if (record.access && access && !equal(record.access, access)) throw new LocalError("busy");
    if (record.isOver) {
      await wipeOpening(this.#world, record);
      return null;
    }
    return { ...record, file: this.#storage ? record.file || file : "", receipt: null };
  }

  async #remember(record: OpeningRecord): Promise<void> {
    this.#record = record;
    await this.#state?.saveOpening(record);
  }

  /** What fails here fails again at the next start, which wipes it; the person is told the cause. */
  async #forget(): Promise<void> {
    try {
      await wipeOpening(this.#world, this.#record);
    } catch (error) {
      if (!(error instanceof LocalError)) throw error;
    }
  }

  /**
   * The lease is over. A server that has its data knows a link for days after that: one that doesn't
   * know it may be put right in time.
   */
  #isOver(error: unknown): boolean {
    if (!(error instanceof Unknown)) return error instanceof Over;
    return !this.#state || this.#record.leaseUntil <= this.#world.now().getTime();
  }

  // --- steps -----------------------------------------------------------------------------------

  /** All that stands against it is told now, while nothing is spent. */
  async #look(access: Bytes): Promise<void> {
    const view = await this.#transport.view(this.#record.id, access);
    checkOpenable(view);
    await this.#checkRoom(view.bytes);
  }

  async #checkRoom(bytes: number): Promise<void> {
    if (this.#storage) {
      if (bytes > (await this.#storage.freeBytes())) throw new LocalError("no_room");
    } else if (bytes > MEMORY_LIMIT_BYTES) {
      throw new LocalError("too_large_for_memory");
    }
  }

  async #keys(password: string | null): Promise<Keys> {
    const { id, secret, kdf } = this.#link;
    if (kdf !== KDF.none && password === null) throw new PasswordMissing("there is a password");
    const [keys] = await this.#world.workers.run<"derive">(
      { kind: "derive", links: [{ id, secret, kdf }], password },
      this.#following.signal,
    );
    if (!keys) throw new RangeError("as many keys as links");
    return keys;
  }

  async #claim({ access, unlock }: Keys, isFirst: boolean): Promise<Claim> {
    const { id, lease } = this.#record;
    try {
      return await this.#transport.claim(id, access, unlock, await hashed(lease));
    } catch (error) {
      const isRefused =
        error instanceof WrongPassword || error instanceof Locked || error instanceof NotYet;
      // Refused: nothing was taken. After any other failure T stays: an answer may have been lost
      // before it, and with the answer the only proof of whose the opening is.
      if (this.#isOver(error) || (isRefused && isFirst)) await this.#forget();
      throw error;
    }
  }

  async #received(claim: Claim, keys: Keys): Promise<Opened> {
    const { manifest, content } = await readClaim(claim, keys, this.#link, this.#record.lease);
    const isNoteAlone = content === null && manifest.files.length === 0;
    const blob = isNoteAlone ? new Blob() : await this.#fetched(manifest, content);
    const record = { ...this.#record, receipt: await this.#receipt(keys, "opened") };
    const transport = this.#transport.detached();
    return new Opened(manifest, blob, { world: this.#world, record, held: this.#held, transport });
  }

  /** The content, all of it verified; in the private file where there is one. */
  async #fetched(manifest: Manifest, content: RemoteContent | null): Promise<Blob> {
    const total = filesBytes(manifest.files);
    const partsDone = content ? await this.#partsHere(Geometry.ofLength(content.length), total) : 0;
    const { file } = this.#record;
    const job: DownloadJob = {
      kind: "download",
      content: content ?? manifest.inline,
      filesBytes: total,
      file: file || null,
      partsDone,
      trailer: trailerOf(manifest),
    };
    const collected = new Collected();
    const { signal } = this.#following;
    await this.#world.workers.run<"download">(job, signal, (event) => this.#hear(event, collected));
    await this.#saving;
    const blob = this.#storage ? await contentOf(this.#storage.read(file)) : collected.blob();
    if (blob.size < total) throw new LocalError("storage");
    return blob;
  }

  /** Parts that are there: a file may have been lost since its record was written. */
  async #partsHere(geometry: Geometry, total: number): Promise<number> {
    const { file, partsDone } = this.#record;
    const isPossible = partsDone > 0 && partsDone <= geometry.parts;
    const written = isPossible ? Math.min(geometry.partPlain(partsDone - 1)[1], total) : 0;
    const found = await this.#storage?.read(file);
    const isHere = isPossible && found && found.size >= written;
    await this.#checkRoom(isHere ? total - written : total);
    return isHere ? partsDone : 0;
  }

  #hear(event: Event, collected: Collected): void {
    if (event.kind === "progress") this.#following.progress(event.done, event.total);
    else if (event.kind === "durable") this.#saveParts(event.parts);
    else collected.add(event);
  }

  /** The file is flushed; what can't be written here is fetched again after a crash, no more. */
  #saveParts(partsDone: number): void {
    const record = { ...this.#record, partsDone };
    this.#record = record;
    this.#saving = this.#saving.then(() => this.#state?.saveOpening(record)).catch(() => {});
  }

  // --- the end ---------------------------------------------------------------------------------

  /** Tell the server of content that isn't the sender's, and leave nothing of it. */
  async #rejecting<T>(keys: Keys, receive: () => Promise<T>): Promise<T> {
    try {
      return await receive();
    } catch (error) {
      if (error instanceof IntegrityError) await this.#reject(keys);
      if (this.#isOver(error) || error instanceof IntegrityError) await this.#forget();
      throw error;
    }
  }

  async #reject(keys: Keys): Promise<void> {
    const { id, lease } = this.#record;
    const receipt = await this.#receipt(keys, "rejected");
    try {
      await this.#transport.brief().acknowledge(id, lease, "rejected", receipt);
    } catch (error) {
      if (!(error instanceof OtvError)) throw error; // the sender isn't told; the person is
    }
  }

  async #receipt({ ack }: Keys, outcome: Outcome): Promise<Bytes> {
    return receiptMac(ack, this.#link.id, await hashed(this.#record.lease), OUTCOME[outcome]);
  }
}
