/**
 * Subresource integrity for what an HTML file loads, computed over the bytes as written.
 *
 * Vite offers none. Every script and style that a built HTML file names gets
 * `integrity="sha384-…"`; a reference that this can't resolve to a written file ends the build, so
 * that nothing is ever served without.
 */

import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { Plugin, ResolvedConfig } from "vite";

const REFERENCE = /<(script|link)\b[^>]*?\b(?:src|href)="\/([^"]+)"[^>]*>/g;

async function sealed(html: string, outDir: string): Promise<string> {
  const digests = new Map<string, string>();
  for (const [tag, kind, path] of html.matchAll(REFERENCE)) {
    if (kind === "link" && !tag.includes('rel="stylesheet"')) continue;
    const bytes = await readFile(join(outDir, path ?? ""));
    const digest = createHash("sha384").update(bytes).digest("base64");
    digests.set(tag, tag.replace(/>$/, ` integrity="sha384-${digest}">`));
  }
  return html.replaceAll(REFERENCE, (tag) => digests.get(tag) ?? tag);
}

function folderOf(config: ResolvedConfig): string {
  return resolve(config.root, config.build.outDir);
}

/** Adds integrity attributes to the HTML files of a build. */
export function integrity(): Plugin {
  let outDir = "";
  return {
    name: "otv-integrity",
    apply: "build",
    configResolved(config) {
      outDir = folderOf(config);
    },
    async writeBundle(_options, bundle) {
      for (const name of Object.keys(bundle).filter((each) => each.endsWith(".html"))) {
        const path = join(outDir, name);
        await writeFile(path, await sealed(await readFile(path, "utf8"), outDir));
      }
    },
  };
}

/** Writes `hashes.json`: the SHA-256 of every file of the page, for comparing a served page. */
export function hashes(): Plugin {
  let outDir = "";
  return {
    name: "otv-hashes",
    apply: "build",
    configResolved(config) {
      outDir = folderOf(config);
    },
    async closeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      const paths = entries
        .filter((entry) => entry.isFile() && entry.name !== "hashes.json")
        .map((entry) => relative(outDir, join(entry.parentPath, entry.name)))
        .toSorted();
      const listed: Record<string, string> = {};
      for (const path of paths) {
        const bytes = await readFile(join(outDir, path));
        listed[path] = createHash("sha256").update(bytes).digest("hex");
      }
      await writeFile(join(outDir, "hashes.json"), `${JSON.stringify(listed, null, 1)}\n`);
    },
  };
}
