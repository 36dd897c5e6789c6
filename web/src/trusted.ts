/** The one thing that this page's Trusted Types policy trusts: the URL of its own worker. */

import workerUrl from "./worker.ts?worker&url";

/** What TypeScript has no types for yet. */
interface TrustedTypes {
  createPolicy(
    name: "otv",
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy("otv", {
  createScriptURL(url) {
    if (url !== workerUrl) throw new TypeError("not the URL of this page's worker");
    return url;
  },
});

export function startWorker(): Worker {
  return new Worker(policy ? policy.createScriptURL(workerUrl) : workerUrl, { type: "module" });
}
