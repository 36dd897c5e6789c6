/**
 * The pages of a PDF below one another, zoomed and scrolled; the easel draws those that are near.
 *
 * Every page has a box of its size from the start, so that the scroll bar is honest. A page that
 * was never near is taken to be as large as the first.
 */

import type { PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import type { ViewerWords } from "../src/viewer-messages";
import { filled } from "../src/viewer-messages";
import { element } from "./dom";
import { Easel } from "./easel";
import type { DrawnPage, Size } from "./pdf-page";
import { drawPage, sizeOf } from "./pdf-page";

/** CSS pixels to a point of 1/72 inch. */
const CSS_UNITS = 96 / 72;
const ZOOM_STEP = 1.25;
const MIN_SCALE = 0.2 * CSS_UNITS;
const MAX_SCALE = 6 * CSS_UNITS;
/** A page that fits is no larger than this, on a wide screen. */
const MAX_FITTED_SCALE = 1.4 * CSS_UNITS;
/** What a page that fits leaves free at both sides together, in CSS pixels. */
const MARGINS = 16;
/** Of the height of a screen: a little of the last one stays, for the eye. */
const SCREEN = 0.9;

export class Pages {
  /** Told which page is in the middle, from 1, and of how many. */
  moved: (page: number, count: number) => void = () => {};

  readonly #pdf: PDFDocumentProxy;
  readonly #words: ViewerWords;
  readonly #scroller: HTMLElement;
  readonly #easel: Easel<DrawnPage>;
  readonly #boxes: HTMLElement[];
  #first: Size = { width: 612, height: 792 };
  #current = 1;
  #scale = CSS_UNITS;
  #isFitted = true;

  constructor(pdf: PDFDocumentProxy, words: ViewerWords, scroller: HTMLElement) {
    this.#pdf = pdf;
    this.#words = words;
    this.#scroller = scroller;
    this.#easel = new Easel({
      draw: (page, scale, signal) => drawPage(pdf, page, scale, signal),
      show: (page, drawn) => this.#show(page, drawn),
      fail: (page) => this.#boxOf(page).replaceChildren(element("p", {}, words.pageFailed)),
      clear: (page) => this.#boxOf(page).replaceChildren(),
    });
    this.#boxes = Array.from({ length: pdf.numPages }, (_, at) => this.#newBox(at + 1));
  }

  /** Lays out the pages in the document. */
  async start(): Promise<void> {
    this.#first = await sizeOf(this.#pdf, 1);
    for (const box of this.#boxes) setSize(box, this.#first);
    this.#scroller.append(...this.#boxes);
    this.#rescale(this.#fittedScale());
    // A line across the middle: the page that it crosses is the one that is looked at. It is told
    // of first, so that after a jump this page is drawn first.
    this.#watch("-50% 0px", (page, isCrossed) => isCrossed && this.#look(page));
    this.#watch("100% 0px", (page, isNear) =>
      isNear ? this.#easel.come(page) : this.#easel.go(page),
    );
    new ResizeObserver(() => this.#isFitted && this.#rescale(this.#fittedScale())).observe(
      this.#scroller,
    );
    this.#look(1);
  }

  /** One step larger (1) or smaller (-1). */
  zoom(steps: 1 | -1): void {
    this.#isFitted = false;
    this.#rescale(this.#scale * ZOOM_STEP ** steps);
  }

  /** As wide as the frame, and so it stays. */
  fit(): void {
    this.#isFitted = true;
    this.#rescale(this.#fittedScale());
  }

  /** To the next page (1), or the one before (-1). */
  turn(by: 1 | -1): void {
    const page = Math.min(this.#boxes.length, Math.max(1, this.#current + by));
    this.#scroller.scrollTo({ top: this.#boxOf(page).offsetTop - MARGINS / 2 });
    this.#look(page);
  }

  /** By so many screens, up where negative; infinite: to the end. */
  scrollScreens(screens: number): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    const top = scrollTop + screens * clientHeight * SCREEN;
    this.#scroller.scrollTo({ top: Math.min(scrollHeight, Math.max(0, top)) });
  }

  #newBox(page: number): HTMLElement {
    const box = element("div", { className: "page" });
    box.dataset["page"] = String(page);
    box.setAttribute("role", "group");
    box.setAttribute(
      "aria-label",
      filled(this.#words.page, { page, count: this.#pdf.numPages }),
    );
    return box;
  }

  #boxOf(page: number): HTMLElement {
    const box = this.#boxes[page - 1];
    if (!box) throw new RangeError(`no page ${page}`);
    return box;
  }

  #show(page: number, { canvas, text, size }: DrawnPage): void {
    const box = this.#boxOf(page);
    setSize(box, size);
    canvas.setAttribute("aria-hidden", "true");
    box.replaceChildren(canvas, element("p", { className: "unseen" }, text));
  }

  #look(page: number): void {
    this.#current = page;
    this.#easel.look(page);
    this.moved(page, this.#boxes.length);
  }

  #fittedScale(): number {
    const scale = (this.#scroller.clientWidth - MARGINS) / this.#first.width;
    return Math.min(MAX_FITTED_SCALE, scale);
  }

  /** What stands at the top stays there, and across what stands in the middle. */
  #rescale(wanted: number): void {
    const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, wanted));
    const [across, down] = placeOf(this.#scroller);
    this.#scale = scale;
    this.#scroller.style.setProperty("--scale", String(scale));
    moveTo(this.#scroller, across, down);
    this.#easel.rescale(scale);
  }

  /** Tells each page as it comes into the scroller, grown by `margin`, or leaves it. */
  #watch(margin: string, tell: (page: number, isInside: boolean) => void): void {
    // The margin works against an element of this document, not against a viewport elsewhere.
    const options = { root: this.#scroller, rootMargin: margin };
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        tell(Number((target as HTMLElement).dataset["page"]), isIntersecting);
      }
    }, options);
    for (const box of this.#boxes) observer.observe(box);
  }
}

function setSize(box: HTMLElement, { width, height }: Size): void {
  box.style.setProperty("--width", String(width));
  box.style.setProperty("--height", String(height));
}

/** Where the middle and the top of what is seen lie in the whole, from 0 to 1. */
function placeOf(scroller: HTMLElement): [across: number, down: number] {
  const { scrollLeft, scrollTop, clientWidth, scrollWidth, scrollHeight } = scroller;
  return [(scrollLeft + clientWidth / 2) / scrollWidth, scrollTop / scrollHeight];
}

function moveTo(scroller: HTMLElement, across: number, down: number): void {
  const { clientWidth, scrollWidth, scrollHeight } = scroller;
  scroller.scrollTo(across * scrollWidth - clientWidth / 2, down * scrollHeight);
}
