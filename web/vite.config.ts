/** The page: index.html, its styles, its script and its one worker. `vite.viewer.config.ts` adds the viewer. */

import { defineConfig } from "vite";
import { integrity } from "./integrity.ts";
import { OUT_DIR, output } from "./output.ts";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [integrity()],
  worker: { format: "es" },
  build: {
    ...output,
    outDir: OUT_DIR,
    emptyOutDir: true,
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      input: "index.html",
      output: { codeSplitting: false }, // one script, so that one integrity attribute covers all
    },
  },
});
