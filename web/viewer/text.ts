/** Text and source: as it is written, with what is unseen made visible. */

import { printable } from "../src/names";
import type { Show } from "../src/viewer-messages";
import { filled } from "../src/viewer-messages";
import { element } from "./dom";
import { Failure } from "./failure";
import { tellHeightOf } from "./parent";

const MEGABYTE = 1_000_000;
/** More than anyone reads here; a browser lays it out in a second. */
const MAX_SHOWN_BYTES = 2 * MEGABYTE;
/** What is far from the eye isn't laid out, block by block. */
const BLOCK_LINES = 100;

/** Joiners shape the letters and emoji around them, and move nothing. */
const JOINERS = /([\u200c\u200d])/;

export async function showText(show: Show, stage: HTMLElement): Promise<void> {
  const text = await beginningOf(show.file);
  const content = element("main", { tabIndex: 0 }, ...notes(show), ...blocks(text));
  content.setAttribute("aria-label", show.words.content);
  content.setAttribute("role", "region");
  stage.append(content);
  tellHeightOf(content);
}

function notes({ kind, file, words }: Show): HTMLElement[] {
  const told = [
    ...(kind === "source" ? [words.source] : []),
    ...(file.size === 0 ? [words.empty] : []),
    ...(file.size > MAX_SHOWN_BYTES
      ? [filled(words.cut, { shown: MAX_SHOWN_BYTES / MEGABYTE })]
      : []),
  ];
  return told.map((note) => element("p", { className: "note" }, note));
}

async function beginningOf(file: Blob): Promise<string> {
  const bytes = await file
    .slice(0, MAX_SHOWN_BYTES)
    .arrayBuffer()
    .catch(() => {
      throw new Failure("unreadable");
    });
  return visible(decoded(new Uint8Array(bytes), file.size > MAX_SHOWN_BYTES));
}

/** UTF-8, or UTF-16 that says so; a character that the cut went through is left out. */
function decoded(bytes: Uint8Array, isCut: boolean): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes, { stream: isCut });
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
}

function visible(text: string): string {
  return text
    .split(JOINERS)
    .map((part) => (JOINERS.test(part) ? part : printable(part, true)))
    .join("");
}

function blocks(text: string): HTMLElement[] {
  const lines = text.split("\n");
  const made: HTMLElement[] = [];
  for (let at = 0; at < lines.length; at += BLOCK_LINES) {
    made.push(element("pre", {}, lines.slice(at, at + BLOCK_LINES).join("\n")));
  }
  return made;
}
