/** A picture: fitted to the frame, or in its own size. */

import type { Show } from "../src/viewer-messages";
import { element } from "./dom";
import { Failure } from "./failure";
import { tellHeight } from "./parent";

/** Decoded, half a gigabyte: above what phones photograph, below what takes a tab down. */
const MAX_PIXELS = 128 * 1024 * 1024;

export async function showImage(show: Show, stage: HTMLElement): Promise<void> {
  const image = await loaded(show);
  const scroller = element("section", { tabIndex: 0 }, image);
  scroller.setAttribute("aria-label", show.words.content);
  const toggle = sizeToggle(show, stage, scroller);
  stage.append(scroller, element("div", { className: "tools" }, toggle));
  image.onclick = () => toggle.click();
  const settle = (): void => {
    const isScaled = image.naturalWidth > innerWidth || image.naturalHeight > innerHeight;
    stage.classList.toggle("scaled", isScaled);
    tellHeight(wantedHeight(image));
  };
  addEventListener("resize", settle);
  settle();
}

/** Decoded, so that what is damaged is told, and only after its size was found bearable. */
async function loaded({ file, mime, name }: Show): Promise<HTMLImageElement> {
  const image = element("img", { alt: name, draggable: false });
  // Our own word for what it is: with the sender's it might be an SVG, which is a document.
  image.src = URL.createObjectURL(file.slice(0, file.size, mime));
  await new Promise<void>((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Failure("broken"));
  });
  if (image.naturalWidth * image.naturalHeight > MAX_PIXELS) throw new Failure("large");
  await image.decode().catch(() => {
    throw new Failure("broken");
  });
  return image;
}

function sizeToggle({ words }: Show, stage: HTMLElement, scroller: HTMLElement): HTMLElement {
  const button = element("button", { type: "button" }, words.actualSize);
  button.onclick = () => {
    const isActual = stage.classList.toggle("actual");
    button.textContent = isActual ? words.fitWindow : words.actualSize;
    // In its own size the middle shows first, as it did when fitted.
    scroller.scrollTo(
      (scroller.scrollWidth - scroller.clientWidth) / 2,
      (scroller.scrollHeight - scroller.clientHeight) / 2,
    );
  };
  return button;
}

/** As high as it would be at the frame's width; never the frame's own height, which follows. */
function wantedHeight({ naturalWidth, naturalHeight }: HTMLImageElement): number {
  return naturalHeight * Math.min(1, innerWidth / naturalWidth);
}
