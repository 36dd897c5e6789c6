/**
 * Sending: files, a note, or both become links (protocol sections 5 to 7).
 *
 * Nothing leaves before the limits of the server are known to allow it, and nothing stays after a
 * failure: what was uploaded is taken back.
 */

import type { Info, ShareReport } from "./answers";
import { b64encode } from "./b64";
import type { Bytes } from "./bytes";
import { Geometry } from "./envelope/content";
import { inLanes } from "./envelope/lanes";
import { HEADER_BYTES, SEGMENT_OVERHEAD } from "./envelope/floe";
import { hashed } from "./envelope/keys";
import type { BlobEntry, FileEntry } from "./envelope/manifest";
import { filesBytes, fitsInline } from "./envelope/manifest";
import { MAX_BUCKET, bucket } from "./envelope/padding";
import { Interrupted, LocalError, OtvError, Over, Refused, Unknown } from "./errors";
import type { Place } from "./link";
import { drawId, idText, isLoopback } from "./link";
import type { DrawnLink, SentLink } from "./newlinks";
import { drawLinks, sealLinks, sentLink } from "./newlinks";
import type { Source, Terms } from "./parcel";
import {
  checkParcel,
  checkTerms,
  delayUntil,
  entriesOf,
  stampOf,
  ttlOf,
  withDistinctNames,
} from "./parcel";
import { checkStopped } from "./retry";
import type { ShareRecord, State } from "./state";
import { PROOF_BYTES } from "./state";
import type { NewLink, Transport } from "./transport";
import { JoinedFiles } from "./upload";
import type { Progress, World } from "./world";

const SECOND_LOOK_S = 0.3;
/** A server takes no larger JSON (section 7). */
const BODY_BYTES = 8 << 20;
/** Of a link in that JSON, besides its manifest, with room to spare. */
const LINK_BYTES = 400;

/** What sending made. */
export interface SentShare {
  /** The share's id. */
  share: string;
  /** In the order of their names. */
  links: SentLink[];
  /** Of all files together. */
  bytes: number;
  files: number;
  /** What looking after it and revoking it need. */
  record: ShareRecord;
}

/** What is sent, and how. */
export interface Sendable {
  sources: readonly Source[];
  terms: Terms;
  /** For whom each link is; they stay in this browser. */
  names: readonly string[];
}

/**
 * Send, and return the links.
 *
 * @throws UsageError terms or contents that no share can have.
 * @throws Refused the server's limits are narrower, or it wants an upload token.
 * @throws LocalError a file changed or can't be read.
 * @throws Unreachable no answer.
 * @throws Interrupted the transport's signal; it says whether what was uploaded is taken back.
 */
export async function sendShare(
  world: World,
  transport: Transport,
  sendable: Sendable,
  progress: Progress,
): Promise<SentShare> {
  const given = { ...sendable, sources: withDistinctNames(sendable.sources) };
  const plainBytes = checkParcel(given.sources, given.terms);
  const info = await transport.info();
  if (info.uploadToken && !transport.hasUploadToken) throw new Refused("upload_token");
  checkTerms(given.terms, info.limits, world.now());
  const state = await world.state();
  const sending = new Sending(world, state, transport, given, info, plainBytes, progress);
  try {
    return await sending.run();
  } catch (error) {
    const isTakenBack = await sending.undo();
    if (error instanceof Interrupted) throw new Interrupted(error.message, isTakenBack);
    throw error;
  }
}

/** One sending from the first draw of randomness to the links. */
class Sending {
  readonly #world: World;
  readonly #state: State | null;
  readonly #transport: Transport;
  readonly #given: Sendable;
  readonly #info: Info;
  readonly #progress: Progress;
  readonly #sid: string;
  readonly #owner: Bytes;
  readonly #entries: FileEntry[];
  readonly #total: number;
  readonly #isInline: boolean;
  #hasAsked = false;

  /**
   * @param plainBytes of a manifest with a blob, padded.
   * @throws Refused larger than the server allows.
   */
  constructor(
    world: World,
    state: State | null,
    transport: Transport,
    given: Sendable,
    info: Info,
    plainBytes: number,
    progress: Progress,
  ) {
    this.#world = world;
    this.#state = state;
    this.#transport = transport;
    this.#given = given;
    this.#info = info;
    this.#progress = progress;
    this.#sid = b64encode(drawId(world.random));
    this.#owner = world.random(PROOF_BYTES);
    this.#entries = entriesOf(given.sources);
    this.#total = filesBytes(this.#entries);
    const { note, viewOnly, links } = given.terms;
    const inlineBytes = bucket(Math.min(plainBytes + this.#total, MAX_BUCKET));
    this.#isInline =
      fitsInline(note, this.#entries, viewOnly) && fitsBody(links, inlineBytes);
    if (this.#isInline) return;
    if (!fitsBody(links, plainBytes)) throw new Refused("personal_links");
    const { ciphertext } = Geometry.ofFiles(this.#total);
    if (ciphertext > info.limits.shareBytes) throw new Refused("too_large");
  }

  /** Draw, remember, upload, and hand out the links. */
  async run(): Promise<SentShare> {
    const { terms, names, sources } = this.#given;
    const { server, retrying } = this.#transport;
    const place = placeOfLinks(server, this.#info);
    await this.#checkUnchanged();
    const drawn = await drawLinks(this.#world, place, terms, names, retrying.signal);
    const record = await this.#remember(drawn);
    const report = await (this.#isInline ? this.#uploadInline(drawn) : this.#upload(drawn));
    checkStopped(retrying.signal);
    // Again: a tab that looked before the share was there took it for forgotten.
    await this.#state?.saveShare(record);
    const links = await Promise.all(drawn.map((link) => sentLink(link, report)));
    return { share: this.#sid, links, bytes: this.#total, files: sources.length, record };
  }

  /**
   * Take back what was uploaded, best effort, and forget it.
   *
   * @returns whether that came to the server. If not, the record stays: it can still revoke.
   */
  async undo(): Promise<boolean> {
    const isTakenBack = !this.#hasAsked || (await this.#isTakenBack(this.#transport.brief()));
    if (this.#state && isTakenBack) await quietly(this.#state.forgetShare(this.#sid));
    return isTakenBack;
  }

  async #isTakenBack(transport: Transport): Promise<boolean> {
    try {
      await this.#takeBack(transport);
      return true;
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      return error instanceof Unknown || error instanceof Over; // there is nothing, or no more
    }
  }

  async #takeBack(transport: Transport): Promise<void> {
    const { clock, signal } = transport.retrying;
    try {
      await transport.revoke(this.#sid, this.#owner);
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      // The server may still be busy with the request that was interrupted.
      await clock.pause(SECOND_LOOK_S, signal);
      await transport.revoke(this.#sid, this.#owner);
    }
  }

  // --- steps -----------------------------------------------------------------------------------

  /** Store O and every K before the server is asked for anything. */
  async #remember(drawn: readonly DrawnLink[]): Promise<ShareRecord> {
    const record: ShareRecord = {
      server: this.#transport.server,
      id: this.#sid,
      owner: this.#owner,
      createdAt: this.#world.now().getTime(),
      links: drawn.map(({ link, keys, name }) => ({ id: idText(link), ack: keys.ack, name })),
      isTold: false,
    };
    await this.#state?.saveShare(record);
    return record;
  }

  /** Before it is read, so that nobody waits in vain, and after it, when it is too late to change. */
  async #checkUnchanged(): Promise<void> {
    const checks = this.#given.sources.map(({ name, blob, stamp }) => async () => {
      if ((await stampOf(blob)) !== (await stamp)) throw new LocalError("changed", name);
    });
    await inLanes(checks.length, async (at) => checks[at]?.());
  }

  async #create(bytes: number, links: readonly NewLink[] = []): Promise<ShareReport> {
    const ownerHash = await hashed(this.#owner);
    this.#hasAsked = true;
    return this.#transport.createShare(this.#sid, this.#owner, ownerHash, bytes, links);
  }

  async #uploadInline(drawn: readonly DrawnLink[]): Promise<ShareReport> {
    const inline = await new JoinedFiles(this.#given.sources).read(0, this.#total);
    await this.#checkUnchanged();
    return this.#create(0, await this.#sealed(drawn, null, inline));
  }

  async #upload(drawn: readonly DrawnLink[]): Promise<ShareReport> {
    const { length, ciphertext, parts } = Geometry.ofFiles(this.#total);
    await this.#create(ciphertext);
    const { server, retrying } = this.#transport;
    const sources = this.#given.sources.map(({ name, size, blob }) => ({ name, size, blob }));
    const sid = this.#sid;
    const owner = this.#owner;
    const { key, header, root } = await this.#world.workers.run<"upload">(
      { kind: "upload", server, sid, owner, sources },
      retrying.signal,
      (event) => event.kind === "progress" && this.#progress(event.done, event.total),
    );
    await this.#checkUnchanged();
    const links = await this.#sealed(drawn, { key, header, length, root }, new Uint8Array());
    return this.#transport.seal(sid, owner, { parts, bytes: ciphertext, root }, links);
  }

  #sealed(
    drawn: readonly DrawnLink[],
    blob: BlobEntry | null,
    inline: Bytes,
  ): Promise<NewLink[]> {
    const { terms } = this.#given;
    const { note, viewOnly: view, opens } = terms;
    const delayS = delayUntil(terms.opensAt, this.#world.now());
    const ttlS = ttlOf(terms, this.#info.limits);
    const manifest = { note, view, files: this.#entries, blob, inline };
    return sealLinks(drawn, manifest, { opens, delayS, ttlS }, this.#world.random);
  }
}

/**
 * The server that links name. An address of loopback leads whoever gets the link to their own
 * machine, so the server's word for where others reach it counts there; anywhere else it doesn't.
 */
function placeOfLinks(server: string, { address, pin }: Info): Place {
  if (address !== null && isLoopback(server)) return { server: address, pin };
  return { server, pin: server.startsWith("https:") ? pin : null };
}

/** An upload ends by itself, and nobody has its links: what failed before is what is told. */
async function quietly(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof OtvError)) throw error;
  }
}

/** Whether so many links go into one request, each with a manifest of so many bytes. */
function fitsBody(links: number, plainBytes: number): boolean {
  const sealed = plainBytes + HEADER_BYTES + SEGMENT_OVERHEAD;
  return links * (LINK_BYTES + Math.ceil((sealed * 4) / 3)) <= BODY_BYTES;
}
