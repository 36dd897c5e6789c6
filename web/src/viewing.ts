/**
 * The page's side of the viewer: hands one file into the frame, and passes on what comes out.
 *
 * The frame's document has an opaque origin, so a message can't be addressed to it by name: the
 * window that speaks must be the frame's own, and is handed the file once.
 */

import type { Report, Show, ViewerWords } from "./viewer-messages";
import { reportOf } from "./viewer-messages";
import type { Viewable } from "./viewable";
import { SNIFFED_BYTES, viewable } from "./viewable";

export const VIEWER_URL = "/viewer.html";

/** Scripts, and nothing else: no origin, no forms, no pop-ups, no downloads, no navigation. */
export const VIEWER_SANDBOX = "allow-scripts";

/** How long a viewer may take to say that it is there, in milliseconds. */
const SILENCE_MS = 20_000;

/** What the page learns of a preview: what the viewer reports, or that it says nothing. */
export type Told = Report | { type: "silent" };

/** A file that was opened; `blob` is a slice of what lies on the device. */
export interface ViewedFile {
  name: string;
  size: number;
  type: string;
  blob: Blob;
}

/** How a file can be shown, or null: it is for saving only. Reads its first bytes. */
export async function howToView(file: ViewedFile): Promise<Viewable | null> {
  const first = await file.blob.slice(0, SNIFFED_BYTES).arrayBuffer();
  return viewable(file.name, file.type, new Uint8Array(first));
}

/** What to say to a viewer so that it shows `file`. */
export function showing(file: ViewedFile, how: Viewable, words: ViewerWords): Show {
  return { type: "show", ...how, name: file.name, file: file.blob, words };
}

/**
 * Speak with the viewer in `frame` until the function that comes back is called.
 *
 * @param show handed in when the viewer first says that it is ready, and never again: a frame that
 *   loads anew has been made to, by something that it showed
 * @param told hears every report that passes the checks, in order
 * @param heard where messages arrive: the window
 */
export function converse(
  frame: Pick<HTMLIFrameElement, "contentWindow">,
  show: Show,
  told: (what: Told) => void,
  heard: Pick<EventTarget, "addEventListener" | "removeEventListener"> = window,
): () => void {
  let isReady = false;
  const silence = setTimeout(() => told({ type: "silent" }), SILENCE_MS);
  const hear = (event: Event): void => {
    const { source, data } = event as MessageEvent<unknown>;
    if (source === null || source !== frame.contentWindow) return;
    const report = reportOf(data);
    if (report === null || (report.type === "ready") === isReady) return;
    if (report.type === "ready") {
      isReady = true;
      clearTimeout(silence);
      frame.contentWindow.postMessage(show, "*");
    }
    told(report);
  };
  heard.addEventListener("message", hear);
  return () => {
    clearTimeout(silence);
    heard.removeEventListener("message", hear);
  };
}
