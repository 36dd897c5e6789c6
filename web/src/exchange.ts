/**
 * One exchange over HTTP: sent, tried again, answered within limits, decoded or refused.
 *
 * Nothing goes along but what the protocol asks for: no cookies, no referrer, no cache. Answers are
 * read in pieces up to a limit, and no redirection is followed.
 */

import type { Json } from "./answers";
import { Nonsense, object } from "./answers";
import { b64encode } from "./b64";
import type { Bytes } from "./bytes";
import { concat } from "./bytes";
import { Unreachable } from "./errors";
import type { NextPiece } from "./pieces";
import { largePieces, pieces } from "./pieces";
import { errorOf, nonsense } from "./problems";
import type { Retrying } from "./retry";
import { Transient, checkStopped, linked } from "./retry";

export const ANSWER_BYTES = 8 << 20; // section 7: a body is at most 8 MiB
export const PROBLEM_BYTES = 64 << 10;
/** An attempt in which nothing comes or goes for so long has failed. */
export const STALL_S = 60;

const OK = 200;
const CREATED = 201;
const NO_CONTENT = 204;
const PARTIAL = 206;
// Which success a call has, so that a proxy's "200, here is a page" is taken for none.
const JSON_STATUSES: readonly number[] = [OK, CREATED];
const EMPTY_STATUSES: readonly number[] = [CREATED, NO_CONTENT];
const CONTENT_STATUSES: readonly number[] = [OK, PARTIAL];
const RETRIED: readonly number[] = [429, 503];
const FIRST_SERVER_ERROR = 500;
const FINAL_SERVER_ERRORS: readonly number[] = [501, 505, 507]; // seconds of waiting don't help

/** One call. */
export interface Request {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below `/api/v1`. */
  path: string;
  /** A, O or T. */
  bearer?: Bytes;
  body?: string;
  headers?: Readonly<Record<string, string>>;
  /** Goes out even if the page is left meanwhile: for a short last word. */
  isLastWord?: boolean;
}

/**
 * A request whose body is large, and whose way out is watched. The body is a blob: it waits outside of
 * the page's memory, and Chromium sends it faster than bytes of the page's own, ten times as fast
 * where developer tools watch the network.
 */
export interface Upload {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Blob;
  signal: AbortSignal;
  /** Told how many bytes of the body have gone out so far. */
  sent: (bytes: number) => void;
}

/** What does the sending. Both reject where there is no answer, whatever the reason. */
export interface Http {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** `PUT`, once. The answer's body has been read, up to `PROBLEM_BYTES`. */
  upload: (upload: Upload) => Promise<Response>;
}

/** Seconds of a `Retry-After`; a date, which no server of ours sends, is no number. */
export function retryAfter(value: string | null): number | null {
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : null;
}

/** A JSON object, or `Nonsense`, however odd what came is. */
export function jsonObject(raw: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch {
    throw new Nonsense("no JSON");
  }
  return object(value, "the answer");
}

/** Ends an attempt when the operation ends, or when nothing has happened for too long. */
class Watch {
  readonly #own: AbortController;
  readonly #stallMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal, stallS: number) {
    this.#own = linked(outer);
    this.#stallMs = stallS * 1000;
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** Something happened. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(), this.#stallMs);
  }

  /** Nothing more is waited for; what is still on its way is given up. */
  end(): void {
    clearTimeout(this.#timer);
    this.#own.abort();
  }
}

/** Requests to one server, for one operation. */
export class Exchange {
  readonly http: Http;
  readonly server: string;
  readonly retrying: Retrying;
  readonly #stallS: number;

  /** @param server `https://host[:port][/base]` without a trailing slash. */
  constructor(http: Http, server: string, retrying: Retrying, stallS = STALL_S) {
    this.http = http;
    this.server = server;
    this.retrying = retrying;
    this.#stallS = stallS;
  }

  /** The decoded JSON object of the answer, tried again as section 7 allows. */
  asked<T>(request: Request, decode: (answer: Json) => T): Promise<T> {
    return this.#attempts(async (watch) => {
      const response = await this.#fetched(request, watch);
      await this.#accept(response, JSON_STATUSES, watch);
      const answer = await this.#capped(response, ANSWER_BYTES, watch);
      try {
        return decode(jsonObject(answer));
      } catch (error) {
        throw error instanceof Nonsense ? nonsense(error.message) : error;
      }
    });
  }

  /** The same for a call whose answer is its status. */
  told(request: Request): Promise<void> {
    return this.#attempts(async (watch) => {
      const response = await this.#fetched(request, watch);
      await this.#accept(response, EMPTY_STATUSES, watch);
    });
  }

  /** `PUT` a large body, which is the same on every attempt; `sent` starts at 0 with each. */
  uploaded(request: Request, body: Blob, sent: (bytes: number) => void): Promise<void> {
    return this.#attempts(async (watch) => {
      const moved = (bytes: number): void => {
        watch.touch();
        sent(bytes);
      };
      moved(0);
      const url = this.#url(request);
      const headers = headersOf(request);
      const response = await this.#answered(
        this.http.upload({ url, headers, body, signal: watch.signal, sent: moved }),
      );
      await this.#accept(response, EMPTY_STATUSES, watch);
      sent(body.size); // not every browser tells of the last bytes
    });
  }

  /**
   * Bytes `start` to the end of a content of `size` bytes, once, no retry. Each piece is to be used
   * before the next one is asked for.
   *
   * @throws Transient a broken connection, or an answer to another question.
   */
  async *content(request: Request, start: number, size: number): AsyncGenerator<Bytes, void> {
    checkStopped(this.retrying.signal);
    const watch = new Watch(this.retrying.signal, this.#stallS);
    try {
      const response = await this.#fetched(request, watch);
      await this.#accept(response, CONTENT_STATUSES, watch);
      checkRange(response, start, size);
      if (response.body) yield* this.#pieces(largePieces(response.body), watch);
    } finally {
      watch.end();
    }
  }

  // --- one attempt -------------------------------------------------------------------------------

  #attempts<T>(attempt: (watch: Watch) => Promise<T>): Promise<T> {
    return this.retrying.run(async () => {
      const watch = new Watch(this.retrying.signal, this.#stallS);
      try {
        return await attempt(watch);
      } finally {
        watch.end();
      }
    });
  }

  #url(request: Request): string {
    return `${this.server}/api/v1${request.path}`;
  }

  #fetched(request: Request, watch: Watch): Promise<Response> {
    const init: RequestInit = {
      method: request.method,
      headers: headersOf(request),
      body: request.body ?? null,
      signal: watch.signal,
      keepalive: request.isLastWord ?? false,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    };
    return this.#answered(this.http.fetch(this.#url(request), init));
  }

  /** A response, or what its absence means. */
  async #answered(coming: Promise<Response>): Promise<Response> {
    const response = await this.#passing(coming);
    this.retrying.hasAnswered = true;
    return response;
  }

  /** What fails on the network may pass; whether the person stopped it, waiting will tell. */
  async #passing<T>(coming: Promise<T>): Promise<T> {
    try {
      return await coming;
    } catch {
      throw new Transient(new Unreachable("the server can't be reached, or gives no answer in time"));
    }
  }

  /** Return for an expected status; throw what any other means. */
  async #accept(response: Response, expected: readonly number[], watch: Watch): Promise<void> {
    const { status } = response;
    if (expected.includes(status)) return;
    const error = errorOf(status, await this.#problem(response, watch));
    const mayPass = status >= FIRST_SERVER_ERROR && !FINAL_SERVER_ERRORS.includes(status);
    if (!mayPass && !RETRIED.includes(status)) throw error;
    throw new Transient(error, retryAfter(response.headers.get("Retry-After")));
  }

  async #problem(response: Response, watch: Watch): Promise<Json | null> {
    try {
      return jsonObject(await this.#capped(response, PROBLEM_BYTES, watch));
    } catch (error) {
      if (error instanceof Nonsense || error instanceof Unreachable) return null;
      throw error;
    }
  }

  async *#pieces(next: NextPiece, watch: Watch): AsyncGenerator<Bytes, void> {
    for (;;) {
      // The pieces of one stream come one after the other.
      const piece = await this.#passing(next());
      if (piece === null) return;
      watch.touch();
      yield piece;
    }
  }

  /** The whole body, or a refusal as soon as it is longer than `limit` bytes. */
  async #capped(response: Response, limit: number, watch: Watch): Promise<Bytes> {
    const found: Bytes[] = [];
    let length = 0;
    if (!response.body) return concat();
    for await (const piece of this.#pieces(pieces(response.body), watch)) {
      length += piece.length;
      if (length > limit) throw nonsense("too long");
      found.push(piece);
    }
    return concat(...found);
  }
}

function headersOf({ bearer, body, headers }: Request): Record<string, string> {
  return {
    ...(bearer && { Authorization: `Bearer ${b64encode(bearer)}` }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
    ...headers,
  };
}

/**
 * Refuse an answer that is not bytes `start` to the end of `size` (RFC 9110, 14.4).
 *
 * A whole answer (200) is right only from byte 0. Nothing of the content is judged here: framing
 * that is wrong may be right at the next attempt.
 */
function checkRange(response: Response, start: number, size: number): void {
  const { status, headers } = response;
  const isWhole = status === OK && start === 0;
  if (!isWhole && status !== PARTIAL) throw wrong("the whole for a range");
  if (headers.get("Content-Length") !== String(size - start)) throw wrong("a wrong Content-Length");
  const range = `bytes ${start}-${size - 1}/${size}`;
  if (!isWhole && headers.get("Content-Range") !== range) throw wrong("a wrong Content-Range");
  if ((headers.get("Content-Encoding") ?? "identity") !== "identity") {
    throw wrong("an encoding that changes lengths");
  }
}

function wrong(detail: string): Transient {
  return new Transient(nonsense(detail));
}
