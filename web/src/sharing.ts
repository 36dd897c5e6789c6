/** The page's side of the share worker: it is there once the page is installed, and is asked once. */

import type { Shared } from "./shared";
import { SHARE_PATH, readShared } from "./shared";
import { registerShareWorker } from "./trusted";

const ANSWER_MS = 10_000;

/**
 * Have the share worker in browsers in which the page is installed, and in no others: whoever only
 * visits keeps nothing of it.
 *
 * @param isInstalled for certain: something was shared with it.
 */
export function prepareSharing(isInstalled: boolean): void {
  if (!("serviceWorker" in navigator)) return; // plain HTTP
  // Without a certificate that the browser trusts it fails; then the page can't be installed either.
  const register = (): void => void registerShareWorker().catch(() => {});
  if (isInstalled || matchMedia("(display-mode: standalone)").matches) register();
  addEventListener("appinstalled", register);
}

/** What is held under an id, handed over once; null where there is nothing any more. */
export async function takeShared(id: string): Promise<Shared | null> {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  const worker = (await serviceWorker?.getRegistration(SHARE_PATH))?.active;
  if (!worker || id === "") return null;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener("message", ({ data }) => resolve(readShared(data)));
    port1.start();
    setTimeout(() => resolve(null), ANSWER_MS);
    worker.postMessage(id, [port2]);
  });
}
