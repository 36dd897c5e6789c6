/** Receipts: which ones prove something. */

import { expect, it } from "vitest";

import type { OpeningReport, ShareReport } from "../src/answers";
import { b64encode } from "../src/b64";
import { OUTCOME, receiptMac } from "../src/envelope/keys";
import { isRevocable, judged } from "../src/reporting";
import { counting } from "./chance";

const ID = counting(0, 12);
const ACK = counting(0, 32);
const LEASE = counting(32, 64);
const AT = new Date("2026-11-22T14:03:00Z");
const RECORD = {
  server: "https://share.example",
  id: "EBESExQVFhcYGRob",
  owner: ACK,
  createdAt: 0,
  links: [{ id: b64encode(ID), ack: ACK, name: "Ann" }],
  isTold: false,
};

async function opening(given: Partial<OpeningReport> = {}): Promise<OpeningReport> {
  const mac = await receiptMac(ACK, ID, LEASE, OUTCOME.opened);
  const times = { claimedAt: AT, endedAt: AT };
  return { leaseHash: LEASE, ...times, outcome: "opened", bytesRead: 0, mac, address: null, ...given };
}

async function receipts(openings: OpeningReport[], linkId = ID) {
  const link = { opens: 1, opensLeft: 0, opensAt: AT, expiresAt: AT, guesses: 0, state: "opened" };
  const links = [{ ...link, id: b64encode(linkId), openings }];
  const report: ShareReport = { id: RECORD.id, state: "gone", links, now: AT };
  const status = await judged(report, RECORD);
  return status.links.flatMap((each) => each.openings.map(({ receipt }) => receipt));
}

it("that who had link and password made", async () => {
  expect(await receipts([await opening()])).toEqual(["verified"]);
  const mac = await receiptMac(ACK, ID, LEASE, OUTCOME.rejected);
  expect(await receipts([await opening({ outcome: "rejected", mac })])).toEqual(["verified"]);
});

it("that is not there", async () => {
  expect(await receipts([await opening({ mac: null, outcome: "leased" })])).toEqual(["none"]);
});

it.each<[string, Partial<OpeningReport>]>([
  ["another outcome", { outcome: "rejected" }],
  ["an outcome that nobody signs", { outcome: "lapsed" }],
  ["an outcome that JavaScript knows", { outcome: "toString" }],
  ["another lease", { leaseHash: ACK }],
  ["another key", { mac: LEASE }],
])("of %s proves nothing", async (_, change) => {
  expect(await receipts([await opening(change)])).toEqual(["invalid"]);
});

it("of a link that this browser never sent proves nothing", async () => {
  expect(await receipts([await opening()], counting(1, 13))).toEqual(["invalid"]);
});

it("shown a second time proves nothing", async () => {
  expect(await receipts([await opening(), await opening()])).toEqual(["verified", "invalid"]);
});

it("is told with the name that the sender gave the link", async () => {
  const link = { id: b64encode(ID), state: "ready", opens: 1, opensLeft: 1, guesses: 2 };
  const links = [{ ...link, opensAt: AT, expiresAt: AT, openings: [] }];
  const status = await judged({ id: RECORD.id, state: "sealed", links, now: AT }, RECORD);
  expect(status).toMatchObject({ state: "sealed", links: [{ name: "Ann", guesses: 2 }] });
});

it.each([
  ["ready", [], true],
  ["opened", ["opened"], false],
  ["opened", ["opened", "leased"], true],
  ["expired", ["leased"], true],
  ["expired", [], false],
  ["revoked", ["revoked"], false],
])("a link that is %s, with openings %j, can be revoked: %j", async (state, outcomes, expected) => {
  const openings = await Promise.all(outcomes.map((outcome) => opening({ outcome })));
  const link = { id: b64encode(ID), opens: 2, opensLeft: 0, opensAt: AT, expiresAt: AT, guesses: 0 };
  const links = [{ ...link, state, openings }];
  const status = await judged({ id: RECORD.id, state: "sealed", links, now: AT }, RECORD);
  expect(status.links.map(isRevocable)).toEqual([expected]);
});
