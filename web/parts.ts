/**
 * Parts of the page and of its viewer that are loaded only where they are needed, each a classic
 * script.
 *
 * `import()` can't say which digest it expects, a script element can. The page wants it for the same
 * reason as integrity attributes. The viewer's policy even names every script by its digest: WebKit
 * holds `'self'` to be the opaque origin of the frame, and so matched by nothing. So `import part
 * from "virtual:part/pdf"` gives the address and the digest of `viewer/pdf.ts`, built with all that
 * it imports; `viewer/parts.ts` loads it, and for the page `src/trusted.ts`.
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { build } from "vite";
import type { Plugin, PluginOption } from "vite";
import { output } from "./output.ts";

const PREFIX = "virtual:part/";

/** Where parts come from, below this folder, and where they go, below that of the page. */
export interface Places {
  sources: string;
  assets: string;
}

/** The code of `entry` and all that it imports, as one classic script that sets a global `name`. */
export async function classicScript(
  entry: string,
  name: string,
  plugins: PluginOption[],
): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "warn",
    plugins,
    build: {
      ...output,
      write: false,
      lib: { entry, formats: ["iife"], name, fileName: name },
      // A classic script has no URL of its own; nothing in here is loaded from beside it.
      rolldownOptions: { transform: { define: { "import.meta": "{}" } } },
    },
  });
  const [built] = Array.isArray(result) ? result : [result];
  if (!built || !("output" in built)) throw new Error(`${entry} was not built`);
  return built.output[0].code;
}

/** What stands for a part in the code that loads it. */
function describe(name: string, fileName: string, code: string): string {
  const integrity = `sha384-${createHash("sha384").update(code).digest("base64")}`;
  const part = { url: `/${fileName}`, integrity, global: globalOf(name) };
  return `export default ${JSON.stringify(part)};`;
}

function globalOf(name: string): string {
  return `otv_${name.replaceAll("-", "_")}`;
}

/** Builds the parts that are imported, with `plugins`, and puts them beside what imports them. */
export function parts({ sources, assets }: Places, plugins: PluginOption[]): Plugin {
  const built = new Map<string, string>();
  const plugin: Plugin = {
    name: "otv-parts",
    resolveId: (id) => (id.startsWith(PREFIX) ? id : null),
    async load(id) {
      if (!id.startsWith(PREFIX)) return null;
      const name = id.slice(PREFIX.length);
      const entry = resolve(import.meta.dirname, sources, `${name}.ts`);
      // A part may import parts: the map is one, whichever build fills it.
      const code = await classicScript(entry, globalOf(name), [...plugins, nested]);
      const hash = createHash("sha256").update(code).digest("hex").slice(0, 10);
      const fileName = `${assets}/${name}-${hash}.js`;
      built.set(fileName, code);
      return describe(name, fileName, code);
    },
  };
  const nested: Plugin = { ...plugin };
  return {
    ...plugin,
    generateBundle() {
      for (const [fileName, source] of built) {
        this.emitFile({ type: "asset", fileName, source });
      }
    },
  };
}
