/** Loads a part of the viewer when it is needed (`../parts.ts` says why not by `import()`). */

import type pdf from "virtual:part/pdf";
import { Failure } from "./failure";
import { trusted } from "./trusted";

export type Part = typeof pdf;

/**
 * What the part exports; loaded once.
 *
 * @param T the type of the part's module
 * @throws Failure it can't be loaded, or isn't what this build knows
 */
export async function loadPart<T>(part: Part): Promise<T> {
  const globals = globalThis as unknown as Record<string, T | undefined>;
  const loaded = globals[part.global] ?? (await run(part), globals[part.global]);
  if (loaded === undefined) throw new Failure("unloaded");
  return loaded;
}

function run({ url, integrity }: Part): Promise<void> {
  const script = document.createElement("script");
  script.crossOrigin = "anonymous"; // an opaque origin may check only what it was allowed to read
  script.integrity = integrity;
  script.src = trusted(url);
  return new Promise((resolve, reject) => {
    script.onload = () => resolve();
    script.onerror = () => reject(new Failure("unloaded"));
    document.head.append(script);
  });
}
