/** A network with faults, in front of the real one. */

import type { Http } from "../../src/exchange";
import { plainHttp } from "./device";

interface Rule {
  method: string;
  path: RegExp;
  times: number;
  act: (ask: () => Promise<Response>) => Promise<Response>;
}

type Json = Record<string, unknown>;

const CONTENT = /\/content$/;

/** Each rule holds for so many requests that fit; those that fit none go through. */
export class Faults {
  /** The first byte that each request for content asked for. */
  readonly ranges: number[] = [];
  onRange: (start: number) => void = () => {};
  onRequest: (method: string, path: string) => void = () => {};
  #rules: Rule[] = [];

  readonly http: Http = {
    fetch: (url, init) => this.#passed(init.method ?? "GET", url, init, () => plainHttp.fetch(url, init)),
    upload: (upload) =>
      this.#passed("PUT", upload.url, { headers: { ...upload.headers } }, () => plainHttp.upload(upload)),
  };

  /** From now on the network is as it should be. */
  end(): void {
    this.#rules = [];
  }

  /** What is asked reaches the server, and its answer nobody. */
  loseAnswers(method: string, path: RegExp, times: number): void {
    this.#add(method, path, times, async (ask) => {
      await ask();
      throw new TypeError("the answer is lost");
    });
  }

  loseRequests(method: string, path: RegExp, times: number): void {
    this.#add(method, path, times, () => Promise.reject(new TypeError("no network")));
  }

  /** Nothing ever comes. */
  hang(method: string, path: RegExp): void {
    this.#add(method, path, Infinity, () => new Promise(() => {}));
  }

  /** Another JSON comes than was sent. */
  change(method: string, path: RegExp, change: (answer: Json) => Json): void {
    this.#add(method, path, Infinity, async (ask) => {
      const response = await ask();
      const changed = change((await response.json()) as Json);
      return new Response(JSON.stringify(changed), { status: response.status });
    });
  }

  answer(method: string, path: RegExp, times: number, response: () => Response): void {
    this.#add(method, path, times, async () => response());
  }

  /** The first answers with content break off after so many bytes. */
  cutContent(...lengths: number[]): void {
    for (const length of lengths) {
      this.#add("GET", CONTENT, 1, async (ask) => transformed(await ask(), cut(length)));
    }
  }

  /** One bit of the content's byte `at` is turned in so many answers that hold it. */
  damageContent(at: number, times: number): void {
    this.#add("GET", CONTENT, times, async (ask) => {
      const start = this.ranges.at(-1) ?? 0;
      return transformed(await ask(), damage(at - start));
    });
  }

  #add(method: string, path: RegExp, times: number, act: Rule["act"]): void {
    this.#rules.push({ method, path, times, act });
  }

  async #passed(
    method: string,
    url: string,
    init: RequestInit,
    ask: () => Promise<Response>,
  ): Promise<Response> {
    const { pathname } = new URL(url);
    this.onRequest(method, pathname);
    const rule = this.#rules.find(
      (each) => each.times > 0 && each.method === method && each.path.test(pathname),
    );
    if (CONTENT.test(pathname)) this.#range(init, rule?.times !== Infinity);
    if (!rule) return ask();
    rule.times -= 1;
    return rule.act(ask);
  }

  #range(init: RequestInit, isAnswered: boolean): void {
    const range = new Headers(init.headers).get("Range") ?? "";
    const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? NaN);
    if (isAnswered) this.ranges.push(start);
    this.onRange(start);
  }
}

type Through = TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;

function transformed(response: Response, through: Through): Response {
  const { status, headers, body } = response;
  return new Response(body?.pipeThrough(through) ?? null, { status, headers });
}

function cut(length: number): Through {
  let left = length;
  return new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece.slice(0, left));
      left -= piece.length;
      if (left < 0) controller.error(new TypeError("the connection broke"));
    },
  });
}

function damage(at: number): Through {
  let position = 0;
  return new TransformStream({
    transform(piece, controller) {
      const inPiece = at - position;
      const damaged = piece.slice();
      if (inPiece >= 0 && inPiece < piece.length) damaged[inPiece] = (piece[inPiece] ?? 0) ^ 1;
      position += piece.length;
      controller.enqueue(damaged);
    },
  });
}
