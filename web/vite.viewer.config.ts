/**
 * The viewer: a page of its own for a sandboxed frame, whose origin is opaque.
 *
 * Runs after `vite.config.ts`, into the same folder. pdf.js comes in parts that are loaded for a
 * PDF alone (`parts.ts`).
 */

import { resolve } from "node:path";
import { defineConfig } from "vite";
import { hashes, integrity } from "./integrity.ts";
import { OUT_DIR, output } from "./output.ts";
import { parts } from "./parts.ts";
import { pdfNotices, pdfWorker } from "./pdfjs.ts";

const ASSETS = "assets/viewer"; // what an opaque origin may load: otv_server/api/assets.py

export default defineConfig({
  root: resolve(import.meta.dirname, "viewer"),
  publicDir: false,
  plugins: [parts({ sources: "viewer", assets: ASSETS }, [pdfWorker()]), pdfNotices(), integrity(), hashes()],
  build: {
    ...output,
    outDir: OUT_DIR,
    emptyOutDir: false,
    assetsDir: ASSETS,
    rolldownOptions: {
      input: resolve(import.meta.dirname, "viewer/viewer.html"),
      output: { codeSplitting: false }, // one script, so that one digest covers all
    },
  },
});
