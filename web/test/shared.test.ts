/** What is shared with the installed page, on its way to the composer: held once, and not for long. */

import { describe, expect, it } from "vitest";

import { Shelf, addressOf, fromForm, left, readShared, sharedId } from "../src/shared";

const PHOTO = new File(["x"], "photo.jpg", { type: "image/jpeg" });
const SHARED = { files: [PHOTO], text: "words" };
const never = new Promise<void>(() => {});

function form(...fields: [string, string | File][]): FormData {
  const made = new FormData();
  for (const [name, value] of fields) made.append(name, value);
  return made;
}

describe("a form", () => {
  it("gives its files and its words, and nothing twice", () => {
    const { files, text } = fromForm(
      form(["files", PHOTO], ["files", PHOTO], ["text", "a"], ["url", "https://h/"]),
    );

    expect(files.map(({ name }) => name)).toEqual(["photo.jpg", "photo.jpg"]);
    expect(text).toBe("a\nhttps://h/");
    expect(fromForm(form(["text", "https://h/"], ["url", "https://h/"])).text).toBe("https://h/");
  });

  it("may be any site's: what fits nothing is left out", () => {
    const odd = form(["files", "no file"], ["text", PHOTO], ["url", ""], ["more", "x"]);

    expect(fromForm(odd)).toEqual({ files: [], text: "" });
  });
});

describe("an address", () => {
  it("comes back as the id that it was made of, and asks no server for it", () => {
    const { pathname, search, hash } = new URL(addressOf("a-1 #?"), "https://h/");

    expect([pathname, search, sharedId(hash)]).toEqual(["/", "", "a-1 #?"]);
  });
});

describe("a message", () => {
  it.each([null, undefined, "x", {}, { files: [1], text: "" }, { files: [], text: 1 }, { files: {} }])(
    "%j is nothing",
    (value) => {
      expect(readShared(value)).toBeNull();
    },
  );

  it("is what was sent", () => {
    expect(readShared({ ...SHARED, more: 1 })).toEqual(SHARED);
  });
});

describe("the shelf", () => {
  it("hands out what it holds once, to whoever knows its id: else \"back\" would bring it again", async () => {
    const shelf = new Shelf();
    const held = shelf.hold("a", SHARED, never);

    expect(shelf.take("b")).toBeNull();
    expect(shelf.take(["a"])).toBeNull();
    expect(shelf.take("a")).toBe(SHARED);
    expect(shelf.take("a")).toBeNull();
    await held; // so that the browser may end the worker
  });

  it("keeps two shares apart", () => {
    const shelf = new Shelf();
    const other = { files: [], text: "other" };
    void shelf.hold("a", SHARED, never);
    void shelf.hold("b", other, never);

    expect([shelf.take("b"), shelf.take("a")]).toEqual([other, SHARED]);
  });

  it("lets go when its time is over: else it would stay where nobody comes for it", async () => {
    const shelf = new Shelf();

    await shelf.hold("a", SHARED, Promise.resolve());

    expect(shelf.take("a")).toBeNull();
  });
});

describe("waiting for a page", () => {
  const looked = async (...seen: boolean[]): Promise<number> => {
    let at = 0;
    await left(async () => seen[at++] ?? false, async () => {}, 5);
    return at;
  };

  it("ends when the page has gone, however long it took to come", async () => {
    expect(await looked(true, false, true)).toBe(2);
    expect(await looked(false, false, true, false)).toBe(4);
  });

  it("ends in time where it never comes, or never asks", async () => {
    expect(await looked()).toBe(5);
    expect(await looked(true, true, true, true, true, true)).toBe(5);
  });
});
