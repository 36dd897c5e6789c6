/** What an address of the page means. Pure. */

import { sharedId } from "./shared";

/** Which view an address asks for. */
export type Place =
  | { kind: "send"; shared: string | null }
  | { kind: "open"; text: string }
  | { kind: "no_key"; id: string }
  | { kind: "escaped" };

/** @param address the whole address, `https://host/s/<id>#<fragment>`. */
export function placeOf(address: string): Place {
  const { pathname, hash } = new URL(address);
  if (!pathname.startsWith("/s/")) return { kind: "send", shared: sharedId(hash) };
  // A link scanner or a proxy wrote the # as %23, or two of them as %2523: then the secret stands
  // in the path, and a server has seen it (protocol section 2).
  if (/%(?:25)*23/.test(pathname)) return { kind: "escaped" };
  if (hash.length <= 1) return { kind: "no_key", id: pathname.slice("/s/".length) };
  return { kind: "open", text: address };
}

/** The address without its fragment, for the history once the secret has done its work. */
export function withoutFragment(address: string): string {
  return address.replace(/#.*$/s, "");
}

/** Where `otv-server` speaks TLS on a local network, unless it is told otherwise. */
const TLS_PORT = "8443";

/**
 * The same address over TLS, as far as it can be known: on the port of TLS where this one is that of
 * plain HTTP, else on that of `otv-server`.
 */
export function secureAddress(address: string): string {
  const url = new URL(address);
  const port = url.port === "" ? "" : TLS_PORT;
  url.protocol = "https:";
  url.port = port;
  return url.href;
}
