/** Links: what the vectors can't enumerate (protocol section 2). */

import { describe, expect, it } from "vitest";

import type { Bytes } from "../src/bytes";
import { primitives } from "../src/crypto";
import { LinkDamaged, LinkTooNew, UsageError } from "../src/errors";
import { drawId, drawLink, KDF, type Link, linkUrl } from "../src/link";
import { isLoopback, parseLink, parseServer, pinFitsLinks } from "../src/link";
import { type Chance, drawn } from "./chance";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function link(chance: Chance): Link {
  return {
    server: "https://host",
    id: chance.bytes(12),
    secret: chance.bytes(32),
    kdf: chance.pick([KDF.none, KDF.argon2id]),
    pin: chance.below(2) ? chance.bytes(15) : null,
  };
}

async function isRefused(text: string): Promise<boolean> {
  try {
    await parseLink(text);
    return false;
  } catch (error) {
    if (error instanceof LinkDamaged || error instanceof LinkTooNew) return true;
    throw error;
  }
}

function refusal(text: string): Promise<unknown> {
  return parseLink(text).catch((error: unknown) => error);
}

function pin(random: (length: number) => Bytes): Bytes {
  const candidate = random(15);
  return pinFitsLinks(candidate) ? candidate : pin(random);
}

describe("a link", () => {
  it("reads back: else some, by chance of their bytes, would open for nobody", async () => {
    for (const each of drawn(300, link)) {
      expect(await parseLink(await linkUrl(each))).toEqual(each);
    }
  });

  it("has no character that could be another: a typing error would cost the opening", async () => {
    const text = await linkUrl(await drawLink("https://host", KDF.none, primitives.random));
    const positions = [...text].map((_, at) => at).filter((at) => at >= 15 && text[at] !== "#");
    const changed = positions.flatMap((at) =>
      [...ALPHABET]
        .filter((char) => char !== text[at])
        .map((char) => text.slice(0, at) + char + text.slice(at + 1)),
    );

    expect(changed.length).toBe(68 * 63);
    const refused = await Promise.all(changed.map(isRefused));
    expect(refused.every(Boolean)).toBe(true);
  });

  it("is any text, or refused in words: a wrong paste must not break the page", async () => {
    const pieces = [...ALPHABET, "#", "/s/", "https://", "\u0430", "=", " ", "\n", "\ud800"];
    for (const text of drawn(2_000, (chance) => chance.text(pieces, 40))) {
      expect(await isRefused(text)).toBe(true);
      expect(await isRefused(`https://host/s/AAECAwQFBgcICQoL#${text}`)).toBe(true);
    }
  });

  it("says nothing of itself when it is refused: errors are logged and pasted", async () => {
    const text = await linkUrl(await drawLink("https://host", KDF.none, primitives.random));
    const fragment = text.split("#")[1] ?? "";

    for (const other of [text.slice(0, -1), `${text}=`, `${text}#`, text.replace("#", "%23")]) {
      const error = (await refusal(other)) as LinkDamaged;
      expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain(fragment.slice(0, 8));
    }
  });

  it("whose # was escaped is told apart: its key has reached a server", async () => {
    const text = await linkUrl(await drawLink("https://host", KDF.none, primitives.random));

    expect(await refusal(text.replace("#", "%23"))).toMatchObject({ isEscaped: true });
    expect(await refusal(text.slice(0, -1))).toMatchObject({ isEscaped: false });
    expect(await refusal(text.split("#")[0] ?? "")).toMatchObject({ isEscaped: false });
  });
});

describe("a drawn link", () => {
  it("survives chat programs, with a pin and without", async () => {
    for (const chance of drawn(100, (each) => each)) {
      const pinned = chance.below(2) ? pin(chance.bytes) : null;
      const made = await drawLink("https://host", KDF.argon2id, chance.bytes, pinned);
      const url = await linkUrl(made);

      expect(url).toMatch(/^https:\/\/host\/s\/[A-Za-z0-9][A-Za-z0-9-]{15}#[A-Za-z0-9-]+$/);
      expect(url).toMatch(/[A-Za-z0-9]$/);
      expect(url.length).toBe("https://host/s/".length + 17 + (pinned ? 72 : 52));
      expect(await parseLink(url)).toEqual(made);
    }
  });

  it("is refused a pin that no link can carry: drawing again would never end", async () => {
    const unlucky = new Uint8Array(15).fill(0xff);

    await expect(drawLink("https://host", KDF.none, primitives.random, unlucky)).rejects.toThrow(
      UsageError,
    );
  });

  it("is loud about a source that repeats itself: everyone would get the same secret", async () => {
    const broken = (length: number) => new Uint8Array(length).fill(0xff);

    expect(() => drawId(broken)).toThrow("repeats itself");
    await expect(drawLink("https://host", KDF.none, broken)).rejects.toThrow("repeats itself");
  });
});

describe("a server", () => {
  it.each([
    ["https://example.org", "https://example.org"],
    ["https://example.org/", "https://example.org"],
    ["http://[::1]:8000/a/b//", "http://[::1]:8000/a/b"],
  ])("as people type it: %s", (text, server) => {
    expect(parseServer(text)).toBe(server);
  });

  it.each([
    "",
    "example.org",
    "ftp://example.org",
    "https://",
    "https://a b",
    "https://a?x",
    "https://a#",
    "https://me@a",
    "https://a/../b",
    "https://a/%2e",
    "https://a:port",
    "https://a\n",
  ])("is none: %j", (text) => {
    expect(() => parseServer(text)).toThrow(UsageError);
  });
});

describe("an address of loopback", () => {
  const loopback = ["http://localhost:8000", "http://LOCALHOST.", "http://box.localhost"];
  it.each([...loopback, "http://127.0.0.1:8000", "https://127.9.9.9", "http://[::1]:8000"])(
    "is %s",
    (server) => expect(isLoopback(server)).toBe(true),
  );

  const others = ["https://share.example", "http://10.0.0.1:8000", "http://notlocalhost"];
  it.each([...others, "http://localhost.evil.example", "http://127.0.0.1.evil.example"])(
    "is not %s",
    (server) => expect(isLoopback(server)).toBe(false),
  );
});
