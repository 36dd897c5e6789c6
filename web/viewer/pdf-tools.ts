/** The tools above a PDF's pages, and the keys that do the same. */

import type { ViewerWords } from "../src/viewer-messages";
import { filled } from "../src/viewer-messages";
import { element, iconButton } from "./dom";
import type { Pages } from "./pdf-pages";

export function toolsFor(pages: Pages, words: ViewerWords): HTMLElement {
  const place = element("output", {});
  pages.moved = (page, count) => {
    place.textContent = filled(words.page, { page, count });
  };
  const tools = element(
    "div",
    { className: "tools" },
    iconButton("minus", words.zoomOut, () => pages.zoom(-1)),
    iconButton("plus", words.zoomIn, () => pages.zoom(1)),
    iconButton("width", words.fitWidth, () => pages.fit()),
    place,
    iconButton("up", words.previous, () => pages.turn(-1)),
    iconButton("down", words.next, () => pages.turn(1)),
  );
  tools.setAttribute("role", "toolbar");
  tools.setAttribute("aria-label", words.tools);
  listen(pages);
  return tools;
}

/** Keys work wherever the focus is in the frame, also on a button of the tools. */
function listen(pages: Pages): void {
  const deeds: Readonly<Record<string, () => void>> = {
    "+": () => pages.zoom(1),
    "=": () => pages.zoom(1),
    "-": () => pages.zoom(-1),
    "0": () => pages.fit(),
    PageDown: () => pages.scrollScreens(1),
    PageUp: () => pages.scrollScreens(-1),
    Home: () => pages.scrollScreens(-Infinity),
    End: () => pages.scrollScreens(Infinity),
  };
  addEventListener("keydown", (event) => {
    const deed = deeds[event.key];
    // With these the key is the browser's: its own zoom, its own tabs.
    if (!deed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    deed();
  });
}
