/** The share worker as a file of a fixed name: a service worker is known by its address. */

import { resolve } from "node:path";
import type { Plugin } from "vite";
import { classicScript } from "./parts.ts";

const NAME = "share-worker";

export function shareWorker(): Plugin {
  return {
    name: "otv-share-worker",
    async generateBundle() {
      const entry = resolve(import.meta.dirname, `src/${NAME}.ts`);
      const source = await classicScript(entry, "otv_share_worker", []);
      this.emitFile({ type: "asset", fileName: `${NAME}.js`, source });
    },
  };
}
