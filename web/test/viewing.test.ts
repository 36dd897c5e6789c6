/** The page's side of the viewer: it hears its own frame alone, and hands the file over once. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { preview } from "../src/text/viewer";
import type { Told, ViewedFile } from "../src/viewing";
import { converse, howToView, showing } from "../src/viewing";

const FILE: ViewedFile = { name: "a.txt", size: 1, type: "text/plain", blob: new Blob(["x"]) };
const SHOW = showing(FILE, { kind: "text", mime: "text/plain" }, preview.viewer);

/** A window that messages arrive at, and the frame's own. */
function scene() {
  const heard = new EventTarget();
  const inside = { postMessage: vi.fn() };
  const told: Told[] = [];
  const frame = { contentWindow: inside as unknown as Window };
  const end = converse(frame, SHOW, (what) => told.push(what), heard);
  const say = (data: unknown, source: unknown = inside): void => {
    heard.dispatchEvent(Object.assign(new Event("message"), { data, source }));
  };
  return { inside, told, say, end };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("converse", () => {
  it("hands the file in when the viewer is ready, and passes on what it reports", () => {
    const { inside, told, say } = scene();

    say({ type: "ready" });
    say({ type: "height", height: 10 });

    expect(inside.postMessage.mock.calls).toEqual([[SHOW, "*"]]);
    expect(told).toEqual([{ type: "ready" }, { type: "height", height: 10 }]);
  });

  it("hears no other window, and none where the frame has none", () => {
    const { inside, told, say } = scene();

    say({ type: "ready" }, { postMessage: vi.fn() });
    say({ type: "ready" }, null);

    expect(inside.postMessage).not.toHaveBeenCalled();
    expect(told).toEqual([]);
  });

  it("hands nothing to what the frame loads later", () => {
    const { inside, told, say } = scene();

    say({ type: "ready" });
    say({ type: "ready" });

    expect(inside.postMessage).toHaveBeenCalledTimes(1);
    expect(told).toHaveLength(1);
  });

  it("passes on no report before the viewer is ready, and none that fails the checks", () => {
    const { told, say } = scene();

    say({ type: "height", height: 10 });
    say({ type: "ready" });
    say({ type: "height", height: "10" });
    say("anything");

    expect(told).toEqual([{ type: "ready" }]);
  });

  it("says so when the viewer says nothing", () => {
    const { told } = scene();

    vi.advanceTimersByTime(60_000);

    expect(told).toEqual([{ type: "silent" }]);
  });

  it("is over when it is ended", () => {
    const { inside, told, say, end } = scene();

    end();
    say({ type: "ready" });
    vi.advanceTimersByTime(60_000);

    expect(inside.postMessage).not.toHaveBeenCalled();
    expect(told).toEqual([]);
  });
});

it("a file's first bytes are looked at, and its own words for itself", async () => {
  const png = { ...FILE, name: "a.png", type: "image/png", blob: new Blob(["<svg>"]) };

  expect(await howToView(FILE)).toEqual({ kind: "text", mime: "text/plain" });
  expect(await howToView(png)).toBeNull();
});
