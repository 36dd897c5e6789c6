/**
 * The licences of the packages that a build packs in, as their authors ask.
 *
 * Vite's own list leaves out what only a worker imports; this one is told by both builds.
 */

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "vite";

const PACKAGE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * @returns `noted` for the page's build and, as a function, for its workers'; `written` for the
 *   page's build, whose last step it is to write the list.
 */
export function licenses(fileName: string): { noted: () => Plugin; written: Plugin } {
  const folders = new Set<string>();
  const noted = (): Plugin => ({
    name: "otv-licenses-noted",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        const modules = file.type === "chunk" ? file.moduleIds : [];
        for (const id of modules) {
          const folder = PACKAGE.exec(id)?.[1];
          if (folder) folders.add(folder);
        }
      }
    },
  });
  const written: Plugin = {
    name: "otv-licenses-written",
    async generateBundle() {
      const notices = await Promise.all([...folders].toSorted().map(notice));
      this.emitFile({ type: "asset", fileName, source: notices.join("\n") });
    },
  };
  return { noted, written };
}

async function notice(folder: string): Promise<string> {
  const described = await readFile(join(folder, "package.json"), "utf8");
  const { name, version, license } = JSON.parse(described) as Record<string, string>;
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`${name} has no licence`);
  const text = await readFile(join(folder, file), "utf8");
  return `## ${name} ${version} (${license})\n\n${text.trim()}\n`;
}
