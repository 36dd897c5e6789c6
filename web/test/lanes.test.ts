/** Several at a time, and not all at once. */

import { expect, it } from "vitest";

import { inLanes } from "../src/envelope/lanes";

const moment = () => new Promise<void>((resolve) => setTimeout(resolve));

it("runs each job once, begun in order, four at a time: more would fill the memory", async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;

  await inLanes(11, async (at) => {
    begun.push(at);
    most = Math.max(most, (running += 1));
    await moment();
    running -= 1;
  });

  expect(begun).toEqual([...Array(11).keys()]);
  expect(most).toBe(4);
  expect(running).toBe(0);
});

it("begins no other job after a failure: a refused part would go on costing time", async () => {
  const begun: number[] = [];
  const running = inLanes(100, async (at) => {
    begun.push(at);
    await moment();
    if (at === 2) throw new Error("refused");
  });

  await expect(running).rejects.toThrow("refused");
  const soFar = begun.length;
  await moment();
  await moment();
  expect(begun.length).toBe(soFar);
});

it("has nothing to do for nothing", async () => {
  await inLanes(0, () => Promise.reject(new Error("called")));
});
