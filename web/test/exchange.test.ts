/** Broken and hostile servers on a real socket: what is retried, what is refused, what is believed. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { b64encode } from "../src/b64";
import type { Bytes } from "../src/bytes";
import { Interrupted, Over, Refused, Unknown, Unreachable, UsageError } from "../src/errors";
import { ANSWER_BYTES, Exchange, retryAfter } from "../src/exchange";
import { PATIENCE, Retrying, Transient } from "../src/retry";
import { Transport, contentDigest } from "../src/transport";
import { HastyClock, plainHttp } from "./support/device";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const AT = "2026-11-22T14:03:00Z";
const SHARE = JSON.stringify({ id: "AAECAwQFBgcICQoL", state: "sealed", links: [], now: AT });
const PROOF = new Uint8Array(32);

let script: Answer[] = [];
let requests: IncomingMessage[] = [];
let bodies: Buffer[] = [];
let url = "";

/** Answers each request with the next line of the script; the last one stays. */
const server = createServer(async (request, response) => {
  requests.push(request);
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  bodies.push(Buffer.concat(pieces));
  const answer = script.length > 1 ? script.shift() : script[0];
  answer?.(response, request);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [script, requests, bodies] = [[], [], []];
});

function transport(signal = new AbortController().signal, stallS?: number, server = url) {
  const clock = new HastyClock();
  const retrying = new Retrying(clock, signal, PATIENCE);
  const exchange = new Exchange(plainHttp, server, retrying, stallS);
  return { clock, exchange, calls: new Transport(exchange) };
}

function says(status: number, body: string | Buffer = "", headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

function problem(status: number, code: string): Answer {
  return says(status, JSON.stringify({ code }));
}

const hangsUp: Answer = (response) => response.destroy();

describe("an answer of JSON", () => {
  const ask = (calls: Transport) => calls.share("AAECAwQFBgcICQoL", PROOF);

  it("is asked for by its proof, without cookies, and without a referrer", async () => {
    script = [says(200, SHARE)];
    expect(await ask(transport().calls)).toMatchObject({ state: "sealed" });
    const [request] = requests;
    expect(request?.url).toBe("/api/v1/shares/AAECAwQFBgcICQoL");
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${b64encode(PROOF)}` });
    expect(request?.headers).not.toHaveProperty("cookie");
    expect(request?.headers).not.toHaveProperty("referer");
  });

  it.each<[string, Answer]>([
    ["a hang-up", hangsUp],
    ["a hang-up in the body", (response) => response.writeHead(200, { "Content-Length": "99" }).write("{", () => response.destroy())],
    ["a fault of the server's", problem(500, "internal")],
    ["a proxy's", says(502, "<html>")],
    ["a busy server", problem(429, "slow_down")],
    ["a store that is away", problem(503, "unavailable")],
  ])("is asked for again after %s", async (_, fault) => {
    script = [fault, fault, says(200, SHARE)];
    expect(await ask(transport().calls)).toMatchObject({ state: "sealed" });
    expect(requests).toHaveLength(3);
  });

  it.each<[string, Answer, object]>([
    ["an ending", problem(410, "over"), Over],
    ["a miss", problem(404, "unknown"), Unknown],
    ["a refusal", problem(409, "conflict"), Refused],
    ["no room", problem(507, "no_room"), Refused],
    ["a redirection", says(302, "", { Location: "/elsewhere" }), Unreachable],
    ["another page", says(200, "<html>"), Unreachable],
    ["another JSON", says(200, "[]"), Unreachable],
    ["no UTF-8", says(200, Buffer.from([0xff])), Unreachable],
    ["a success that this call doesn't have", says(204), Unreachable],
  ])("and not after %s", async (what, fault, error) => {
    script = [fault];
    await expect(ask(transport().calls)).rejects.toBeInstanceOf(error as new () => Error);
    if (what !== "a redirection") expect(requests).toHaveLength(1); // a browser tells no cause
  });

  it("is read up to a limit", async () => {
    script = [says(200, " ".repeat(ANSWER_BYTES + 1))];
    await expect(ask(transport().calls)).rejects.toThrow("too long");
  });

  it("a problem that is too long is one without a code", async () => {
    script = [says(410, `{"code":"over"${" ".repeat(70_000)}}`)];
    await expect(ask(transport().calls)).rejects.toBeInstanceOf(Unreachable);
  });

  it("is not waited for for ever", async () => {
    script = [() => {}, says(200, SHARE)];
    expect(await ask(transport(undefined, 0.5).calls)).toMatchObject({ state: "sealed" });
  });

  it("can be stopped", async () => {
    script = [() => {}];
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    await expect(ask(transport(stop.signal).calls)).rejects.toBeInstanceOf(Interrupted);
  });

  it("nobody there: said soon", async () => {
    const { calls, clock } = transport(undefined, undefined, "http://127.0.0.1:1");
    await expect(ask(calls)).rejects.toBeInstanceOf(Unreachable);
    expect(clock.pauses.reduce((sum, pause) => sum + pause)).toBeLessThan(7);
  });
});

it("an address that is none of a server of this kind is said to be wrong", async () => {
  script = [problem(404, "unknown")];
  await expect(transport().calls.info()).rejects.toBeInstanceOf(UsageError);
});

it("revoking what is over is fine", async () => {
  script = [problem(410, "over")];
  await transport().calls.revoke("AAECAwQFBgcICQoL", PROOF);
  expect(requests[0]?.method).toBe("DELETE");
});

it("a part goes out with its digest, and again with the same bytes", async () => {
  script = [hangsUp, problem(503, "unavailable"), says(201)];
  const sealed = new Blob([Uint8Array.of(1, 2, 3)]);
  const part = { index: 7, sealed, digest: PROOF };
  const sent: number[] = [];
  await transport().calls.putPart("AAECAwQFBgcICQoL", PROOF, part, (bytes) => sent.push(bytes));
  expect(requests.map(({ url: path }) => path)).toEqual(Array(3).fill("/api/v1/shares/AAECAwQFBgcICQoL/parts/7"));
  expect(requests[2]?.headers).toMatchObject({
    "content-digest": contentDigest(PROOF),
    "content-length": "3",
    "content-type": "application/octet-stream",
  });
  expect(bodies.map((body) => [...body])).toEqual(Array(3).fill([1, 2, 3]));
  expect(sent).toEqual([0, 0, 3, 0, 3, 3]);
});

describe("content", () => {
  const SIZE = 10;
  const bytes = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

  function part(start: number, headers: Record<string, string> = {}, status = 206): Answer {
    const range = { "Content-Range": `bytes ${start}-${SIZE - 1}/${SIZE}` };
    const length = { "Content-Length": String(SIZE - start) };
    return says(status, bytes.subarray(start), { ...range, ...length, ...headers });
  }

  async function read(start: number, calls = transport().calls): Promise<number[]> {
    const pieces: Bytes[] = [];
    for await (const piece of calls.content("AAECAwQFBgcICQoL", PROOF, PROOF, start, SIZE)) {
      pieces.push(piece.slice());
    }
    return pieces.flatMap((piece) => [...piece]);
  }

  it("is asked for by range, tied to its root", async () => {
    script = [part(4)];
    expect(await read(4)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(requests[0]?.headers).toMatchObject({ range: "bytes=4-", "if-range": `"${b64encode(PROOF)}"` });
  });

  it("may come whole from its first byte", async () => {
    script = [says(200, bytes, { "Content-Length": "10" })];
    expect(await read(0)).toEqual([...bytes]);
  });

  it.each<[string, Answer]>([
    ["the whole for a range", part(4, {}, 200)],
    ["another range", part(4, { "Content-Range": "bytes 3-9/10" })],
    ["of another size", part(4, { "Content-Range": "bytes 4-9/11" })],
    ["no range", part(4, { "Content-Range": "" })],
    ["another length", part(5, { "Content-Range": "bytes 4-9/10" })],
    ["an encoding", part(4, { "Content-Encoding": "br" })],
    ["a busy server", problem(503, "unavailable")],
    ["a hang-up", hangsUp],
  ])("is not taken with %s, which may pass", async (_, fault) => {
    script = [fault];
    await expect(read(4)).rejects.toBeInstanceOf(Transient);
  });

  it.each<[string, Answer, object]>([
    ["its lease has ended", problem(410, "over"), Over],
    ["it has read all that it may", problem(403, "egress_spent"), Refused],
  ])("is refused for good when %s", async (_, fault, error) => {
    script = [fault];
    await expect(read(4)).rejects.toBeInstanceOf(error as new () => Error);
  });

  it("that is slow, and comes, is waited for", async () => {
    script = [
      (response) => {
        response.writeHead(200, { "Content-Length": "10" });
        for (let at = 0; at < SIZE; at += 1) {
          setTimeout(() => response.write(bytes.subarray(at, at + 1)), at * 200);
        }
      },
    ];
    const { calls } = transport(undefined, 1);
    expect(await read(0, calls)).toEqual([...bytes]);
  });

  it("that stalls is given up", async () => {
    script = [(response) => response.writeHead(200, { "Content-Length": "10" }).write("0")];
    const { calls } = transport(undefined, 0.2);
    await expect(read(0, calls)).rejects.toBeInstanceOf(Transient);
  });
});

it.each([
  ["7", 7],
  ["0", 0],
  ["", null],
  [null, null],
  ["-1", null],
  ["1.5", null],
  ["Sun, 22 Nov 2026 15:30:00 GMT", null],
  ["9".repeat(10), null],
])("Retry-After %j is %j", (value, seconds) => {
  expect(retryAfter(value)).toBe(seconds);
});
