/** Files as they are read for sending. */

import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it } from "vitest";

import { primitives } from "../src/crypto";
import { PART_BYTES } from "../src/envelope/content";
import { LocalError } from "../src/errors";
import type { Http } from "../src/exchange";
import type { Tools, UploadJob } from "../src/jobs";
import { JoinedFiles } from "../src/upload";
import { perform } from "../src/working";
import { HastyClock, plainHttp } from "./support/device";
import { bytesOf, never } from "./support/sharing";

function piece(name: string, ...bytes: number[]) {
  return { name, size: bytes.length, blob: new Blob([Uint8Array.from(bytes)]) };
}

it.each([
  ["within a file", 1, 2, [2]],
  ["across files, an empty one between", 1, 5, [2, 3, 4, 5]],
  ["beyond the end: zeros", 4, 8, [5, 6, 0, 0]],
  ["nothing but zeros", 7, 9, [0, 0]],
  ["all of a file", 3, 6, [4, 5, 6]],
])("a run of joined files: %s", async (_, start, stop, expected) => {
  const files = new JoinedFiles([piece("a", 1, 2, 3), piece("none"), piece("b", 4, 5, 6)]);
  expect(files.total).toBe(6);
  expect([...(await files.read(start, stop))]).toEqual(expected);
});

it("a file that is shorter than it was is named", async () => {
  const files = new JoinedFiles([piece("a", 1), { ...piece("b", 2), size: 2 }]);
  await expect(files.read(0, 3)).rejects.toEqual(new LocalError("changed", "b"));
});

it.each<[string, (path: string) => Promise<void>]>([
  ["was written to", (path) => writeFile(path, bytesOf(200, 2))],
  ["was removed", (path) => rm(path)],
])("a file on disk that %s since it was chosen is named", async (_, change) => {
  const folder = await mkdtemp(join(tmpdir(), "otv-page-"));
  try {
    const path = join(folder, "a.bin");
    await writeFile(path, bytesOf(100));
    const files = new JoinedFiles([{ name: "a.bin", size: 100, blob: await openAsBlob(path) }]);
    await change(path);
    await expect(files.read(0, 100)).rejects.toEqual(new LocalError("changed", "a.bin"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("the first failure stops what is still on its way", async () => {
  const signals: AbortSignal[] = [];
  let go = (): void => {};
  const first = new Promise<Response>((resolve) => {
    go = () => resolve(new Response(null, { status: 201 }));
  });
  // Four are under way; then one gets through, and its lane goes on to the file that is not there.
  const upload: Http["upload"] = ({ signal }) => {
    signals.push(signal);
    if (signals.length === 4) go();
    return signals.length === 1 ? first : new Promise(() => {});
  };
  const whole = new Blob([bytesOf(4 * PART_BYTES)]);
  const job: UploadJob = {
    kind: "upload",
    server: "https://share.example",
    sid: "EBESExQVFhcYGRob",
    owner: new Uint8Array(32),
    sources: [
      { name: "whole.bin", size: whole.size, blob: whole },
      { name: "short.bin", size: PART_BYTES, blob: new Blob() },
    ],
  };
  const tools: Tools = {
    random: primitives.random,
    clock: new HastyClock(),
    http: { ...plainHttp, upload },
    openFile: () => Promise.reject(new LocalError("storage")),
  };
  const sending = perform<"upload">(job, tools, () => {}, never);
  await expect(sending).rejects.toEqual(new LocalError("changed", "short.bin"));
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, true]);
});
