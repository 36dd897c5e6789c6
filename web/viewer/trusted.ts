/** The one place where a text becomes the address of a script (Trusted Types). */

/** What TypeScript's DOM doesn't declare yet; Safari before 26 has none of it. */
interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;

const policy = policies?.createPolicy("otv-viewer", {
  createScriptURL(url) {
    if (!/^(?:blob:|\/assets\/viewer\/)/.test(url)) throw new TypeError("not a script of our own");
    return url;
  },
});

/** The address of a blob or of a part, as the policy lets scripts and workers have it. */
export function trusted(url: string): string {
  return policy?.createScriptURL(url) ?? url;
}
