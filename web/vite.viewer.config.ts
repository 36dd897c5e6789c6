/**
 * The viewer: a page of its own for a sandboxed frame, whose origin is opaque.
 *
 * It may not fetch (`connect-src 'none'`), and a worker in there starts from a blob only, as a
 * classic script. So pdf.js's worker comes as a string: `import source from "virtual:pdf-worker"`,
 * in a chunk that is loaded for a PDF alone. Runs after `vite.config.ts`, into the same folder.
 */

import { resolve } from "node:path";
import { build, defineConfig } from "vite";
import type { Plugin } from "vite";
import { hashes, integrity } from "./integrity.ts";
import { OUT_DIR, output } from "./output.ts";
import { pdfDecoders, pdfNotices } from "./pdf-parts.ts";

const PDF_WORKER = "virtual:pdf-worker";
const PDF_WORKER_ENTRY = resolve(
  import.meta.dirname,
  "node_modules/pdfjs-dist/legacy/build/pdf.worker.mjs", // "legacy": what this build's targets lack
);

/** The code of `entry` and all that it imports, as one classic script. */
async function classicScript(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "warn",
    plugins: [pdfDecoders()],
    build: {
      ...output,
      write: false,
      lib: { entry, formats: ["iife"], name: "pdfjsWorker", fileName: "pdf.worker" },
      // A classic script has no URL of its own; pdf.js is given none to load from either.
      rolldownOptions: { transform: { define: { "import.meta": "{}" } } },
    },
  });
  const [built] = Array.isArray(result) ? result : [result];
  if (!built || !("output" in built)) throw new Error("the PDF worker was not built");
  return built.output[0].code;
}

function pdfWorker(): Plugin {
  return {
    name: "otv-pdf-worker",
    resolveId: (id) => (id === PDF_WORKER ? id : null),
    async load(id) {
      if (id !== PDF_WORKER) return null;
      return `export default ${JSON.stringify(await classicScript(PDF_WORKER_ENTRY))};`;
    },
  };
}

export default defineConfig({
  root: resolve(import.meta.dirname, "viewer"),
  publicDir: false,
  plugins: [pdfWorker(), pdfNotices(), integrity(), hashes()],
  build: {
    ...output,
    outDir: OUT_DIR,
    emptyOutDir: false,
    assetsDir: "assets/viewer", // what an opaque origin may load: otv_server/api/assets.py
    license: { fileName: "viewer-licenses.md" },
    rolldownOptions: { input: resolve(import.meta.dirname, "viewer/viewer.html") },
  },
});
