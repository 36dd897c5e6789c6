/**
 * The service worker of the installed page: it takes what other programs share, and nothing else.
 *
 * Its scope is `SHARE_PATH`, where there is no page, so no other request ever comes by here. It keeps
 * nothing: no cache, no database; what it holds is in memory, until the page takes it.
 */

import type { Shared } from "./shared";
import { SHARE_PATH, Shelf, addressOf, fromForm, left } from "./shared";

/** What TypeScript's types for pages leave out. */
interface ShareEvent extends Event {
  readonly request: Request;
  /** Of the page that the browser is on its way to. */
  readonly resultingClientId: string;
  respondWith(answer: Promise<Response>): void;
  waitUntil(done: Promise<unknown>): void;
}

interface ShareScope {
  readonly clients: { get(id: string): Promise<unknown> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: "install", listener: () => void): void;
  addEventListener(kind: "fetch", listener: (event: ShareEvent) => void): void;
  addEventListener(kind: "message", listener: (event: MessageEvent<unknown>) => void): void;
}

/** A page that takes longer to load, on a phone, is not coming. */
const HOLD_MS = 60_000;
const LOOK_EVERY_MS = 500;

const scope = globalThis as unknown as ShareScope;
const shelf = new Shelf();

scope.addEventListener("install", () => void scope.skipWaiting());

scope.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "POST" && new URL(url).pathname === SHARE_PATH) event.respondWith(held(event));
});

scope.addEventListener("message", ({ data, ports }) => {
  ports[0]?.postMessage(shelf.take(data));
});

async function held(event: ShareEvent): Promise<Response> {
  const id = event.resultingClientId;
  event.waitUntil(shelf.hold(id, await read(event.request), gone(id)));
  return Response.redirect(addressOf(id), 303);
}

async function read(request: Request): Promise<Shared> {
  try {
    return fromForm(await request.formData());
  } catch {
    return { files: [], text: "" }; // no form: what the page says of it is enough
  }
}

function gone(id: string): Promise<void> {
  const isThere = async (): Promise<boolean> => (await scope.clients.get(id)) !== undefined;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  return left(isThere, pause, HOLD_MS / LOOK_EVERY_MS);
}
