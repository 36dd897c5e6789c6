/** A QR code as the outline of one SVG path. Pure; the encoder is a library's. */

import { generate } from "lean-qr";

/** Light modules around the code (ISO/IEC 18004: four). */
const QUIET = 4;

export interface QrOutline {
  /** Modules a side, the quiet zone included. */
  size: number;
  /** The path's `d`, dark where it is filled. */
  path: string;
}

/** The code of a text: each row's dark runs as one rectangle each. */
export function qrOutline(text: string): QrOutline {
  const code = generate(text);
  const runs: string[] = [];
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      if (!code.get(x, y)) continue;
      const start = x;
      while (code.get(x + 1, y)) x += 1;
      runs.push(`M${start + QUIET} ${y + QUIET}h${x + 1 - start}v1h-${x + 1 - start}z`);
    }
  }
  return { size: code.size + 2 * QUIET, path: runs.join("") };
}
