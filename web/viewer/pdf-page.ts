/** One page of a PDF as a picture, with its text beside it for those who hear it. */

import type { PDFDocumentProxy, PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { AnnotationMode } from "pdfjs-dist/legacy/build/pdf.mjs";
import { plain } from "../src/text/plain";
import { element } from "./dom";

/** What iOS gives one canvas; a larger page is drawn coarser. */
const MAX_CANVAS_PIXELS = 4096 * 4096;

/** Width and height in points of 1/72 inch, as the page is turned. */
export interface Size {
  width: number;
  height: number;
}

export interface DrawnPage {
  canvas: HTMLCanvasElement;
  text: string;
  size: Size;
  /** Gives back the memory of the canvas, and of what pdf.js keeps for the page. */
  release(): void;
}

export async function sizeOf(pdf: PDFDocumentProxy, page: number): Promise<Size> {
  const { width, height } = (await pdf.getPage(page)).getViewport({ scale: 1 });
  return { width, height };
}

/**
 * Draw page `number`, from 1.
 *
 * @param scale CSS pixels to a point
 * @throws whatever pdf.js throws: the page is damaged, or `signal` was aborted
 */
export async function drawPage(
  pdf: PDFDocumentProxy,
  number: number,
  scale: number,
  signal: AbortSignal,
): Promise<DrawnPage> {
  const page = await pdf.getPage(number);
  signal.throwIfAborted();
  const { width, height } = page.getViewport({ scale: 1 });
  const canvas = element("canvas");
  try {
    await paint(page, canvas, scale * sharpness(width * height * scale * scale), signal);
    const text = await textOf(page);
    const release = (): void => giveBack(page, canvas);
    return { canvas, text, size: { width, height }, release };
  } catch (error) {
    giveBack(page, canvas);
    throw error;
  }
}

/** Canvas pixels to a CSS pixel, for an area in CSS pixels. */
function sharpness(area: number): number {
  return Math.min(devicePixelRatio, Math.sqrt(MAX_CANVAS_PIXELS / area));
}

async function paint(
  page: PDFPageProxy,
  canvas: HTMLCanvasElement,
  scale: number,
  signal: AbortSignal,
): Promise<void> {
  const viewport = page.getViewport({ scale });
  canvas.width = Math.max(1, Math.floor(viewport.width));
  canvas.height = Math.max(1, Math.floor(viewport.height));
  // Annotations, and what was typed into a form, are drawn; nothing of them can be pressed.
  const task = page.render({ canvas, viewport, annotationMode: AnnotationMode.ENABLE });
  const cancel = (): void => task.cancel();
  signal.addEventListener("abort", cancel);
  try {
    await task.promise;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

async function textOf(page: PDFPageProxy): Promise<string> {
  const { items } = await page.getTextContent();
  const runs = items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : ""));
  return plain(runs.join(""));
}

/** A canvas keeps its pixels until it is collected, unless it has none. */
function giveBack(page: PDFPageProxy, canvas: HTMLCanvasElement): void {
  canvas.width = 0;
  canvas.height = 0;
  page.cleanup();
}
