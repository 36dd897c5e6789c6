/** What both builds agree on. */

import { resolve } from "node:path";
import type { BuildEnvironmentOptions } from "vite";

/** Inside the Python package, or where `hatch_build.py` says, which swaps the whole folder in. */
export const OUT_DIR =
  process.env["OTV_PAGE_DIR"] ?? resolve(import.meta.dirname, "../otv_server/page");

export const output: BuildEnvironmentOptions = {
  // What Chromium, Firefox ESR, WebKitGTK 2.50 and Safari 16.4 all understand.
  target: ["chrome111", "edge111", "firefox128", "safari16.4"],
  assetsInlineLimit: 0, // the policy allows no data: URL
  modulePreload: false, // one script needs no preloading, and the polyfill calls fetch
  sourcemap: false,
  reportCompressedSize: false, // tests/server/test_page.py holds the weight
  chunkSizeWarningLimit: 3000, // kB: pdf.js, loaded for a PDF alone
};
