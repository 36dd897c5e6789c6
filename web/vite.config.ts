/** The page: index.html, its styles, its script and its workers. `vite.viewer.config.ts` adds the viewer. */

import { defineConfig } from "vite";
import { integrity } from "./integrity.ts";
import { licenses } from "./licenses.ts";
import { OUT_DIR, output } from "./output.ts";
import { parts } from "./parts.ts";
import { shareWorker } from "./share-worker.ts";

const { noted, written } = licenses("licenses.md");

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    parts({ sources: "src/crypto", assets: "assets" }, [noted()]),
    noted(),
    written,
    integrity(),
    shareWorker(),
  ],
  worker: { format: "es", plugins: () => [noted()] },
  build: {
    ...output,
    outDir: OUT_DIR,
    emptyOutDir: true,
    rolldownOptions: {
      input: "index.html",
      output: { codeSplitting: false }, // one script, so that one integrity attribute covers all
    },
  },
});
