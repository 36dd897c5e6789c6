/** Sending, against the real server: what leaves, what stays after a failure, what is remembered. */

import { describe, expect, it, vi } from "vitest";

import { b64encode } from "../src/b64";
import { Client } from "../src/client";
import type { Source } from "../src/client";
import { Interrupted, LocalError, Refused, Unreachable, UsageError } from "../src/errors";
import { Device } from "./support/device";
import type { Tab } from "./support/device";
import { Faults } from "./support/faults";
import { withServer } from "./support/server";
import { PLAIN, bytesOf, contents, fileOf, hashOf, linkOf, open, quiet, send } from "./support/sharing";

const flags = ["--min-ttl", "1", "--max-ttl", "900", "--max-share-bytes", String(40 << 20)];
const server = withServer(...flags, "--max-opens", "3", "--max-links", "100");
const MIB = 1 << 20;

function faulty(): { device: Device; tab: Tab; faults: Faults } {
  const device = new Device();
  const tab = device.tab();
  const faults = new Faults();
  tab.http = faults.http;
  return { device, tab, faults };
}

/** The methods and paths of what was asked, ids left out. */
function asked(faults: Faults): string[] {
  const seen: string[] = [];
  faults.onRequest = (method, path) => {
    seen.push(`${method} ${path.replace("/api/v1", "").replaceAll(/[A-Za-z0-9-]{16}/g, "*")}`);
  };
  return seen;
}

/** Another tab looks at what is listed; it may be unknown. */
async function lookFrom(device: Device): Promise<void> {
  const client = new Client(device.tab().world, server.url);
  for (const record of await client.sent()) await client.status(record).catch(() => {});
}

const outside = withServer("--public-url", "https://share.example", "--uploads", "open");

describe("links", () => {
  it("of the server's own machine name the address that others reach it at", async () => {
    const sent = await send(new Device().tab(), outside.url, [], { note: "x" });

    expect(await linkOf(sent)).toMatchObject({ server: "https://share.example", pin: null });
    expect(sent.record.server).toBe(outside.url);
  });

  it("a small share is one request", async () => {
    const { tab, faults } = faulty();
    const seen = asked(faults);
    await send(tab, server.url, [fileOf("a.txt", bytesOf(65_536))], { note: "hello" });
    expect(seen).toEqual(["GET /info", "PUT /shares/*"]);
    expect(tab.jobs).toEqual(["derive"]);
  });

  it("a larger one goes up in parts", async () => {
    const { tab, faults } = faulty();
    const seen = asked(faults);
    await send(tab, server.url, [fileOf("a.bin", bytesOf(9 * MIB))]);
    const parts = ["PUT /shares/*/parts/0", "PUT /shares/*/parts/1"];
    const [info, create, ...rest] = seen;
    expect([info, create]).toEqual(["GET /info", "PUT /shares/*"]);
    expect(rest.slice(0, 2).toSorted()).toEqual(parts);
    expect(rest.slice(2)).toEqual(["POST /shares/*/seal"]);
  });

  it("personal ones to one upload, each with its name, opened apart", async () => {
    const device = new Device();
    const files = [fileOf("a.bin", bytesOf(MIB))];
    const names = ["Ann", "Bo", ""];
    const sent = await send(device.tab(), server.url, files, { links: 3 }, names);

    expect(sent.links.map(({ name }) => name)).toEqual(names);
    const opened = await open(new Device().tab(), await linkOf(sent, 1));
    await opened.acknowledge();

    expect(await contents(opened)).toEqual({ "a.bin": hashOf(bytesOf(MIB)) });
    const status = await new Client(device.tab().world, server.url).status(sent.record);
    expect(status.links.map(({ name, state }) => [name, state])).toEqual([
      ["Ann", "ready"],
      ["Bo", "opened"],
      ["", "ready"],
    ]);
  });

  it("several with a password are derived in two workers", async () => {
    const tab = new Device().tab();
    const sent = await send(tab, server.url, [], { note: "x", links: 3, password: "pw" });
    expect(tab.jobs).toEqual(["derive", "derive"]);
    expect((await open(new Device().tab(), await linkOf(sent, 2), "pw")).note).toBe("x");
  });

  it("open as often as the sender says, each time with a receipt", async () => {
    const device = new Device();
    const sent = await send(device.tab(), server.url, [], { note: "thrice", opens: 3 });
    const link = await linkOf(sent);
    for (let opening = 0; opening < 3; opening += 1) {
      await (await open(new Device().tab(), link)).acknowledge();
    }
    const status = await new Client(device.tab().world, server.url).status(sent.record);
    const receipts = status.links[0]?.openings.map(({ receipt }) => receipt);
    expect(receipts).toEqual(["verified", "verified", "verified"]);
    await expect(open(new Device().tab(), link)).rejects.toMatchObject({ state: "opened" });
  });

  it("tell from when and until when they open", async () => {
    const opensAt = new Date(Date.now() + 60_000);
    const sent = await send(new Device().tab(), server.url, [], { note: "x", opensAt, expiresS: 5 });
    const [link] = sent.links;
    expect(Math.abs((link?.opensAt.getTime() ?? 0) - opensAt.getTime())).toBeLessThan(3000);
    expect((link?.expiresAt.getTime() ?? 0) - (link?.opensAt.getTime() ?? 0)).toBe(5000);
  });

  it("many to small files that would make one request too large share an upload", async () => {
    const { tab, faults } = faulty();
    const seen = asked(faults);
    const sent = await send(tab, server.url, [fileOf("a.bin", bytesOf(60_000))], { links: 100 });
    expect(seen.at(-1)).toBe("POST /shares/*/seal");
    const opened = await open(new Device().tab(), await linkOf(sent, 99));
    expect(await contents(opened)).toEqual({ "a.bin": hashOf(bytesOf(60_000)) });
  });
});

describe("said before anything is sent", () => {
  const small = fileOf("a.txt", "x");

  it.each<[string, Source[], object, object]>([
    ["nothing", [], {}, new UsageError("there is nothing to send", "nothing_to_send")],
    ["a long note", [], { note: "x".repeat(65_537) }, { reason: "too_long_note" }],
    ["an empty password", [small], { password: "" }, { reason: "password_empty" }],
    ["a time that is too long", [small], { expiresS: 901 }, new Refused("ttl")],
    ["too many openings", [small], { opens: 4 }, new Refused("openings")],
    ["half an opening", [small], { opens: 1.5 }, { reason: "terms" }],
    ["too many links", [small], { links: 101 }, new Refused("personal_links")],
    ["a note too long for so many links", [], { links: 100, note: "x".repeat(20_000) }, new Refused("personal_links")],
    ["too late a start", [small], { opensAt: new Date(Date.now() + 9e7) }, new Refused("delay")],
    ["too much", [fileOf("a", new Uint8Array(40 * MIB))], {}, new Refused("too_large")],
  ])("%s", async (_, sources, terms, error) => {
    const { device, tab, faults } = faulty();
    const seen = asked(faults);
    await expect(send(tab, server.url, sources, terms)).rejects.toMatchObject(error);
    expect(seen.filter((line) => line !== "GET /info")).toEqual([]);
    expect(await device.state.shares()).toEqual([]);
  });

  it("that the server asks for an upload token", async () => {
    const { tab, faults } = faulty();
    faults.change("GET", /\/info$/, (info) => ({ ...info, upload_token: true }));
    await expect(send(tab, server.url, [small])).rejects.toEqual(new Refused("upload_token"));
    const how = { ...quiet, uploadToken: "let me in" };
    const sent = await new Client(tab.world, server.url).send([small], PLAIN, how);
    expect(sent.links).toHaveLength(1);
  });
});

describe("taken back", () => {
  const large = [fileOf("large.bin", bytesOf(17 * MIB))];

  it("when the person cancels in the middle", async () => {
    const { device, tab, faults } = faulty();
    const seen = asked(faults);
    const cancel = new AbortController();
    const progress = (done: number) => done > 0 && cancel.abort();
    const how = { progress, signal: cancel.signal };

    await expect(new Client(tab.world, server.url).send(large, PLAIN, how)).rejects.toEqual(
      new Interrupted("stopped"),
    );

    expect(seen.at(-1)).toBe("DELETE /shares/*");
    expect(await device.state.shares()).toEqual([]);
  });

  it("when the seal's answer is lost for good", async () => {
    const { device, tab, faults } = faulty();
    const seen = asked(faults);
    faults.loseAnswers("POST", /\/seal$/, Infinity);
    let record = (await device.state.shares())[0];
    const watched = faults.onRequest;
    faults.onRequest = (method, path) => {
      watched(method, path);
      void device.state.shares().then(([first]) => (record ??= first));
    };
    await expect(send(tab, server.url, large)).rejects.toBeInstanceOf(Unreachable);
    expect(seen.at(-1)).toBe("DELETE /shares/*");
    if (!record) throw new Error("a record stands before the first request");
    expect((await new Client(tab.world, server.url).status(record)).state).toBe("gone");
  });

  it("when the server knows nothing of it yet, after a second look", async () => {
    const { tab, faults } = faulty();
    const seen = asked(faults);
    faults.answer("PUT", /\/shares\/[^/]+$/, Infinity, () => new Response(null, { status: 500 }));
    await expect(send(tab, server.url, large)).rejects.toBeInstanceOf(Unreachable);
    expect(seen.slice(-2)).toEqual(["DELETE /shares/*", "DELETE /shares/*"]);
  });

  it("also where the server can't be told: what failed is said", async () => {
    const { tab, faults } = faulty();
    faults.answer("PUT", /\/parts\//, Infinity, () => Response.json({ code: "no_room" }, { status: 507 }));
    faults.loseRequests("DELETE", /./, Infinity);
    await expect(send(tab, server.url, large)).rejects.toEqual(new Refused("no_room"));
  });

  it("and where the server can't be told, the person is, and can revoke it later", async () => {
    const { device, tab, faults } = faulty();
    faults.loseRequests("DELETE", /./, Infinity);
    const cancel = new AbortController();
    const progress = (done: number) => done > 0 && cancel.abort();
    const client = new Client(tab.world, server.url);

    const sending = client.send(large, PLAIN, { progress, signal: cancel.signal });

    await expect(sending).rejects.toMatchObject({ code: "interrupted", isTakenBack: false });
    const [record] = await device.state.shares();
    const another = new Client(device.tab().world, server.url);
    expect(await another.status(record!)).toMatchObject({ state: "uploading", links: [] });
    await another.revoke(record!);
    expect((await another.status(record!)).state).toBe("gone");
  });

  it("when a file is not as it was when it was chosen, and says which", async () => {
    const { device, tab, faults } = faulty();
    const seen = asked(faults);
    const source = { ...fileOf("short.bin", bytesOf(17 * MIB)), size: 17 * MIB + 1 };
    await expect(send(tab, server.url, [...large, source])).rejects.toEqual(
      new LocalError("changed", "short.bin"),
    );
    expect(seen.at(-1)).toBe("DELETE /shares/*");
    expect(await device.state.shares()).toEqual([]);
  });
});

// Firefox reads such files without a word.
describe("a file that changes", () => {
  const before = bytesOf(17 * MIB);
  const after = Uint8Array.from(before);
  after.set([~before.at(-1)!], after.length - 1);

  it("before it is sent is refused before anything is", async () => {
    const { tab, faults } = faulty();
    const seen = asked(faults);
    const source = { ...fileOf("a.bin", before), blob: new Blob([after]) };
    await expect(send(tab, server.url, [source])).rejects.toEqual(new LocalError("changed", "a.bin"));
    expect(seen).toEqual(["GET /info"]);
  });

  it.each([17 * MIB, 1000])("while it is sent is taken back, of %i bytes", async (size) => {
    const { tab, faults } = faulty();
    const chosen = fileOf("a.bin", before.subarray(0, size));
    let looks = 0;
    const change = new Blob([after.subarray(17 * MIB - size)]);
    const slice = (...range: [number, number]) =>
      (looks++ < 2 ? chosen.blob : change).slice(...range);
    const blob = Object.assign(new Blob([before.subarray(0, size)]), { slice });
    const seen = asked(faults);

    const sending = send(tab, server.url, [{ ...chosen, blob }]);

    await expect(sending).rejects.toEqual(new LocalError("changed", "a.bin"));
    expect(seen.filter((each) => each.endsWith("/seal"))).toEqual([]);
  });
});

describe("over a bad network", () => {
  it("a part whose answer is lost is sent again as it was, and once is enough", async () => {
    const { tab, faults } = faulty();
    faults.loseAnswers("PUT", /\/parts\/0$/, 2);
    const content = bytesOf(9 * MIB);
    const sent = await send(tab, server.url, [fileOf("a.bin", content)]);
    const opened = await open(new Device().tab(), await linkOf(sent));
    expect(await contents(opened)).toEqual({ "a.bin": hashOf(content) });
  });

  it("every answer may be lost once", async () => {
    const { tab, faults } = faulty();
    for (const path of [/\/info$/, /\/shares\/[^/]+$/, /\/parts\//, /\/seal$/]) {
      for (const method of ["GET", "PUT", "POST"]) faults.loseAnswers(method, path, 1);
    }
    const sent = await send(tab, server.url, [fileOf("a.bin", bytesOf(MIB))]);
    expect(await contents(await open(new Device().tab(), await linkOf(sent)))).toEqual({
      "a.bin": hashOf(bytesOf(MIB)),
    });
  });

  it("waits as long as a busy server asks", async () => {
    const { tab, faults } = faulty();
    const busy = () =>
      Response.json({ code: "slow_down" }, { status: 429, headers: { "Retry-After": "7" } });
    faults.answer("PUT", /\/parts\//, 1, busy);
    await send(tab, server.url, [fileOf("a.bin", bytesOf(MIB))]);
    expect(tab.clock.pauses).toEqual([7]);
  });

  it("progress is told as far as it got, also where the rest hangs", async () => {
    const { tab, faults } = faulty();
    faults.hang("PUT", /\/parts\/2$/);
    const cancel = new AbortController();
    let last = 0;
    const how = { progress: (done: number) => (last = done), signal: cancel.signal };

    const sending = new Client(tab.world, server.url).send(
      [fileOf("a.bin", bytesOf(17 * MIB))],
      PLAIN,
      how,
    );

    await vi.waitFor(() => expect(last).toBeGreaterThanOrEqual(16 * MIB), 20_000);
    cancel.abort();
    await expect(sending).rejects.toBeInstanceOf(Interrupted);
  });

  it("progress ends at the whole, and never passes it", async () => {
    const { tab, faults } = faulty();
    faults.loseAnswers("PUT", /\/parts\/0$/, 1);
    const told: [number, number | null][] = [];
    const progress = (done: number, total: number | null) => told.push([done, total]);
    const files = [fileOf("a.bin", bytesOf(9 * MIB))];
    await new Client(tab.world, server.url).send(files, PLAIN, { ...quiet, progress });
    const [done, total] = told.at(-1) ?? [];
    expect(done).toBe(total);
    expect(told.every(([now, all]) => now <= (all ?? 0))).toBe(true);
  });
});

describe("remembered", () => {
  it("what status and revoke need stands there before the server is asked, and no secret", async () => {
    const { device, tab, faults } = faulty();
    let before = 0;
    faults.onRequest = (method) => {
      if (method === "PUT" && before === 0) before = device.state.shareRecords.size;
    };
    const sent = await send(tab, server.url, [], { note: "x", password: "pw" }, ["Ann"]);
    expect(before).toBe(1);
    const link = await linkOf(sent);
    const [record] = await new Client(tab.world, server.url).sent();
    expect(record).toEqual(sent.record);
    expect(Object.keys(record ?? {}).toSorted()).toEqual(
      ["createdAt", "id", "isTold", "links", "owner", "server"],
    );
    expect(Object.keys(record?.links[0] ?? {}).toSorted()).toEqual(["ack", "id", "name"]);
    expect(JSON.stringify(record)).not.toContain(b64encode(link.secret));
  });

  it("a share is revoked by its record, and one link of several alone", async () => {
    const device = new Device();
    const client = new Client(device.tab().world, server.url);
    const sent = await send(device.tab(), server.url, [], { note: "x", links: 2 });
    await client.revoke(sent.record, sent.links[0]?.id);
    expect((await client.status(sent.record)).links.map(({ state }) => state)).toEqual([
      "revoked",
      "ready",
    ]);
    expect((await client.sent())[0]?.isTold).toBe(false);
    await client.revoke(sent.record);
    expect((await client.status(sent.record)).state).toBe("gone");
    expect((await client.sent())[0]?.isTold).toBe(true);
    await client.forget(sent.record);
    expect(await client.sent()).toEqual([]);
  });

  it("wrong passwords can be forgiven", async () => {
    const device = new Device();
    const client = new Client(device.tab().world, server.url);
    const sent = await send(device.tab(), server.url, [], { note: "x", password: "right" });
    const link = await linkOf(sent);
    const wrong = open(new Device().tab(), link, "wrong");
    await expect(wrong).rejects.toMatchObject({ guessesLeft: 9 });
    expect((await client.status(sent.record)).links[0]?.guesses).toBe(1);
    await client.forgive(sent.record, sent.links[0]?.id ?? "");
    expect((await client.status(sent.record)).links[0]?.guesses).toBe(0);
  });

  it("a share that another tab took for forgotten, as it began, stays known", async () => {
    const { device, tab, faults } = faulty();
    const looks: Promise<unknown>[] = [];
    faults.answer("PUT", /\/shares\//, 1, () => Response.json({ code: "slow_down" }, { status: 429 }));
    faults.onRequest = (method) => {
      if (method === "PUT") looks.push(lookFrom(device));
    };

    const sent = await send(tab, server.url, [], { note: "x" });

    await Promise.all(looks);
    expect(await device.state.shares()).toEqual([sent.record]);
  });

  it("a share that the server has forgotten is forgotten here", async () => {
    const device = new Device();
    const client = new Client(device.tab().world, server.url);
    const sent = await send(device.tab(), server.url, [], { note: "x" });
    const other = { ...sent.record, owner: new Uint8Array(32) };
    await expect(client.status(other)).rejects.toMatchObject({ code: "unknown" });
    expect(await client.sent()).toEqual([]);
  });
});
