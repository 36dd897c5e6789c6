/** Every call of protocol section 7 as a small method, and the browser's own way to send one. */

import * as answers from "./answers";
import type { Claim, Info, LinkView, ShareReport } from "./answers";
import { b64encode, base64 } from "./b64";
import type { Bytes } from "./bytes";
import { Over, Unknown, UsageError } from "./errors";
import type { Http, Upload } from "./exchange";
import { Exchange, PROBLEM_BYTES, STALL_S } from "./exchange";
import type { Patience } from "./retry";
import { BRIEF, Retrying } from "./retry";

const BRIEF_STALL_S = 5;

/** One link as a sender registers it (the protocol's `Link`); every field is fit to send. */
export interface NewLink {
  id: string;
  accessHash: Bytes;
  unlockHash: Bytes;
  manifest: Bytes;
  opens: number;
  delayS: number;
  ttlS: number;
}

/** One part of a content: its index, its sealed bytes and their SHA-256. */
export interface Part {
  index: number;
  sealed: Blob;
  digest: Bytes;
}

/** What the seal says of a content. */
export interface Sealed {
  parts: number;
  bytes: number;
  root: Bytes;
}

export type Outcome = "opened" | "rejected";

/** The object of section 7. */
export function linkJson(link: NewLink): Record<string, unknown> {
  return {
    id: link.id,
    access: b64encode(link.accessHash),
    unlock: b64encode(link.unlockHash),
    manifest: b64encode(link.manifest),
    opens: link.opens,
    delay_s: link.delayS,
    ttl_s: link.ttlS,
  };
}

/** The value of `Content-Digest` for a SHA-256 hash (RFC 9530). */
export function contentDigest(digest: Bytes): string {
  return `sha-256=:${base64(digest)}:`;
}

/** The calls of section 7 to one server, for one operation. */
export class Transport {
  readonly server: string;
  readonly #exchange: Exchange;
  readonly #uploadToken: string;

  /** @param uploadToken permission to upload; empty where there is none. */
  constructor(exchange: Exchange, uploadToken = "") {
    this.server = exchange.server;
    this.#exchange = exchange;
    this.#uploadToken = uploadToken;
  }

  get retrying(): Retrying {
    return this.#exchange.retrying;
  }

  get hasUploadToken(): boolean {
    return this.#uploadToken !== "";
  }

  /** The same server, whatever becomes of this operation. */
  detached(): Transport {
    return this.#anew(this.retrying.patience, STALL_S);
  }

  /** The same with little patience: for a last word. */
  brief(): Transport {
    return this.#anew(BRIEF, BRIEF_STALL_S);
  }

  #anew(patience: Patience, stallS: number): Transport {
    const { clock, hasAnswered } = this.retrying;
    const retrying = new Retrying(clock, new AbortController().signal, patience, hasAnswered);
    return new Transport(new Exchange(this.#exchange.http, this.server, retrying, stallS));
  }

  // --- the calls ---------------------------------------------------------------------------------

  /** `GET /info`. */
  async info(): Promise<Info> {
    try {
      const request = { method: "GET", path: "/info", headers: this.#permission() } as const;
      return await this.#exchange.asked(request, answers.info);
    } catch (error) {
      if (error instanceof Unknown) throw new UsageError("no address of a server", "server");
      throw error;
    }
  }

  /** `PUT /shares/{sid}`; `bytes` of ciphertext, 0 for inline. */
  createShare(
    sid: string,
    owner: Bytes,
    ownerHash: Bytes,
    bytes: number,
    links: readonly NewLink[] = [],
  ): Promise<ShareReport> {
    const value = { owner: b64encode(ownerHash), bytes, links: links.map(linkJson) };
    const body = JSON.stringify(value);
    const headers = this.#permission();
    const path = `/shares/${sid}`;
    return this.#exchange.asked({ method: "PUT", path, bearer: owner, body, headers }, answers.share);
  }

  /** `PUT /shares/{sid}/parts/{j}`; `sent` is told how far this attempt is. */
  putPart(sid: string, owner: Bytes, part: Part, sent: (bytes: number) => void): Promise<void> {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Digest": contentDigest(part.digest),
    };
    const path = `/shares/${sid}/parts/${part.index}`;
    const request = { method: "PUT", path, bearer: owner, headers } as const;
    return this.#exchange.uploaded(request, part.sealed, sent);
  }

  /** `POST /shares/{sid}/seal`. */
  seal(sid: string, owner: Bytes, content: Sealed, links: readonly NewLink[]): Promise<ShareReport> {
    const root = b64encode(content.root);
    const body = JSON.stringify({ ...content, root, links: links.map(linkJson) });
    const path = `/shares/${sid}/seal`;
    return this.#exchange.asked({ method: "POST", path, bearer: owner, body }, answers.share);
  }

  /** `GET /shares/{sid}`. */
  share(sid: string, owner: Bytes): Promise<ShareReport> {
    const request = { method: "GET", path: `/shares/${sid}`, bearer: owner } as const;
    return this.#exchange.asked(request, answers.share);
  }

  /** `POST /shares/{sid}/links/{id}/reset`. */
  resetGuesses(sid: string, linkId: string, owner: Bytes): Promise<void> {
    const path = `/shares/${sid}/links/${linkId}/reset`;
    return this.#exchange.told({ method: "POST", path, bearer: owner });
  }

  /** `DELETE` of a share or of one link; one that is over already is fine. */
  async revoke(sid: string, owner: Bytes, linkId: string | null = null): Promise<void> {
    const path = `/shares/${sid}${linkId === null ? "" : `/links/${linkId}`}`;
    try {
      await this.#exchange.told({ method: "DELETE", path, bearer: owner, isLastWord: true });
    } catch (error) {
      if (!(error instanceof Over)) throw error;
    }
  }

  /** `GET /links/{id}`; spends nothing. */
  view(linkId: string, access: Bytes): Promise<LinkView> {
    const request = { method: "GET", path: `/links/${linkId}`, bearer: access } as const;
    return this.#exchange.asked(request, answers.linkView);
  }

  /** `POST /links/{id}/claim`; the same lease again gets the same answer. */
  claim(linkId: string, access: Bytes, unlock: Bytes, leaseHash: Bytes): Promise<Claim> {
    const body = JSON.stringify({ unlock: b64encode(unlock), lease: b64encode(leaseHash) });
    const path = `/links/${linkId}/claim`;
    return this.#exchange.asked({ method: "POST", path, bearer: access, body }, answers.claim);
  }

  /** `POST /links/{id}/ack`. */
  acknowledge(linkId: string, lease: Bytes, outcome: Outcome, mac: Bytes): Promise<void> {
    const body = JSON.stringify({ outcome, mac: b64encode(mac) });
    const path = `/links/${linkId}/ack`;
    return this.#exchange.told({ method: "POST", path, bearer: lease, body, isLastWord: true });
  }

  /**
   * `GET /links/{id}/content` from byte `start` up to the end, once, no retry.
   *
   * @throws Transient a broken connection, or an answer to another question.
   */
  content(
    linkId: string,
    lease: Bytes,
    root: Bytes,
    start: number,
    size: number,
  ): AsyncGenerator<Bytes, void> {
    const headers = { Range: `bytes=${start}-`, "If-Range": `"${b64encode(root)}"` };
    const path = `/links/${linkId}/content`;
    return this.#exchange.content({ method: "GET", path, bearer: lease, headers }, start, size);
  }

  #permission(): Record<string, string> {
    return this.#uploadToken ? { "OTV-Upload-Token": this.#uploadToken } : {};
  }
}

// --- the browser's own -------------------------------------------------------------------------

/** `fetch`, and for what is large XMLHttpRequest, which alone tells how much has gone out. */
export const browserHttp: Http = {
  fetch: (url, init) => fetch(url, init),
  upload: (upload) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const fail = (): void => reject(new TypeError("no answer"));
      request.open("PUT", upload.url);
      request.responseType = "arraybuffer";
      for (const [name, value] of Object.entries(upload.headers)) {
        request.setRequestHeader(name, value);
      }
      request.upload.addEventListener("progress", ({ loaded }) => upload.sent(loaded));
      request.addEventListener("progress", ({ loaded }) => {
        if (loaded > PROBLEM_BYTES) request.abort();
      });
      request.addEventListener("load", () => {
        const response = responseOf(request, upload);
        if (response) resolve(response);
        else fail();
      });
      request.addEventListener("error", fail);
      request.addEventListener("abort", fail);
      upload.signal.addEventListener("abort", () => request.abort(), { once: true });
      if (upload.signal.aborted) fail();
      else request.send(upload.body);
    }),
};

/** What came, as `fetch` would give it; null after a redirection, which nobody asked to follow. */
function responseOf(request: XMLHttpRequest, { url }: Upload): Response | null {
  if (request.responseURL !== "" && request.responseURL !== url) return null;
  const body = request.response as ArrayBuffer;
  const retryAfter = request.getResponseHeader("Retry-After");
  const headers = new Headers(retryAfter === null ? {} : { "Retry-After": retryAfter });
  return new Response(body.byteLength ? body : null, { status: request.status, headers });
}
