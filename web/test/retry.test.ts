/** Trying again: how long, how often, and when not. */

import { expect, it } from "vitest";

import { Interrupted, Unreachable } from "../src/errors";
import { Backoff, PATIENCE, Retrying, Transient, deviceClock, linked } from "../src/retry";
import { HastyClock } from "./support/device";

const failed = new Unreachable("no answer");
const never = new AbortController().signal;

/** Fails so many times in a way that may pass; each attempt takes that long. */
function failing(clock: HastyClock, times: number, attemptS = 0, retryAfterS: number | null = null) {
  let left = times;
  return async () => {
    clock.skip(attemptS);
    if (left === 0) return "done";
    left -= 1;
    throw new Transient(failed, retryAfterS);
  };
}

it("waits longer each time, up to a limit", async () => {
  const clock = new HastyClock();
  const retrying = new Retrying(clock, never, PATIENCE, true);
  expect(await retrying.run(failing(clock, 8))).toBe("done");
  expect(clock.pauses).toEqual([0.5, 1, 2, 4, 8, 16, 20, 20].map((wait) => wait * 0.75));
});

it("waits as long as the server asks, up to a limit", async () => {
  const clock = new HastyClock();
  const retrying = new Retrying(clock, never, PATIENCE, true);
  await retrying.run(failing(clock, 1, 0, 5));
  await retrying.run(failing(clock, 1, 0, 3600));
  expect(clock.pauses).toEqual([5, 20]);
});

it("gives up soon where the server has never answered, and late where it has", async () => {
  for (const [hasAnswered, atLeast, atMost] of [
    [false, 3, PATIENCE.firstContactS],
    [true, 250, PATIENCE.totalS],
  ] as const) {
    const clock = new HastyClock();
    const retrying = new Retrying(clock, never, PATIENCE, hasAnswered);
    await expect(retrying.run(failing(clock, Infinity))).rejects.toBe(failed);
    const waited = clock.pauses.reduce((sum, pause) => sum + pause, 0);
    expect(waited).toBeGreaterThan(atLeast);
    expect(waited).toBeLessThanOrEqual(atMost);
  }
});

it("an attempt that was slow, or that the device slept through, takes little of the patience", async () => {
  const clock = new HastyClock();
  const retrying = new Retrying(clock, never, PATIENCE, true);
  expect(await retrying.run(failing(clock, 3, 3600))).toBe("done");
  await expect(retrying.run(failing(clock, Infinity, 3600))).rejects.toBe(failed);
});

it("progress makes patience whole again", async () => {
  const clock = new HastyClock();
  const backoff = new Backoff(new Retrying(clock, never, PATIENCE, true));
  for (let attempt = 0; attempt < 100; attempt += 1) {
    backoff.progress();
    clock.skip(59);
    await backoff.wait(new Transient(failed));
  }
  expect(new Set(clock.pauses)).toEqual(new Set([0.375]));
});

it("what can't pass is thrown at once", async () => {
  const clock = new HastyClock();
  const retrying = new Retrying(clock, never, PATIENCE, true);
  await expect(retrying.run(() => Promise.reject(new RangeError("ours")))).rejects.toThrow("ours");
  expect(clock.pauses).toEqual([]);
});

it("a stop ends it before an attempt, and in a wait", async () => {
  const stop = new AbortController();
  let attempts = 0;
  const retrying = new Retrying(deviceClock, stop.signal, PATIENCE, true);
  const running = retrying.run(() => {
    attempts += 1;
    setTimeout(() => stop.abort(), 5);
    return Promise.reject(new Transient(failed, 20));
  });
  await expect(running).rejects.toBeInstanceOf(Interrupted);
  await expect(retrying.run(async () => (attempts += 1))).rejects.toBeInstanceOf(Interrupted);
  expect(attempts).toBe(1);
});

it("a wait ends when the network comes back", async () => {
  const network = new EventTarget();
  const { addEventListener } = globalThis;
  globalThis.addEventListener = network.addEventListener.bind(network);
  try {
    const waiting = deviceClock.pause(60, never);
    network.dispatchEvent(new Event("online"));
    await waiting;
  } finally {
    globalThis.addEventListener = addEventListener;
  }
});

it("a linked signal ends with any of the others, and lets go of them", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const both = linked(a.signal, b.signal);
  expect(both.signal.aborted).toBe(false);
  b.abort();
  expect(both.signal.aborted).toBe(true);
  expect(linked(a.signal, b.signal).signal.aborted).toBe(true);
});
