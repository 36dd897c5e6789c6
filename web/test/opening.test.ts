/** Opening, against the real server: what a link held comes out, once, and nothing is lost. */

import { describe, expect, it } from "vitest";

import { Client, MEMORY_LIMIT_BYTES } from "../src/client";
import type { OpeningRecord } from "../src/client";
import {
  IntegrityError,
  Interrupted,
  LocalError,
  NotYet,
  Over,
  PasswordMissing,
  Unknown,
  Unreachable,
  UsageError,
  WrongPassword,
} from "../src/errors";
import { KDF } from "../src/link";
import { Device } from "./support/device";
import type { Tab } from "./support/device";
import { Faults } from "./support/faults";
import { withServer } from "./support/server";
import { bytesOf, contents, fileOf, hashOf, linkOf, never, open, quiet, send } from "./support/sharing";

const server = withServer("--min-ttl", "1");
const MIB = 1 << 20;
const LARGE = 17 * MIB + 5; // three parts

/** A link to one file of three parts, and that file's hash. */
async function largeLink() {
  const content = bytesOf(LARGE);
  const sent = await send(new Device().tab(), server.url, [fileOf("large.bin", content)]);
  return { sent, link: await linkOf(sent), expected: { "large.bin": hashOf(content) } };
}

async function smallLink(terms = {}) {
  const sent = await send(new Device().tab(), server.url, [fileOf("a.txt", "hello")], terms);
  return { sent, link: await linkOf(sent), expected: { "a.txt": hashOf(Buffer.from("hello")) } };
}

async function receipts(sent: Awaited<ReturnType<typeof send>>) {
  const { links } = await new Client(new Device().tab().world, server.url).status(sent.record);
  return links.flatMap(({ openings }) => openings.map(({ outcome, receipt }) => [outcome, receipt]));
}

/** A tab whose network has faults. */
function faulty(device: Device): { tab: Tab; faults: Faults } {
  const tab = device.tab();
  const faults = new Faults();
  tab.http = faults.http;
  return { tab, faults };
}

describe("what was sent comes out", () => {
  it.each([
    ["one byte", [1]],
    ["nothing at all", [0]],
    ["several small files", [5, 0, 60_000]],
    ["a file of several segments", [3 * MIB + 7]],
    ["files over several parts", [9 * MIB, 100, 8 * MIB]],
  ])("%s", async (_, sizes) => {
    const files = sizes.map((size, at) => fileOf(`dir/${at}.bin`, bytesOf(size, at + 1)));
    const sent = await send(new Device().tab(), server.url, files, { note: "Grüße" });

    const opened = await open(new Device().tab(), await linkOf(sent));

    expect(opened.note).toBe("Grüße");
    const expected = sizes.map((size, at) => [`dir/${at}.bin`, hashOf(bytesOf(size, at + 1))]);
    expect(await contents(opened)).toEqual(Object.fromEntries(expected));
  });

  it("from memory, where a browser has no private storage", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    device.storage = null;
    const opened = await open(device.tab(), link);
    expect(opened.isDurable).toBe(false);
    expect(await contents(opened)).toEqual(expected);
  });

  it("files of no type that a browser would show by itself", async () => {
    const page = fileOf("a.html", "<script>", "text/html");
    const sent = await send(new Device().tab(), server.url, [page]);
    const opened = await open(new Device().tab(), await linkOf(sent));
    expect(opened.files[0]?.type).toBe("text/html");
    expect(opened.files[0]?.blob.type).toBe("application/octet-stream");
  });

  it("and the sender hears of it, without anybody's doing, once it is durable", async () => {
    const { link, sent } = await smallLink();
    const opened = await open(new Device().tab(), link);
    expect(opened.isDurable).toBe(true);
    await expect.poll(() => receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("and the sender hears of it also where the view has let go of its signal", async () => {
    const { link, sent } = await smallLink();
    const left = new AbortController();
    const tab = new Device().tab();
    const following = { progress: () => {}, signal: left.signal };
    await new Client(tab.world, server.url).open(link, null, following);
    left.abort();
    await expect.poll(() => receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("once: who comes second is told that it has been opened", async () => {
    const { link } = await smallLink();
    await (await open(new Device().tab(), link)).acknowledge();
    await expect(open(new Device().tab(), link)).rejects.toMatchObject({ state: "opened" });
  });

  it("the last progress is the whole", async () => {
    const { link } = await largeLink();
    const told: unknown[] = [];
    const progress = (done: number, total: number | null) => told.push([done, total]);
    await new Client(new Device().tab().world, link.server).open(link, null, { progress, signal: never });
    const [done, total] = told.at(-1) as [number, number];
    expect(done).toBe(total);
    expect(done).toBeGreaterThan(LARGE);
  });
});

describe("nothing is spent", () => {
  it("by looking", async () => {
    const { link, sent } = await smallLink();
    const view = await new Client(new Device().tab().world, server.url).look(link);
    expect(view).toMatchObject({ state: "ready", opensLeft: 1, bytes: 0 });
    expect(await receipts(sent)).toEqual([]);
  });

  it("by a wrong password, and the right one opens afterwards", async () => {
    const { link, expected } = await smallLink({ password: "pässword" });
    const device = new Device();
    await expect(open(device.tab(), link, "password")).rejects.toEqual(new WrongPassword(9));
    expect(await device.state.openings()).toEqual([]);
    const tab = device.tab();
    device.holders.clear();
    expect(await contents(await open(tab, link, "pa\u0308ssword"))).toEqual(expected);
  });

  it("without a password where there is one", async () => {
    const { link, sent } = await smallLink({ password: "x" });
    await expect(open(new Device().tab(), link)).rejects.toBeInstanceOf(PasswordMissing);
    expect(await receipts(sent)).toEqual([]);
  });

  it("before it opens", async () => {
    const opensAt = new Date(Date.now() + 60_000);
    const { link } = await smallLink({ opensAt });
    const device = new Device();
    await expect(open(device.tab(), link)).rejects.toBeInstanceOf(NotYet);
    expect(await device.state.openings()).toEqual([]);
  });

  it("after it was revoked", async () => {
    const { link, sent } = await smallLink();
    await new Client(new Device().tab().world, server.url).revoke(sent.record);
    await expect(open(new Device().tab(), link)).rejects.toMatchObject({ state: "revoked" });
  });

  it("where memory is too small for it", async () => {
    const { link, sent } = await smallLink();
    const device = new Device();
    device.storage = null;
    const { tab, faults } = faulty(device);
    faults.change("GET", /\/links\/[^/]+$/, (view) => ({ ...view, bytes: MEMORY_LIMIT_BYTES + 1 }));
    const failure = new LocalError("too_large_for_memory");
    await expect(open(tab, link)).rejects.toEqual(failure);
    expect(await receipts(sent)).toEqual([]);
  });

  it("where private storage is too small for it", async () => {
    const { link, sent } = await largeLink();
    const device = new Device();
    if (device.storage) device.storage.free = LARGE;
    await expect(open(device.tab(), link)).rejects.toEqual(new LocalError("no_room"));
    expect(await receipts(sent)).toEqual([]);
  });

  it("while another tab of this browser is at it", async () => {
    const { link } = await smallLink();
    const device = new Device();
    const opened = await open(device.tab(), link);
    await expect(open(device.tab(), link)).rejects.toEqual(new LocalError("busy"));
    await opened.wipe();
    await expect(open(device.tab(), link)).rejects.toBeInstanceOf(Over);
  });

  it("of a link of another server, which this page may not ask", async () => {
    const { link } = await smallLink();
    const client = new Client(new Device().tab().world, "https://elsewhere.example");
    await expect(client.open(link, null, quiet)).rejects.toBeInstanceOf(UsageError);
  });
});

describe("an answer that is lost costs nobody the file", () => {
  it("the claim's: T is kept, and the same opening goes on", async () => {
    const { link, sent, expected } = await smallLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseAnswers("POST", /\/claim$/, Infinity);

    await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
    const client = new Client(tab.world, server.url);
    expect(await client.begun(link)).not.toBeNull();
    const opened = await open(tab.reload(), link);

    expect(await contents(opened)).toEqual(expected);
    await opened.acknowledge();
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("the claim's, once: nobody notices", async () => {
    const { link, sent } = await smallLink();
    const { tab, faults } = faulty(new Device());
    faults.loseAnswers("POST", /\/claim$/, 1);
    await (await open(tab, link)).acknowledge();
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("a wrong password when going on does not throw T away", async () => {
    const { link, expected } = await smallLink({ password: "right" });
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseAnswers("POST", /\/claim$/, Infinity);
    await expect(open(tab, link, "right")).rejects.toBeInstanceOf(Unreachable);
    faults.end();
    await expect(open(tab, link, "wrong")).rejects.toBeInstanceOf(WrongPassword);
    expect(await contents(await open(tab, link, "right"))).toEqual(expected);
  });

  it("T goes when the server says that its lease is over", async () => {
    const { link, sent } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseRequests("GET", /\/content$/, Infinity);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
    await new Client(tab.world, server.url).revoke(sent.record);
    await expect(open(tab, link)).rejects.toMatchObject({ state: "revoked" });
    expect(await device.state.openings()).toEqual([]);
    expect(await device.storage?.names()).toEqual([]);
  });

  it("the acknowledgement's: it can be sent again", async () => {
    const { link, sent } = await smallLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseRequests("POST", /\/ack$/, Infinity);
    const opened = await open(tab, link);
    expect(await opened.acknowledge()).toBe(false);
    faults.end();
    expect(await opened.acknowledge()).toBe(true);
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });
});

describe("a server that knows nothing for a moment", () => {
  const unknown = () => Response.json({ code: "unknown" }, { status: 404 });

  it("costs nobody the file while it is fetched", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.answer("GET", /\/content$/, 1, unknown);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unknown);
    expect(await device.state.openings()).toHaveLength(1);
    expect(await contents(await open(tab, link))).toEqual(expected);
  });

  it("costs nobody the file while it is claimed again", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseAnswers("POST", /\/claim$/, Infinity);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
    faults.end();
    faults.answer("POST", /\/claim$/, 1, unknown);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unknown);
    expect(await device.state.openings()).toHaveLength(1);
    expect(await contents(await open(tab, link))).toEqual(expected);
  });

  it("hears the receipt later", async () => {
    const { link, sent } = await smallLink();
    const { tab, faults } = faulty(new Device());
    faults.answer("POST", /\/ack$/, 1, unknown);
    const opened = await open(tab, link);
    expect(await opened.acknowledge()).toBe(false);
    expect(await opened.acknowledge()).toBe(true);
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("is believed once the lease is over", async () => {
    const { link } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.answer("GET", /\/content$/, 2, unknown);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unknown);
    const [record] = await device.state.openings();
    if (record) await device.state.saveOpening({ ...record, leaseUntil: 0 });
    faults.answer("POST", /\/claim$/, 1, unknown);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unknown);
    expect(await device.state.openings()).toEqual([]);
  });
});

it("another link with the same id takes over neither T nor file of an opening", async () => {
  const { link, expected } = await largeLink();
  const device = new Device();
  const { tab, faults } = faulty(device);
  faults.loseRequests("GET", /\/content$/, Infinity);
  await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
  const lure = { ...link, secret: new Uint8Array(32) };
  await expect(open(device.tab(), lure)).rejects.toEqual(new LocalError("busy"));
  expect(await contents(await open(device.tab(), link))).toEqual(expected);
});

describe("where a browser has no locks", () => {
  /** Another tab of the same device; both may do everything at once. */
  function lockless(device: Device): { tab: Tab; faults: Faults } {
    const made = faulty(device);
    made.tab.world.locks.hold = async () => ({ release: () => {} });
    return made;
  }

  it("a tab that comes too late leaves the other one's T alone", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    device.storage = null;
    const first = lockless(device);
    const second = lockless(device);
    first.faults.loseRequests("GET", /\/content$/, Infinity);
    // Both had looked for a record before either stored one.
    const blind = Object.assign(Object.create(device.state), { opening: async () => null });
    for (const { tab } of [first, second]) tab.world.state = async () => blind;
    let claimed = (): void => {};
    const isClaimed = new Promise<void>((resolve) => (claimed = resolve));
    const { fetch: real } = second.tab.http;
    let waiting = (): void => {};
    const isWaiting = new Promise<void>((resolve) => (waiting = resolve));
    second.tab.http = {
      ...second.tab.http,
      fetch: async (url, init) => {
        if (url.endsWith("/claim")) {
          waiting();
          await isClaimed;
        }
        return real(url, init);
      },
    };
    const losing = open(second.tab, link);
    losing.catch(() => {});
    await isWaiting;
    await expect(open(first.tab, link)).rejects.toBeInstanceOf(Unreachable);
    claimed();
    await expect(losing).rejects.toBeInstanceOf(Over);
    expect(await contents(await open(device.tab(), link))).toEqual(expected);
  });

  it("a tab goes on with what another one began while it derived its keys", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    device.storage = null;
    const first = lockless(device);
    const second = lockless(device);
    first.faults.loseRequests("GET", /\/content$/, Infinity);
    const { run } = second.tab.world.workers;
    second.tab.world.workers.run = async (job, ...given) => {
      if (job.kind === "derive") await open(first.tab, link).catch(() => {});
      return run(job, ...given);
    };
    expect(await contents(await open(second.tab, link))).toEqual(expected);
  });
});

describe("a download that breaks", () => {
  it("goes on at the byte where it broke, as often as it takes", async () => {
    const { link, expected } = await largeLink();
    const { tab, faults } = faulty(new Device());
    faults.cutContent(5 * MIB + 1, 100, 6 * MIB, 3);
    expect(await contents(await open(tab, link))).toEqual(expected);
    const first = 5 * MIB + 1;
    expect(faults.ranges).toEqual([0, first, first + 100, first + 100 + 6 * MIB, first + 103 + 6 * MIB]);
  });

  it("goes on in another page where this one was left, from what was durable", async () => {
    const { link, sent, expected } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.cutContent(17 * MIB);
    faults.hang("GET", /\/content$/);
    const leave = new AbortController();
    const client = new Client(tab.world, server.url);
    tab.clock.lookS = 6; // so that every part is made durable

    const following = { progress: () => {}, signal: leave.signal };
    const interrupted = client.open(link, null, following);
    await expect.poll(async () => (await client.begun(link))?.partsDone).toBe(2);
    leave.abort();
    await expect(interrupted).rejects.toBeInstanceOf(Interrupted);
    const again = faulty(device);
    const opened = await open(again.tab, link);

    expect(again.faults.ranges).toEqual([16 * MIB]);
    expect(await contents(opened)).toEqual(expected);
    await opened.acknowledge();
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it("begins anew where the private file is gone", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseRequests("GET", /\/content$/, Infinity);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
    const [record] = await device.state.openings();
    if (record) await device.state.saveOpening({ ...record, partsDone: 2 });
    device.storage?.files.clear();
    faults.end();
    expect(await contents(await open(tab, link))).toEqual(expected);
    expect(faults.ranges).toEqual([0]);
  });

  it("tells that it gave up, and keeps T", async () => {
    const { link } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.loseRequests("GET", /\/content$/, Infinity);
    await expect(open(tab, link)).rejects.toBeInstanceOf(Unreachable);
    expect(await device.state.openings()).toHaveLength(1);
    expect(device.holders.size).toBe(0);
  });

  it("keeps T when this device has no room any more, and goes on with room", async () => {
    const { link, expected } = await largeLink();
    const device = new Device();
    const tab = device.tab();
    if (device.storage) device.storage.isFull = true;
    await expect(open(tab, link)).rejects.toEqual(new LocalError("no_room"));
    if (device.storage) device.storage.isFull = false;
    expect(await contents(await open(tab, link))).toEqual(expected);
  });
});

describe("what is not the sender's", () => {
  it("a part damaged once is fetched once more", async () => {
    const { link, sent, expected } = await largeLink();
    const { tab, faults } = faulty(new Device());
    faults.damageContent(9 * MIB, 1);
    const opened = await open(tab, link);
    expect(await contents(opened)).toEqual(expected);
    expect(faults.ranges).toEqual([0, 8 * MIB]);
    await opened.acknowledge();
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
  });

  it.each([0, 9 * MIB, 17 * MIB])("a part damaged twice is refused, at byte %i", async (at) => {
    const { link, sent } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.damageContent(at, 2);

    await expect(open(tab, link)).rejects.toBeInstanceOf(IntegrityError);

    expect(await device.state.openings()).toEqual([]);
    expect(await device.storage?.names()).toEqual([]);
    expect(device.holders.size).toBe(0);
    expect(await receipts(sent)).toEqual([["rejected", "verified"]]);
  });

  it.each([
    ["another manifest", { manifest: "A".repeat(5600) }],
    ["no digests", { digests: [] }],
    ["another length", { bytes: 1 }],
  ])("a claim with %s", async (_, change) => {
    const { link, sent } = await largeLink();
    const device = new Device();
    const { tab, faults } = faulty(device);
    faults.change("POST", /\/claim$/, (claim) => ({ ...claim, ...change }));
    await expect(open(tab, link)).rejects.toBeInstanceOf(IntegrityError);
    expect(await device.state.openings()).toEqual([]);
    expect(await receipts(sent)).toEqual([["rejected", "verified"]]);
  });

  it("content for a share that holds none", async () => {
    const { link } = await smallLink();
    const { tab, faults } = faulty(new Device());
    faults.change("POST", /\/claim$/, (claim) => ({ ...claim, bytes: 1 }));
    await expect(open(tab, link)).rejects.toBeInstanceOf(IntegrityError);
  });
});

describe("what is stored", () => {
  it("T lies there before the claim is sent, and neither S nor a key ever", async () => {
    const { link } = await smallLink({ password: "pw" });
    const device = new Device();
    const { tab, faults } = faulty(device);
    let stored = 0;
    faults.onRequest = (method, path) => {
      if (method === "POST" && path.endsWith("/claim")) stored = device.state.openingRecords.size;
    };
    const records: OpeningRecord[] = [];
    const save = device.state.saveOpening.bind(device.state);
    device.state.saveOpening = async (record) => {
      records.push(record);
      await save(record);
    };
    await (await open(tab, link, "pw")).acknowledge();
    expect(stored).toBe(1);
    for (const record of records) {
      for (const value of Object.values(record)) {
        expect(value instanceof Uint8Array ? hashOf(value) : value).not.toBe(hashOf(link.secret));
      }
      const fields = "access file id isOver lease leaseUntil partsDone receipt server".split(" ");
      expect(Object.keys({ receipt: null, ...record }).toSorted()).toEqual(fields); // no more
    }
    expect(records.filter(({ receipt }) => receipt)).toHaveLength(1);
  });

  it("the lease's end is counted by this device's clock", async () => {
    const { link } = await smallLink();
    const device = new Device();
    const wrong = 40 * 24 * 3600 * 1000;
    device.now = () => new Date(Date.now() + wrong);
    const opened = await open(device.tab(), link);
    const lastsS = (opened.until.getTime() - device.now().getTime()) / 1000;
    expect(lastsS).toBeGreaterThan(3590);
    expect(lastsS).toBeLessThanOrEqual(3600);
  });

  it("keys are derived in a worker, with or without a password", async () => {
    const { link } = await smallLink();
    expect(link.kdf).toBe(KDF.none);
    const tab = new Device().tab();
    await open(tab, link);
    expect(tab.jobs).toEqual(["derive", "download"]);
  });
});

describe("what lies only in memory", () => {
  it("is acknowledged when the view says so, not before", async () => {
    const { link, sent } = await smallLink();
    const device = new Device();
    device.storage = null;
    const opened = await open(device.tab(), link);
    expect(await receipts(sent)).toEqual([["leased", "none"]]);
    expect(await opened.acknowledge()).toBe(true);
    expect(await opened.acknowledge()).toBe(true);
    expect(await receipts(sent)).toEqual([["opened", "verified"]]);
    expect(await device.state.openings()).toEqual([]);
  });

  it("is fetched again with the same T after a reload", async () => {
    const { link, sent, expected } = await smallLink();
    const device = new Device();
    device.storage = null;
    const tab = device.tab();
    await open(tab, link);
    const opened = await open(tab.reload(), link);
    expect(await contents(opened)).toEqual(expected);
    expect(await receipts(sent)).toEqual([["leased", "none"]]);
  });
});
