/** What tests of sending and opening have in common. */

import { createHash } from "node:crypto";

import type { Bytes } from "../../src/bytes";
import { Client, collect, entryOf } from "../../src/client";
import type { Opened, SentShare, Source, Terms } from "../../src/client";
import type { Link } from "../../src/link";
import { parseLink } from "../../src/link";
import type { Tab } from "./device";

export const PLAIN: Terms = {
  expiresS: 600,
  opensAt: null,
  opens: 1,
  links: 1,
  password: null,
  viewOnly: false,
  note: "",
};

/** A run of bytes that says where it begins: no two parts of it are equal. */
export function bytesOf(size: number, seed = 1): Bytes {
  const bytes = new Uint8Array(size);
  const words = new Uint32Array(bytes.buffer, 0, Math.floor(size / 4));
  let word = seed;
  for (let at = 0; at < words.length; at += 1) words[at] = word = (word * 1_664_525 + 1_013_904_223) | 0;
  return bytes;
}

export function fileOf(name: string, content: Bytes | string, type = ""): Source {
  const { sources } = collect([entryOf(name, new File([content], name, { type }))]);
  const [source] = sources;
  if (!source) throw new Error("one file");
  return source;
}

export const never = new AbortController().signal;
export const quiet = { progress: () => {}, signal: never };

export async function send(
  tab: Tab,
  server: string,
  sources: Source[],
  terms: Partial<Terms> = {},
  names: string[] = [],
): Promise<SentShare> {
  return new Client(tab.world, server).send(sources, { ...PLAIN, ...terms }, { ...quiet, names });
}

export function linkOf(sent: SentShare, at = 0): Promise<Link> {
  return parseLink(sent.links[at]?.url ?? "");
}

export async function open(tab: Tab, link: Link, password: string | null = null): Promise<Opened> {
  return new Client(tab.world, link.server).open(link, password, quiet);
}

/** Stands for a content: comparing many megabytes byte by byte takes a test runner minutes. */
export function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Every file's name and the hash of its content. */
export async function contents(opened: Pick<Opened, "files">): Promise<Record<string, string>> {
  const files = opened.files.map(async ({ name, blob }) => {
    return [name, hashOf(new Uint8Array(await blob.arrayBuffer()))] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}
