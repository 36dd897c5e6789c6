import { describe, expect, it } from "vitest";

import {
  IntegrityError,
  Interrupted,
  LinkDamaged,
  LinkTooNew,
  LocalError,
  Locked,
  NotYet,
  Over,
  Refused,
  Unknown,
  Unreachable,
  UsageError,
  WrongPassword,
} from "../src/errors";
import type { LinkStatus, OpeningStatus } from "../src/reporting";
import { en } from "../src/text/en";
import { linkSentences, unfinishedSentence } from "../src/text/states";
import { endedBy, sentence } from "../src/text/told";

const NOW = new Date(2026, 10, 24, 14, 30);
const AT = new Date(2026, 10, 24, 14, 3);

describe("what a person is told at an end", () => {
  it.each([
    [new Over("opened", AT), /opened already at 14:03/],
    [new Over("taken", AT), /someone else at 14:03/],
    [new Over("expired", AT), /expired/],
    [new Over("revoked", null), /revoked/],
    [new Over("guessed", AT), /wrong passwords/],
    [new Over("over", null), /over/],
    [new Locked("locked"), /locked/],
    [new NotYet(AT), /^Not yet open: it opens at 14:03/],
    [new LinkDamaged("damaged"), /damaged/],
    [new LinkDamaged("escaped", true), /leaked/],
    [new LinkTooNew("new"), /newer version/],
    [new Unknown("unknown"), /unknown/],
    [new IntegrityError("altered"), /not what was sent/],
    [new Error("ours"), /went wrong/],
  ])("%s", (error, heading) => {
    const { told, again } = endedBy(error, en, NOW);
    expect(told.title).toMatch(heading);
    expect(again).toBe(false);
  });

  it.each([new Unreachable("x"), new Refused("slow_down"), new LocalError("busy")])(
    "%s can be tried again",
    (error) => {
      expect(endedBy(error, en, NOW).again).toBe(true);
    },
  );

  it("a link that a server doesn't know for a moment can be tried again where it was begun", () => {
    expect(endedBy(new Unknown("x"), en, NOW, true).again).toBe(true);
    expect(endedBy(new Over("opened", AT), en, NOW, true).again).toBe(false);
  });

  it("has one sentence for each thing that stands beside a form", () => {
    const errors = [
      new UsageError("x", "nothing_to_send"),
      new Refused("no_room"),
      new LocalError("changed", "a.txt"),
      new WrongPassword(3),
      new Interrupted("x"),
      new Error("ours"),
    ];
    const sentences = errors.map((error) => sentence(error, en));
    expect(new Set(sentences).size).toBe(errors.length);
    expect(sentences[2]).toContain("a.txt");
    expect(sentences[3]).toContain("3 more tries");
  });

  it("has a fallback for a refusal that nobody knows yet", () => {
    expect(sentence(new Refused("from_the_future"), en)).toBe("The server refuses this.");
  });
});

describe("what has no links", () => {
  it("is not finished yet, or never was; nobody takes it for sent", () => {
    const share = { share: "EBESExQVFhcYGRob", links: [] };
    const told = ["uploading", "gone"].map((state) => unfinishedSentence({ ...share, state }, en));
    expect(told).toEqual([en.list.unfinished, en.list.neverFinished]);
  });
});

describe("what became of a link", () => {
  const opening: OpeningStatus = {
    claimedAt: new Date(2026, 10, 24, 14, 1),
    endedAt: AT,
    outcome: "opened",
    receipt: "verified",
    address: "192.168.1.0/24",
  };
  const link: LinkStatus = {
    id: "AAECAwQFBgcICQoL",
    name: "",
    state: "opened",
    opensLeft: 0,
    opensAt: AT,
    expiresAt: new Date(2026, 10, 24, 14, 40),
    guesses: 0,
    openings: [opening],
  };
  const told = (changes: Partial<LinkStatus>): string[] =>
    linkSentences({ ...link, ...changes }, en, NOW);

  it("says when it was opened, whether the receipt is genuine, and from where", () => {
    expect(told({})).toEqual(["Opened at 14:03, receipt checked, from 192.168.1.x"]);
  });

  it("never takes an opening without a genuine receipt for a proven one", () => {
    const forged = { ...opening, receipt: "invalid" as const, address: null };
    expect(told({ openings: [forged] })).toEqual(["Opened at 14:03, receipt is not genuine"]);
  });

  it("says what is so now behind what happened", () => {
    const begun = { ...opening, endedAt: null, outcome: "leased", receipt: "none" as const };
    expect(told({ state: "ready", opensLeft: 2, openings: [{ ...begun, address: null }] })).toEqual([
      "Being received since 14:01",
      "2 openings left. It expires at 14:40.",
    ]);
    expect(told({ state: "expired", openings: [] })).toEqual(["Expired, unopened."]);
    expect(told({ state: "expired" })[1]).toBe("Expired.");
  });
});
