/** What the viewer tells the page that holds it. */

import type { Report } from "../src/viewer-messages";

/** `location.origin` is that of the address, which the page shares; our own origin is opaque. */
export function tell(report: Report): void {
  parent.postMessage(report, location.origin);
}

let toldHeight = -1;

/** Tells the height that the content would like, in CSS pixels, where it changed. */
export function tellHeight(pixels: number): void {
  const height = Math.min(100_000, Math.max(0, Math.ceil(pixels)));
  if (height !== toldHeight) tell({ type: "height", height });
  toldHeight = height;
}

/** Tells the height of what grows by itself, whatever the frame's own height is. */
export function tellHeightOf(content: Element): void {
  new ResizeObserver(() => tellHeight(content.getBoundingClientRect().height)).observe(content);
}
