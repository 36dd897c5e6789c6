/**
 * The viewer: shows one file, handed in by the page, in a frame of opaque origin.
 *
 * Whatever the file does to what decodes it happens here: without the page's origin, storage or
 * network, and with nothing to tell the page but a few numbers (`viewer-messages.ts`).
 */

import pdfPart from "virtual:part/pdf";
import type { Show } from "../src/viewer-messages";
import { showOf } from "../src/viewer-messages";
import { reasonOf } from "./failure";
import { showImage } from "./image";
import { showMedia } from "./media";
import { tell } from "./parent";
import { loadPart } from "./parts";
import { showText } from "./text";
import { trusted } from "./trusted";
import css from "./viewer.css?inline";

/** Puts what is shown into `stage`. */
function present(show: Show, stage: HTMLElement): Promise<void> {
  switch (show.kind) {
    case "text":
    case "source":
      return showText(show, stage);
    case "image":
      return showImage(show, stage);
    case "audio":
    case "video":
      return showMedia(show, stage);
    case "pdf":
      return loadPart<typeof import("./pdf")>(pdfPart).then(({ showPdf }) =>
        showPdf(show, stage, { loadPart, trusted }),
      );
  }
}

async function start(show: Show): Promise<void> {
  document.documentElement.lang = show.words.lang;
  document.body.className = show.kind;
  try {
    await present(show, document.body);
  } catch (error) {
    document.body.replaceChildren();
    tell({ type: "failed", code: reasonOf(error) });
  }
}

let isStarted = false;

addEventListener("message", ({ source, origin, data }: MessageEvent<unknown>) => {
  if (source !== parent || parent === window || origin !== location.origin || isStarted) return;
  const show = showOf(data);
  if (show === null) return;
  isStarted = true;
  void start(show);
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) tell({ type: "leave" });
});

/** A constructed sheet: the viewer's policy allows no other. */
function adoptSheet(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
}

adoptSheet();
if (parent !== window) tell({ type: "ready" });
