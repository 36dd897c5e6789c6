/** Which pages of a PDF are drawn: a mistake here fills the memory of a phone, or shows nothing. */

import { describe, expect, it } from "vitest";

import { Easel } from "../viewer/easel";

interface Sheet {
  page: number;
  scale: number;
  release: () => void;
}

/** An easel whose drawings are ended by hand; `log` is what happened, in order. */
function studio() {
  const log: string[] = [];
  const open: { end: () => void; break: () => void }[] = [];
  const easel = new Easel<Sheet>({
    draw(page, scale, signal) {
      log.push(`draw ${page} at ${scale}`);
      return new Promise((resolve, reject) => {
        const release = (): void => void log.push(`release ${page} at ${scale}`);
        const end = (): void => resolve({ page, scale, release });
        open.push({ end, break: () => reject(new Error()) });
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
    show: (page, sheet) => log.push(`show ${page} at ${sheet.scale}`),
    fail: (page) => log.push(`fail ${page}`),
    clear: (page) => log.push(`clear ${page}`),
  });
  const settle = async (how: "end" | "break" = "end"): Promise<void> => {
    open.at(-1)?.[how]();
    await new Promise((resolve) => setTimeout(resolve));
  };
  const said = (): string[] => log.splice(0);
  return { easel, settle, said };
}

describe("an easel", () => {
  it("draws one page at a time, the nearest first", async () => {
    const { easel, settle, said } = studio();
    easel.look(4);
    for (const page of [1, 2, 3, 4, 5]) easel.come(page);
    for (let drawn = 0; drawn < 5; drawn += 1) await settle();

    // The first was begun before the others came.
    expect(said().filter((what) => what.startsWith("draw"))).toEqual(
      [1, 4, 3, 5, 2].map((page) => `draw ${page} at 1`),
    );
  });

  it("gives back what goes away", async () => {
    const { easel, settle, said } = studio();
    easel.come(1);
    await settle();
    said();

    easel.go(1);

    expect(said()).toEqual(["release 1 at 1", "clear 1"]);
  });

  it("stops drawing what goes away, and goes on", async () => {
    const { easel, settle, said } = studio();
    easel.come(1);
    easel.come(2);
    easel.go(1);
    await settle();
    await settle();

    expect(said()).toEqual(["draw 1 at 1", "draw 2 at 1", "show 2 at 1"]);
  });

  it("draws anew at another scale; what was there stays until then", async () => {
    const { easel, settle, said } = studio();
    easel.come(1);
    await settle();
    easel.rescale(2);
    expect(said()).toEqual(["draw 1 at 1", "show 1 at 1", "draw 1 at 2"]);

    await settle();

    expect(said()).toEqual(["show 1 at 2", "release 1 at 1"]);
  });

  it("draws nothing twice for a scale that is the same", async () => {
    const { easel, settle, said } = studio();
    easel.come(1);
    await settle();
    easel.rescale(1);
    await settle();

    expect(said()).toEqual(["draw 1 at 1", "show 1 at 1"]);
  });

  it("says of a damaged page that it is, once, and goes on", async () => {
    const { easel, settle, said } = studio();
    easel.come(1);
    easel.come(2);
    await settle("break");
    await settle();

    expect(said()).toEqual(["draw 1 at 1", "fail 1", "draw 2 at 1", "show 2 at 1"]);
  });

  it("holds what is near, of however many pages", async () => {
    const { easel, settle, said } = studio();
    let held = 0;
    let most = 0;
    for (let page = 1; page <= 500; page += 1) {
      easel.come(page);
      easel.look(page);
      await settle();
      if (page > 3) easel.go(page - 3);
      const done = said();
      held += done.filter((what) => what.startsWith("show")).length;
      held -= done.filter((what) => what.startsWith("release")).length;
      most = Math.max(most, held);
    }

    expect(most).toBeLessThanOrEqual(4);
    expect(held).toBe(3);
  });
});
