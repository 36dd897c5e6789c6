/** A PDF: its pages below one another, a row of tools, and keys. */

import type { Show } from "../src/viewer-messages";
import { element } from "./dom";
import type { Failure } from "./failure";
import { tell, tellHeight } from "./parent";
import type { Lent } from "./pdf-document";
import { openPdf } from "./pdf-document";
import { Pages } from "./pdf-pages";
import { toolsFor } from "./pdf-tools";

export async function showPdf(show: Show, stage: HTMLElement, lent: Lent): Promise<void> {
  const failed = ({ code }: Failure): void => tell({ type: "failed", code });
  const pdf = await openPdf(show.file, lent, failed);
  tell({ type: "pages", count: pdf.numPages });
  const scroller = element("section", { tabIndex: 0 });
  scroller.setAttribute("aria-label", show.words.content);
  const pages = new Pages(pdf, show.words, scroller);
  const tools = toolsFor(pages, show.words);
  stage.append(tools, scroller);
  await pages.start();
  tellHeight(scroller.scrollHeight + tools.offsetHeight);
}
