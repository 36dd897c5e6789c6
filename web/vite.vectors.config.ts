/** The vectors as a script for a page of tests (`tests/browser/test_vectors.py`); no part of the page. */

import { resolve } from "node:path";
import { defineConfig } from "vite";
import { OUT_DIR, output } from "./output.ts";

export default defineConfig({
  root: resolve(import.meta.dirname, "test/vectors"),
  publicDir: false,
  build: { ...output, outDir: OUT_DIR, lib: { entry: "page.ts", formats: ["es"], fileName: "page" } },
});
