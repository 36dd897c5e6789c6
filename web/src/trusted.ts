/** All that this page's Trusted Types policy trusts: the URLs of its own workers and of its one part. */

import javaScriptPart from "virtual:part/javascript";
import { hasWebCrypto } from "./crypto";
import type { Builtin } from "./crypto";
import { LocalError } from "./errors";
import plainWorkerUrl from "./plain-worker.ts?worker&url";
import { SHARE_PATH, SHARE_WORKER_URL } from "./shared";
import workerUrl from "./worker.ts?worker&url";

/** What TypeScript has no types for yet. */
interface TrustedTypes {
  createPolicy(
    name: "otv",
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

const OURS: readonly string[] = [workerUrl, plainWorkerUrl, javaScriptPart.url, SHARE_WORKER_URL];

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy("otv", {
  createScriptURL(url) {
    if (!OURS.includes(url)) throw new TypeError("not the URL of a script of this page");
    return url;
  },
});

function trusted(url: string): string {
  return policy ? policy.createScriptURL(url) : url;
}

export function startWorker(): Worker {
  const url = hasWebCrypto() ? workerUrl : plainWorkerUrl;
  return new Worker(trusted(url), { type: "module" });
}

/**
 * Load the primitives in JavaScript, which most pages never need.
 *
 * @throws LocalError they can't be loaded, or are not those of this build.
 */
export async function loadJavaScript(): Promise<Builtin> {
  await run(javaScriptPart);
  const globals = globalThis as unknown as Record<string, { javaScript: Builtin } | undefined>;
  const loaded = globals[javaScriptPart.global];
  if (!loaded) throw new LocalError("worker");
  return loaded.javaScript;
}

function run({ url, integrity }: typeof javaScriptPart): Promise<void> {
  const script = document.createElement("script");
  script.integrity = integrity;
  script.src = trusted(url);
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => reject(new LocalError("worker")));
    document.head.append(script);
  });
}

/** Let the installed page take what other programs share with it (`share-worker.ts`). */
export async function registerShareWorker(): Promise<void> {
  const how = { scope: SHARE_PATH, updateViaCache: "none" } as const;
  await navigator.serviceWorker.register(trusted(SHARE_WORKER_URL), how);
}
