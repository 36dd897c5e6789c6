/**
 * What of pdf.js its authors would load at run time, and this build packs in instead: the viewer
 * may not fetch, and has no WebAssembly.
 */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Plugin } from "vite";
import { classicScript } from "./parts.ts";

const PDFJS = resolve(import.meta.dirname, "node_modules/pdfjs-dist");

/** pdf.js's worker loads a decoder in plain JavaScript by a name that it puts together. */
const LOADING =
  /await import\(\s*(?:\/\*[^*]*\*\/\s*)*`\$\{[\w.#]+\}\$\{this\._noWasmFilename\}`\)/;
const DECODERS = `
import otvJbig2 from "${PDFJS}/wasm/jbig2_nowasm_fallback.js";
import otvOpenjpeg from "${PDFJS}/wasm/openjpeg_nowasm_fallback.js";
const otvDecoders = {
  "jbig2_nowasm_fallback.js": otvJbig2,
  "openjpeg_nowasm_fallback.js": otvOpenjpeg,
};
`;

const WORKER = "virtual:pdf-worker";
/** "legacy": with what the oldest browsers of this build's targets lack. */
const WORKER_ENTRY = `${PDFJS}/legacy/build/pdf.worker.mjs`;

/** pdf.js's worker as a string: where the viewer runs, a worker starts from a blob alone. */
export function pdfWorker(): Plugin {
  return {
    name: "otv-pdf-worker",
    resolveId: (id) => (id === WORKER ? id : null),
    async load(id) {
      if (id !== WORKER) return null;
      const code = await classicScript(WORKER_ENTRY, "pdfjsWorker", [pdfDecoders()]);
      return `export default ${JSON.stringify(code)};`;
    },
  };
}

/** Puts the decoders of scanned pages (fax, JBIG2, JPEG 2000) into the worker. */
function pdfDecoders(): Plugin {
  return {
    name: "otv-pdf-decoders",
    transform(code, id) {
      if (!id.includes("pdf.worker")) return null;
      if (!LOADING.test(code)) throw new Error("pdf.js loads its decoders in another way now");
      return DECODERS + code.replace(LOADING, "{ default: otvDecoders[this._noWasmFilename] }");
    },
  };
}

const NOTICES = [
  "LICENSE",
  "wasm/LICENSE_JBIG2",
  "wasm/LICENSE_PDFJS_JBIG2",
  "wasm/LICENSE_OPENJPEG",
  "wasm/LICENSE_PDFJS_OPENJPEG",
  "standard_fonts/LICENSE_FOXIT",
  "cmaps/LICENSE",
];

/** The licences of pdf.js, and of what stands beside it and a list of packages leaves out. */
export function pdfNotices(): Plugin {
  return {
    name: "otv-pdf-notices",
    apply: "build",
    async generateBundle() {
      const texts = await Promise.all(NOTICES.map((path) => readFile(`${PDFJS}/${path}`, "utf8")));
      const titled = texts.map((text, at) => `${NOTICES[at]}\n\n${text.trim()}\n`);
      const source = titled.join("\n---\n\n");
      this.emitFile({ type: "asset", fileName: "viewer-licenses.md", source });
    },
  };
}
