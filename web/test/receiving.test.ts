/** What a worker does with a content: checked to its last byte, made durable step by step. */

import { afterEach, describe, expect, it, vi } from "vitest";

import type { Bytes } from "../src/bytes";
import { concat } from "../src/bytes";
import { primitives } from "../src/crypto";
import { ContentSealer, Geometry, PART_BYTES, digest, root } from "../src/envelope/content";
import { IntegrityError, LocalError, Unreachable } from "../src/errors";
import type { Http } from "../src/exchange";
import type { DownloadJob, Event } from "../src/jobs";
import type { PrivateFile } from "../src/private";
import { perform } from "../src/working";
import { HastyClock, MemoryStorage, plainHttp } from "./support/device";
import { bytesOf, hashOf, never } from "./support/sharing";

vi.setConfig({ testTimeout: 60_000 }); // many megabytes, on machines that are busy

const MIB = 1 << 20;
const FILE = "private";
const TRAILER = Uint8Array.of(1, 2, 3);

/** A content as its sender sealed it; `spoil` changes its plaintext first. */
async function sealed(filesBytes: number, spoil: (plaintext: Bytes) => void = () => {}) {
  const geometry = Geometry.ofFiles(filesBytes);
  const sealer = await ContentSealer.draw(primitives.random);
  const plaintext = new Uint8Array(geometry.length);
  plaintext.set(bytesOf(filesBytes));
  spoil(plaintext);
  const parts: Bytes[] = [];
  for (let part = 0; part < geometry.parts; part += 1) {
    const run = plaintext.subarray(...geometry.partPlain(part));
    parts.push(await sealer.sealPart(part, run, geometry.isLast(part)));
  }
  const digests = await Promise.all(parts.map(digest));
  const { key, header } = sealer;
  const job: DownloadJob = {
    kind: "download",
    content: {
      server: "https://share.example",
      linkId: "AAECAwQFBgcICQoL",
      lease: new Uint8Array(32),
      root: await root(geometry.ciphertext, digests),
      digests,
      key,
      header,
      length: geometry.length,
    },
    filesBytes,
    file: FILE,
    partsDone: 0,
    trailer: TRAILER,
  };
  return { job, ciphertext: concat(...parts), expected: bytesOf(filesBytes) };
}

type Send = (start: number, ciphertext: Bytes, attempt: number) => Bytes;

const honest: Send = (start, ciphertext) => ciphertext.subarray(start);

/** A server of one content; what it sends may be longer or shorter than it says. */
function serving(ciphertext: Bytes, send: Send): { http: Http; starts: number[] } {
  const starts: number[] = [];
  const http: Http = {
    ...plainHttp,
    async fetch(_, init) {
      const start = Number(new Headers(init.headers).get("Range")?.slice("bytes=".length, -1));
      starts.push(start);
      const size = ciphertext.length;
      const headers = {
        "Content-Length": String(size - start),
        "Content-Range": `bytes ${start}-${size - 1}/${size}`,
      };
      const body = new Blob([send(start, ciphertext, starts.length)]).stream();
      return new Response(body, { status: 206, headers });
    },
  };
  return { http, starts };
}

async function run(job: DownloadJob, ciphertext: Bytes, send = honest, clock = new HastyClock()) {
  const storage = new MemoryStorage();
  const events: Event[] = [];
  const { http, starts } = serving(ciphertext, send);
  const openFile = (name: string) => storage.open(name, never);
  const tools = { random: primitives.random, clock, http, openFile };
  const done = perform<"download">(job, tools, (event) => events.push(event), never);
  await done.catch(() => {});
  return { done, events, starts, file: storage.files.get(FILE) };
}

/** The platform takes so long for each MiB that it digests, in milliseconds. */
function slowDigests(msEach: number): void {
  const { digest: plain } = crypto.subtle;
  vi.spyOn(crypto.subtle, "digest").mockImplementation(async (how, bytes) => {
    await new Promise((resolve) => setTimeout(resolve, (msEach * bytes.byteLength) / MIB));
    return plain.call(crypto.subtle, how, bytes);
  });
}

afterEach(() => void vi.restoreAllMocks());

const durable = (events: Event[]) =>
  events.flatMap((event) => (event.kind === "durable" ? [event.parts] : []));

describe("a content", () => {
  it.each([1, 65_537, 8 * MIB, 17 * MIB])("of %i bytes, and what stands behind it", async (size) => {
    const { job, ciphertext, expected } = await sealed(size);
    const { done, file, events } = await run(job, ciphertext);
    await done;
    expect(file?.length).toBe(size + TRAILER.length);
    expect(hashOf(file!)).toBe(hashOf(concat(expected, TRAILER)));
    expect(durable(events).at(-1)).toBe(Geometry.ofFiles(size).parts);
  });

  it.each([
    ["right behind the files", 100_000],
    ["at its end", Geometry.ofFiles(100_000).length - 1],
  ])("with a padding that is not empty %s", async (_, at) => {
    const { job, ciphertext } = await sealed(100_000, (plaintext) => (plaintext[at] = 1));
    const { done, file } = await run(job, ciphertext);
    await expect(done).rejects.toBeInstanceOf(IntegrityError);
    expect(file?.length).toBe(0);
  });

  it("of a key that is another's", async () => {
    const { job, ciphertext } = await sealed(100);
    const content = { ...job.content, key: new Uint8Array(32) } as DownloadJob["content"];
    const { done } = await run({ ...job, content }, ciphertext);
    await expect(done).rejects.toBeInstanceOf(IntegrityError);
  });

  it("whose parts are right and whose segments are not", async () => {
    const { job, ciphertext } = await sealed(100);
    const other = await sealed(100);
    const content = { ...other.job.content, digests: [await digest(ciphertext)] } as DownloadJob["content"];
    const { done, starts } = await run({ ...job, content }, ciphertext);
    await expect(done).rejects.toBeInstanceOf(IntegrityError);
    expect(starts).toEqual([0, 0]);
  });

  it("that the platform fails to open once: it is fetched once more", async () => {
    const { job, ciphertext, expected } = await sealed(7 * MIB); // one part
    const { decrypt } = crypto.subtle;
    vi.spyOn(crypto.subtle, "decrypt")
      .mockImplementation((...given) => decrypt.apply(crypto.subtle, given))
      .mockRejectedValueOnce(new DOMException("no memory", "OperationError"));
    const { done, file, starts } = await run(job, ciphertext);
    await done;
    expect(starts).toEqual([0, 0]);
    expect(hashOf(file!)).toBe(hashOf(concat(expected, TRAILER)));
  });
});

describe("framing", () => {
  it("shorter than announced: it goes on where it ended", async () => {
    const { job, ciphertext, expected } = await sealed(9 * MIB);
    const short: Send = (start, all, attempt) => all.subarray(start, attempt === 1 ? 3 * MIB : undefined);
    const { done, file, starts } = await run(job, ciphertext, short);
    await done;
    expect(starts).toEqual([0, 3 * MIB]);
    expect(hashOf(file!)).toBe(hashOf(concat(expected, TRAILER)));
  });

  it("longer than announced: what is too much is not taken", async () => {
    const { job, ciphertext, expected } = await sealed(100);
    const long: Send = (start, all) => concat(all.subarray(start), Uint8Array.of(0));
    const { done, file } = await run(job, ciphertext, long);
    await done;
    expect(hashOf(file!)).toBe(hashOf(concat(expected, TRAILER)));
  });

  it("two parts damaged at once: both are fetched again, and no hole is left", async () => {
    const { job, ciphertext, expected } = await sealed(9 * MIB);
    slowDigests(10); // the last part is short, and known to be damaged before the one before it
    const damaged: Send = (start, all, attempt) => {
      const sent = all.slice(start);
      if (attempt > 1) return sent;
      for (const at of [MIB, 9 * MIB]) sent[at] = sent[at]! ^ 1;
      return sent;
    };
    const { done, file, starts } = await run(job, ciphertext, damaged);
    await done;
    expect(hashOf(file!)).toBe(hashOf(concat(expected, TRAILER)));
    expect(starts).toEqual([0, 0]);
  });

  it("nothing, for ever: given up", async () => {
    const { job, ciphertext } = await sealed(100);
    const { done } = await run(job, ciphertext, () => new Uint8Array());
    await expect(done).rejects.toBeInstanceOf(Unreachable);
  });
});

describe("what is written", () => {
  it("is made durable every 64 MiB, and at the end", async () => {
    const { job, ciphertext } = await sealed(72 * MIB);
    const still = Object.assign(new HastyClock(), { seconds: () => 0 });
    const { done, events } = await run(job, ciphertext, honest, still);
    await done;
    const { parts } = Geometry.ofFiles(72 * MIB);
    expect(durable(events)).toEqual([8, parts]);
  });

  it("and every five seconds", async () => {
    const { job, ciphertext } = await sealed(17 * MIB);
    const clock = new HastyClock();
    clock.lookS = 6;
    const { done, events } = await run(job, ciphertext, honest, clock);
    await done;
    expect(durable(events)).toEqual([1, 2, 3, 3]);
  });

  it("and when it fails later, so that nothing is fetched twice", async () => {
    const { job, ciphertext } = await sealed(17 * MIB);
    const stops: Send = (start, all) => all.subarray(start, 2 * PART_BYTES);
    slowDigests(25); // patience ends while parts are still being checked
    const { done, events, file } = await run(job, ciphertext, stops);
    await expect(done).rejects.toBeInstanceOf(Unreachable);
    expect(durable(events).at(-1)).toBe(2);
    expect(file?.length).toBe(Geometry.ofFiles(17 * MIB).partPlain(1)[1]);
  });

  it("is not told as durable once the system failed to make it so", async () => {
    const { job, ciphertext } = await sealed(9 * MIB);
    const storage = new MemoryStorage();
    let flushes = 0;
    const openFile = async (name: string): Promise<PrivateFile> => {
      const file = await storage.open(name, never);
      return Object.assign(file, {
        flush: () => {
          flushes += 1;
          // Asked again, a system says success: it has dropped what it couldn't write.
          if (flushes === 1) throw new LocalError("storage");
        },
      });
    };
    const clock = new HastyClock();
    clock.lookS = 6;
    const { http } = serving(ciphertext, honest);
    const events: Event[] = [];
    const tools = { random: primitives.random, clock, http, openFile };
    const done = perform<"download">(job, tools, (event) => events.push(event), never);
    await expect(done).rejects.toEqual(new LocalError("storage"));
    expect(durable(events)).toEqual([]);
  });

  it("goes on only where what was written before is still there", async () => {
    const { job, ciphertext } = await sealed(17 * MIB);
    const { done, events } = await run({ ...job, partsDone: 1 }, ciphertext);
    await expect(done).rejects.toEqual(new LocalError("storage"));
    expect(durable(events)).toEqual([]);
  });

  it("takes the place of a longer file", async () => {
    const { job, ciphertext, expected } = await sealed(100);
    const storage = new MemoryStorage();
    storage.files.set(FILE, bytesOf(1000, 9));
    const { http } = serving(ciphertext, honest);
    const openFile = (name: string) => storage.open(name, never);
    const tools = { random: primitives.random, clock: new HastyClock(), http, openFile };
    await perform<"download">(job, tools, () => {}, never);
    expect(hashOf(storage.files.get(FILE)!)).toBe(hashOf(concat(expected, TRAILER)));
  });
});

it("in memory the bytes are told in order, and stay what they are", async () => {
  const { job, ciphertext, expected } = await sealed(17 * MIB + 5); // and some padding
  const { done, events } = await run({ ...job, file: null }, ciphertext);
  await done;
  const told = events.flatMap((event) => (event.kind === "bytes" ? [event.bytes] : []));
  expect(hashOf(concat(...told))).toBe(hashOf(expected));
});
