/** The upload token that a browser may keep. */

import { describe, expect, it } from "vitest";

import { Client } from "../src/client";
import { readToken } from "../src/state";
import { Device } from "./support/device";

describe("an upload token", () => {
  it("is kept where the person says so, for its server alone, until taken back", async () => {
    const device = new Device();
    const here = new Client(device.tab().world, "https://here");
    const there = new Client(device.tab().world, "https://there");

    await here.keepToken("token");

    expect([await here.keptToken(), await there.keptToken()]).toEqual(["token", ""]);
    await here.keepToken("");
    expect(await here.keptToken()).toBe("");
    expect(device.state.tokens.size).toBe(0);
  });

  it("is kept nowhere where the browser keeps nothing, and what is none is not taken for one", async () => {
    const { world } = new Device().tab();
    const nowhere = new Client({ ...world, state: async () => null }, "https://here");

    await nowhere.keepToken("token");

    expect(await nowhere.keptToken()).toBeNull();
    expect([null, 1, {}, { token: 1 }, { token: "" }].map(readToken)).toEqual(Array(5).fill(null));
  });
});
