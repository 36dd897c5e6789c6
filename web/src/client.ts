/**
 * The workflows' front: one object that sends, opens, reports and revokes. Views use nothing else of
 * them, and it knows no view.
 */

import type { Info, LinkView } from "./answers";
import { deriveAccess } from "./envelope/keys";
import { Unknown, UsageError } from "./errors";
import { Exchange } from "./exchange";
import type { Link } from "./link";
import { idText } from "./link";
import type { Following, Opened } from "./opened";
import { openLink } from "./opening";
import type { Source, Terms } from "./parcel";
import { reopened } from "./reopened";
import type { ShareStatus } from "./reporting";
import { GONE, judged } from "./reporting";
import { GLANCE, PATIENCE, Retrying } from "./retry";
import type { SentShare } from "./sending";
import { sendShare } from "./sending";
import type { OpeningRecord, ShareRecord } from "./state";
import { tidy } from "./tidying";
import { Transport } from "./transport";
import type { World } from "./world";

export type { Info, Limits, LinkView } from "./answers";
export { checkOpenable, nextLook } from "./claims";
export type { Link } from "./link";
export type { SentLink } from "./newlinks";
export type { Following, Opened, OpenedFile } from "./opened";
export { MEMORY_LIMIT_BYTES } from "./opening";
export type { Entry, Source, Terms, Told } from "./parcel";
export { collect, entryOf } from "./parcel";
export { GONE } from "./reporting";
export type { LinkStatus, OpeningStatus, Receipt, ShareStatus } from "./reporting";
export type { SentShare } from "./sending";
export type { OpeningRecord, SentLinkRecord, ShareRecord } from "./state";
export type { Progress, World } from "./world";

/** How something is sent, besides its terms. */
export interface Sending extends Following {
  /** For whom each link is; they stay in this browser. */
  names?: readonly string[];
  uploadToken?: string;
}

const endless = new AbortController().signal;

/** Every method throws an `OtvError`; `errors.ts` says which there are. */
export class Client {
  readonly server: string;
  readonly #world: World;

  /** @param server where this page comes from: `https://host[:port][/base]`. */
  constructor(world: World, server: string = location.origin) {
    this.server = server;
    this.#world = world;
  }

  /** What the server allows. */
  info(uploadToken?: string): Promise<Info> {
    return this.#glance(this.server, uploadToken).info();
  }

  // --- sending ---------------------------------------------------------------------------------

  /** Send files and a note; after a failure or the signal nothing of it stays at the server. */
  send(sources: readonly Source[], terms: Terms, how: Sending): Promise<SentShare> {
    const { names = [], uploadToken, progress, signal } = how;
    const transport = this.#transport(this.server, signal, uploadToken);
    return sendShare(this.#world, transport, { sources, terms, names }, progress);
  }

  /** The upload token that is kept here; empty where there is none, null where none can be kept. */
  async keptToken(): Promise<string | null> {
    const state = await this.#world.state();
    return state && ((await state.token(this.server)) ?? "");
  }

  /** Keep an upload token in this browser; an empty one: keep none any more. */
  async keepToken(token: string): Promise<void> {
    const state = await this.#world.state();
    await (token === "" ? state?.forgetToken(this.server) : state?.saveToken(this.server, token));
  }

  // --- opening ---------------------------------------------------------------------------------

  /** What may be seen without spending anything: a link in any state. */
  async look(link: Link): Promise<LinkView> {
    const access = await deriveAccess(link.id, link.secret);
    return this.#glance(this.#ours(link)).view(idText(link), access);
  }

  /** The lease that this browser holds for a link: opening it goes on, and spends nothing more. */
  async begun(link: Link): Promise<OpeningRecord | null> {
    const record = await (await this.#world.state())?.opening(link.server, idText(link));
    const isAlive = record && !record.isOver && record.leaseUntil > this.#world.now().getTime();
    return isAlive ? record : null;
  }

  /** Open a link; a link opens once. */
  async open(link: Link, password: string | null, following: Following): Promise<Opened> {
    const transport = this.#transport(this.#ours(link), following.signal);
    return openLink(this.#world, transport, link, password, following);
  }

  /**
   * What this tab had open before it was reloaded. Ask first: the address bar holds no key any more,
   * and where it does the link is over.
   *
   * @param linkId as the address says it.
   * @throws LocalError it can't be read just now.
   */
  reopened(linkId: string): Promise<Opened | null> {
    return reopened(this.#world, this.#transport(this.server, endless), linkId);
  }

  // --- what became of it -------------------------------------------------------------------------

  /**
   * What became of a share, its receipts checked. A share that the server has forgotten is
   * forgotten here, too.
   */
  async status(record: ShareRecord): Promise<ShareStatus> {
    const state = await this.#world.state();
    try {
      const report = await this.#glance(record.server).share(record.id, record.owner);
      if (report.state === GONE && !record.isTold) await state?.saveShare({ ...record, isTold: true });
      return await judged(report, record);
    } catch (error) {
      if (error instanceof Unknown) await state?.forgetShare(record.id);
      throw error;
    }
  }

  /** End a share, or one link of it: erase it now, and cut who reads it. */
  revoke(record: ShareRecord, linkId?: string): Promise<void> {
    const isAll = linkId === undefined || record.links.length === 1;
    const { id, owner, server } = record;
    return this.#transport(server, endless).revoke(id, owner, isAll ? null : linkId);
  }

  /** Unlock a link: forgive the wrong passwords counted so far. */
  forgive({ server, id, owner }: ShareRecord, linkId: string): Promise<void> {
    return this.#transport(server, endless).resetGuesses(id, linkId, owner);
  }

  /** What this browser sent and the server has not forgotten, as far as known; newest first. */
  async sent(): Promise<ShareRecord[]> {
    return (await (await this.#world.state())?.shares()) ?? [];
  }

  async forget(record: ShareRecord): Promise<void> {
    await (await this.#world.state())?.forgetShare(record.id);
  }

  /** At the start: wipe what finished or lapsed openings left. */
  tidy(): Promise<void> {
    return tidy(this.#world);
  }

  // --- parts -----------------------------------------------------------------------------------

  /** The link's server, which is this page's: a page may talk to no other. */
  #ours(link: Link): string {
    if (new URL(link.server).origin !== new URL(this.server).origin) {
      throw new UsageError("a link of another server", "server");
    }
    return link.server;
  }

  #glance(server: string, uploadToken = ""): Transport {
    return this.#transport(server, endless, uploadToken, GLANCE);
  }

  #transport(
    server: string,
    signal: AbortSignal,
    uploadToken = "",
    patience = PATIENCE,
  ): Transport {
    const retrying = new Retrying(this.#world.clock, signal, patience);
    return new Transport(new Exchange(this.#world.http, server, retrying), uploadToken);
  }
}
