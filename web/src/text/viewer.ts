/** The words of the preview: those of its frame, which go in by message, and those around it. */

import type { FailureCode, ViewerWords } from "../viewer-messages";

export interface PreviewWords {
  close: string;
  /** The frame's name for a screen reader. */
  frame: (name: string) => string;
  loading: string;
  pages: (count: number) => string;
  failures: Record<FailureCode, string>;
  viewer: ViewerWords;
}

export const preview: PreviewWords = {
  close: "Close",
  frame: (name) => `Preview of ${name}`,
  loading: "Getting the preview ready…",
  pages: (count) => (count === 1 ? "1 page" : `${count.toLocaleString("en-GB")} pages`),
  failures: {
    broken: "This file can’t be shown. It is damaged, or isn’t what its name says.",
    unsupported:
      "This browser can’t play this file. It is damaged, or of a kind that it doesn’t know.",
    large: "This picture has too many pixels to be shown safely here.",
    password: "This PDF has a password of its own, so it can’t be shown here.",
    unreadable: "This browser can no longer read the file.",
    unloaded: "The preview didn’t load. Check your connection, close this and try again.",
    silent: "The preview didn’t start. Close this and try again.",
  },
  viewer: {
    lang: "en",
    source: "Shown as source, so that nothing in it can run.",
    cut: "Only the beginning of this file is shown.",
    empty: "This file is empty.",
    content: "Content of the file",
    actualSize: "Actual size",
    fitWindow: "Fit to window",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    fitWidth: "Fit to width",
    previous: "Previous page",
    next: "Next page",
    page: "Page {page} of {count}",
    pageFailed: "This page can’t be shown.",
    tools: "Page and zoom",
  },
};
