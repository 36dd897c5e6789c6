/** All files as one ZIP, judged by another program. */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { Interrupted, LocalError } from "../src/errors";
import { Device } from "./support/device";
import { python, withServer } from "./support/server";
import { bytesOf, fileOf, hashOf, linkOf, never, open, quiet, send } from "./support/sharing";

const server = withServer();
const MIB = 1 << 20;
const LIST = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({i.filename: [hashlib.sha256(archive.read(i)).hexdigest(), i.date_time[0]]
                      for i in archive.infolist()}))
`;

/** Names, hashes and years in an archive, as Python reads them. */
async function listed(archive: Blob): Promise<Record<string, [string, number]>> {
  const folder = await mkdtemp(join(tmpdir(), "otv-page-"));
  try {
    const path = join(folder, "all.zip");
    await writeFile(path, new Uint8Array(await archive.arrayBuffer()));
    return JSON.parse(execFileSync(python(), ["-c", LIST, path], { encoding: "utf8" }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openedWith(device: Device, contents: Record<string, Uint8Array<ArrayBuffer>>) {
  const files = Object.entries(contents).map(([name, bytes]) => fileOf(name, bytes));
  return open(device.tab(), await linkOf(await send(new Device().tab(), server.url, files)));
}

const year = new Date().getFullYear();
const large = bytesOf(9 * MIB + 1);
const few = bytesOf(3);

describe.each([
  ["through private storage", () => new Device()],
  ["in memory", () => Object.assign(new Device(), { storage: null })],
])("%s", (_, device) => {
  it("holds every file, those that collide on some system under a number", async () => {
    const opened = await openedWith(device(), {
      "dir/a.bin": large,
      "DIR/A.bin": few,
      "\u00e9.txt": few,
      "empty": new Uint8Array(),
    });
    expect(await listed(await opened.zip(quiet))).toEqual({
      "dir/a.bin": [hashOf(large), year],
      "DIR/A (2).bin": [hashOf(few), year],
      "\u00e9.txt": [hashOf(few), year],
      "empty": [hashOf(new Uint8Array()), year],
    });
  });
});

it("is made once, and again after a failure", async () => {
  const device = new Device();
  const opened = await openedWith(device, { a: few });
  if (device.storage) device.storage.free = 10;
  await expect(opened.zip(quiet)).rejects.toEqual(new LocalError("no_room"));
  if (device.storage) device.storage.free = Infinity;
  expect(await opened.zip(quiet)).toBe(await opened.zip(quiet));
});

it("can be stopped, and leaves nothing half made", async () => {
  const device = new Device();
  const opened = await openedWith(device, { a: large });
  const stop = new AbortController();
  const zipping = opened.zip({ progress: () => stop.abort(), signal: stop.signal });
  await expect(zipping).rejects.toBeInstanceOf(Interrupted);
  expect(await device.storage?.names()).toHaveLength(1);
});

it("stops with Done", async () => {
  const device = new Device();
  const opened = await openedWith(device, { a: large });
  const wiping: Promise<void>[] = [];
  const progress = () => wiping.push(opened.wipe());
  await expect(opened.zip({ progress, signal: never })).rejects.toBeInstanceOf(Interrupted);
  await Promise.all(wiping);
  await expect.poll(() => device.storage?.names()).toEqual([]);
});
