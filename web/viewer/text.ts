/** Text and source: as it is written, with what is unseen made visible. */

import { plain } from "../src/text/plain";
import type { Show } from "../src/viewer-messages";
import { element } from "./dom";
import { Failure } from "./failure";
import { tellHeightOf } from "./parent";
import type { Block } from "./text-blocks";
import { blocksOf, wholeCharacters } from "./text-blocks";

/** More than anyone reads here. In bytes of the file, and in UTF-16 units of what is shown. */
const MAX_SHOWN = 2_000_000;

export async function showText(show: Show, stage: HTMLElement): Promise<void> {
  const { text, isCut } = await beginningOf(show.file);
  const shown = [...notes(show, isCut), ...blocksOf(text).map(pre)];
  const content = element("section", { tabIndex: 0 }, ...shown);
  content.setAttribute("aria-label", show.words.content);
  stage.append(content);
  tellHeightOf(content);
}

function notes({ kind, file, words }: Show, isCut: boolean): HTMLElement[] {
  const told = [
    ...(kind === "source" ? [words.source] : []),
    ...(file.size === 0 ? [words.empty] : []),
    ...(isCut ? [words.cut] : []),
  ];
  return told.map((note) => element("p", { className: "note" }, note));
}

function pre(block: Block): HTMLElement {
  const isLongLine = block.length > 1;
  return element("pre", {}, ...(isLongLine ? block.map((run) => element("span", {}, run)) : block));
}

async function beginningOf(file: Blob): Promise<{ text: string; isCut: boolean }> {
  const bytes = await file
    .slice(0, MAX_SHOWN)
    .arrayBuffer()
    .catch(() => {
      throw new Failure("unreadable");
    });
  const isRest = file.size > MAX_SHOWN;
  // What is unseen is longer when it is seen.
  const text = plain(decoded(new Uint8Array(bytes), isRest));
  const end = wholeCharacters(text, MAX_SHOWN);
  return { text: text.slice(0, end), isCut: isRest || end < text.length };
}

/** UTF-8, or UTF-16 that says so; a character that the cut went through is left out. */
function decoded(bytes: Uint8Array, isCut: boolean): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes, { stream: isCut });
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
}
