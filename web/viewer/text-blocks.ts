/**
 * A text in blocks that a browser lays out one by one, as they come into sight. Pure.
 *
 * Chromium takes half a minute for one line of some megabytes. So a long line is cut into runs,
 * each laid out alone.
 */

/** Lines of one block: some screens full. */
const BLOCK_LINES = 100;
/** In UTF-16 units: of one block, and of one run of a longer line. */
const BLOCK_LENGTH = 8000;

/** Whole lines without the end of the last one; a single long line in several runs. */
export type Block = readonly string[];

/** The blocks of a text, whose runs, with a line end between two blocks, are the text again. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  let length = 0;
  const close = (): void => {
    if (lines.length > 0) blocks.push([lines.join("\n")]);
    lines = [];
    length = 0;
  };
  for (const line of text.split("\n")) {
    if (lines.length === BLOCK_LINES || length + line.length > BLOCK_LENGTH) close();
    if (line.length > BLOCK_LENGTH) {
      blocks.push(runsOf(line));
    } else {
      lines.push(line);
      length += line.length;
    }
  }
  close();
  return blocks;
}

function runsOf(line: string): string[] {
  const runs: string[] = [];
  for (let at = 0; at < line.length; ) {
    const end = wholeCharacters(line, at + BLOCK_LENGTH);
    runs.push(line.slice(at, end));
    at = end;
  }
  return runs;
}

/** `at`, or one less where it would part a pair of surrogates. */
export function wholeCharacters(text: string, at: number): number {
  const isParted = at > 0 && at < text.length && (text.codePointAt(at - 1) ?? 0) > 0xffff;
  return isParted ? at - 1 : at;
}
