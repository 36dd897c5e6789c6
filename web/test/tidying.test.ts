/** What an opening leaves behind, and when it goes (protocol section 10). */

import { expect, it } from "vitest";

import { Client } from "../src/client";
import type { SentShare } from "../src/client";
import { LocalError } from "../src/errors";
import { idText } from "../src/link";
import { Device } from "./support/device";
import type { Tab } from "./support/device";
import { Faults } from "./support/faults";
import { withServer } from "./support/server";
import { contents, fileOf, hashOf, linkOf, open, quiet, send } from "./support/sharing";

const server = withServer();
const HOUR_MS = 3600 * 1000;
const expected = { "a.txt": hashOf(Buffer.from("hello")) };

async function freshLink() {
  const files = [fileOf("a.txt", "hello", "text/plain")];
  return linkOf(await send(new Device().tab(), server.url, files, { note: "words" }));
}

function clientOf(tab: Tab): Client {
  return new Client(tab.world, server.url);
}

function later(device: Device, ms: number): void {
  device.now = () => new Date(Date.now() + ms);
}

/** Everything that a device still knows of an opening. */
async function left(device: Device) {
  return [(await device.state.openings()).length, (await device.storage?.names())?.length];
}

async function acknowledged(device: Device) {
  const tab = device.tab();
  const link = await freshLink();
  const opened = await open(tab, link);
  expect(await opened.acknowledge()).toBe(true);
  return { tab, link, opened };
}

it("Done leaves nothing, and the archive goes, too", async () => {
  const device = new Device();
  const { opened, link } = await acknowledged(device);
  await opened.zip(quiet);
  expect(await left(device)).toEqual([1, 2]);
  await opened.wipe();
  expect(opened.ending.aborted).toBe(true);
  expect(await left(device)).toEqual([0, 0]);
  expect(device.holders.size).toBe(0);
  expect(await clientOf(device.tab()).reopened(idText(link))).toBeNull();
});

it("T is kept no longer than until the acknowledgement is answered", async () => {
  const device = new Device();
  await acknowledged(device);
  const [record] = await device.state.openings();
  expect(record).toMatchObject({ isOver: true, lease: new Uint8Array(32) });
});

it("the lease's end wipes what is still shown", async () => {
  const device = new Device();
  const { tab, opened } = await acknowledged(device);
  const [alarm] = tab.alarms;
  expect(alarm?.at).toEqual(opened.until);
  alarm?.ring();
  await expect.poll(() => left(device)).toEqual([0, 0]);
});

it("a reload of the tab shows it again", async () => {
  const device = new Device();
  const { tab, link, opened } = await acknowledged(device);
  const again = clientOf(tab.reload());
  await again.tidy();
  const shown = await again.reopened(idText(link));
  if (!shown) throw new Error("it was there");
  expect(shown).toMatchObject({ note: "words", view: false, isDurable: true, until: opened.until });
  expect(shown.files).toMatchObject([{ name: "a.txt", size: 5, type: "text/plain" }]);
  expect(await contents(shown)).toEqual(expected);
  expect(await shown.acknowledge()).toBe(true);
  await shown.wipe();
  expect(await left(device)).toEqual([0, 0]);
});

it("another tab does not show it, and its start leaves it alone while this one does", async () => {
  const device = new Device();
  const { link, opened } = await acknowledged(device);
  const other = clientOf(device.tab());
  await opened.zip(quiet);
  await other.tidy();
  expect(await other.reopened(idText(link))).toBeNull();
  expect(await left(device)).toEqual([1, 2]);
});

it("a private file that is not whole is not shown again", async () => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  const [[name, content] = []] = device.storage?.files ?? [];
  for (const cut of [content?.slice(1), content?.slice(0, -1), new Uint8Array(3)]) {
    device.storage?.files.set(name ?? "", cut ?? new Uint8Array());
    expect(await clientOf(tab.reload()).reopened(idText(link))).toBeNull();
    expect(device.holders.size).toBe(0);
  }
});

it("a start that looked before another tab began a new opening leaves that one alone", async () => {
  const device = new Device();
  const { tab } = await acknowledged(device);
  const [old] = await device.state.openings();
  tab.close();
  const begun = { ...old!, file: "another", isOver: false };
  await device.state.saveOpening(begun);
  const { openings } = device.state;
  device.state.openings = async () => [old!];
  await clientOf(device.tab()).tidy();
  device.state.openings = openings;
  expect(await device.state.openings()).toEqual([begun]);
});

it("once its tab is closed the next start wipes it", async () => {
  const device = new Device();
  const { tab } = await acknowledged(device);
  tab.close();
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([0, 0]);
});

it("a copy of the tab does not show it a second time", async () => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  const first = clientOf(tab.reload());
  expect(await first.reopened(idText(link))).not.toBeNull();
  await expect(first.reopened(idText(link))).rejects.toEqual(new LocalError("busy"));
});

it("after the lease's end a reload shows nothing, and the start wipes it", async () => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  later(device, HOUR_MS + 1000);
  const again = clientOf(tab.reload());
  expect(await again.reopened(idText(link))).toBeNull();
  await again.tidy();
  expect(await left(device)).toEqual([0, 0]);
});

it("an opening that is not acknowledged stays until its lease ends", async () => {
  const device = new Device();
  const tab = device.tab();
  tab.http = { ...tab.http, fetch: (url, init) => (url.endsWith("/ack") ? lost() : fetch(url, init)) };
  const opened = await open(tab, await freshLink());
  expect(await opened.acknowledge()).toBe(false);
  tab.close();
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([1, 1]);
  later(device, HOUR_MS + 1000);
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([0, 0]);
});

/** What the sender knows of the one opening. */
async function outcomes(sent: SentShare) {
  const { links } = await clientOf(new Device().tab()).status(sent.record);
  return links.flatMap(({ openings }) => openings.map(({ outcome, receipt }) => [outcome, receipt]));
}

it("a reload that loses the answer to the receipt shows it again, and tells again", async () => {
  const device = new Device();
  const tab = device.tab();
  const faults = new Faults();
  tab.http = faults.http;
  faults.loseAnswers("POST", /\/ack$/, Infinity);
  const sent = await send(new Device().tab(), server.url, [fileOf("a.txt", "hello")]);
  const link = await linkOf(sent);
  await open(tab, link);
  await expect.poll(() => outcomes(sent)).toEqual([["opened", "verified"]]);

  const again = clientOf(tab.reload());
  await again.tidy();
  const shown = await again.reopened(idText(link));

  if (!shown) throw new Error("it was there");
  expect(await contents(shown)).toEqual(expected);
  expect(await shown.acknowledge()).toBe(true);
  const [record] = await device.state.openings();
  expect(record).toMatchObject({ isOver: true, lease: new Uint8Array(32), receipt: null });
});

it("a reload that loses the receipt itself sends it then", async () => {
  const device = new Device();
  const tab = device.tab();
  tab.http = { ...tab.http, fetch: (url, init) => (url.endsWith("/ack") ? lost() : fetch(url, init)) };
  const sent = await send(new Device().tab(), server.url, [fileOf("a.txt", "hello")]);
  const link = await linkOf(sent);
  expect(await (await open(tab, link)).acknowledge()).toBe(false);
  const shown = await clientOf(tab.reload()).reopened(idText(link));
  expect(await shown?.acknowledge()).toBe(true);
  expect(await outcomes(sent)).toEqual([["opened", "verified"]]);
});

it("what is acknowledged and can't be noted as over is shown again all the same", async () => {
  const device = new Device();
  const save = device.state.saveOpening.bind(device.state);
  device.state.saveOpening = (record) =>
    record.isOver ? Promise.reject(new LocalError("storage")) : save(record);
  const { tab, link } = await acknowledged(device);
  const shown = await clientOf(tab.reload()).reopened(idText(link));
  if (!shown) throw new Error("it was there");
  expect(await contents(shown)).toEqual(expected);
});

it("nothing is told before a reload could show it again", async () => {
  const device = new Device();
  const sent = await send(new Device().tab(), server.url, [fileOf("a.txt", "hello")]);
  const save = device.state.saveOpening.bind(device.state);
  device.state.saveOpening = (record) =>
    record.receipt ? Promise.reject(new LocalError("storage")) : save(record);
  const opened = await open(device.tab(), await linkOf(sent));
  expect(await opened.acknowledge()).toBe(false);
  expect(await outcomes(sent)).toEqual([["leased", "none"]]);
  await opened.wipe();
  await expect.poll(() => outcomes(sent)).toEqual([["opened", "verified"]]);
});

it("Done while the sender is being told leaves nothing, and the sender is told", async () => {
  const device = new Device();
  const tab = device.tab();
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const { fetch: real } = tab.http;
  tab.http.fetch = async (url, init) => {
    if (url.endsWith("/ack")) await gate;
    return real(url, init);
  };
  const opened = await open(tab, await freshLink());
  const telling = opened.acknowledge();
  await opened.wipe();
  go();
  expect(await telling).toBe(true);
  expect(await left(device)).toEqual([0, 0]);
});

it("Done tells the sender once more where the network was away", async () => {
  const device = new Device();
  const tab = device.tab();
  const { fetch: real } = tab.http;
  tab.http.fetch = (url, init) => (url.endsWith("/ack") ? lost() : real(url, init));
  const link = await freshLink();
  const opened = await open(tab, link);
  expect(await opened.acknowledge()).toBe(false);
  tab.http.fetch = real;
  await opened.wipe();
  const state = async () => (await clientOf(device.tab()).look(link)).state;
  await expect.poll(state).toBe("opened");
});

function lost(): Promise<never> {
  return Promise.reject(new TypeError("no network"));
}

it("files that no record names are removed", async () => {
  const device = new Device();
  device.storage?.files.set("forgotten", new Uint8Array(3));
  await acknowledged(device);
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([1, 1]);
  expect(await device.storage?.names()).not.toContain("forgotten");
});

it("what the browser doesn't let go of goes at the next start", async () => {
  const device = new Device();
  const { tab, opened } = await acknowledged(device);
  const { storage } = device;
  if (!storage) throw new Error("there is one");
  const remove = storage.remove.bind(storage);
  storage.remove = () => Promise.reject(new LocalError("storage"));
  await expect(opened.wipe()).rejects.toEqual(new LocalError("storage"));
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([1, 1]);
  storage.remove = remove;
  tab.close();
  await clientOf(device.tab()).tidy();
  expect(await left(device)).toEqual([0, 0]);
});

it("what the browser doesn't let go of is not shown after a reload either", async () => {
  const device = new Device();
  const { tab, link, opened } = await acknowledged(device);
  const { storage } = device;
  if (!storage) throw new Error("there is one");
  const remove = storage.remove.bind(storage);
  storage.remove = () => Promise.reject(new LocalError("storage"));
  await expect(opened.wipe()).rejects.toEqual(new LocalError("storage"));
  storage.remove = remove;
  const again = clientOf(tab.reload());
  expect(await again.reopened(idText(link))).toBeNull();
  await again.tidy();
  expect(await left(device)).toEqual([0, 0]);
});

it.each([
  ["the file", () => Promise.reject(new LocalError("storage"))],
  ["its bytes", async () => ({ size: 9, slice: unreadable }) as unknown as Blob],
])("%s that can't be read for once is shown with another try", async (_, fail) => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  const again = clientOf(tab.reload());
  const { storage } = device;
  if (!storage) throw new Error("there is one");
  const read = storage.read.bind(storage);
  storage.read = () => {
    storage.read = read;
    return fail();
  };
  await expect(again.reopened(idText(link))).rejects.toEqual(new LocalError("storage"));
  expect(device.holders.size).toBe(0);
  expect(await again.reopened(idText(link))).not.toBeNull();
});

function unreadable(): unknown {
  const fail = () => Promise.reject(new DOMException("gone", "NotReadableError"));
  return { arrayBuffer: fail, text: fail };
}

it("where private storage doesn't open for once, a reload is given another try", async () => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  const { storage } = device;
  device.storage = null;
  const again = clientOf(tab.reload());
  await expect(again.reopened(idText(link))).rejects.toEqual(new LocalError("storage"));
  device.storage = storage;
  expect(await again.reopened(idText(link))).not.toBeNull();
});

it("a note alone is never written down", async () => {
  const device = new Device();
  const link = await linkOf(await send(new Device().tab(), server.url, [], { note: "secret" }));
  const opened = await open(device.tab(), link);
  expect(JSON.stringify(await device.state.openings())).not.toContain("secret");
  expect(await device.storage?.names()).toEqual([]);
  expect(await opened.acknowledge()).toBe(true);
  expect(await left(device)).toEqual([0, 0]);
});

it("opening the same link again in the tab that has it is told that it is over", async () => {
  const device = new Device();
  const { tab, link } = await acknowledged(device);
  const again = tab.reload();
  await expect(open(again, link)).rejects.toMatchObject({ state: "opened" });
  expect(await left(device)).toEqual([0, 0]);
});
