/**
 * What the page and the sandboxed viewer say to each other, and the checks of both sides.
 *
 * In goes one `Show`, once; out come `Report`s, of which none can carry a file's content. The page
 * trusts the viewer with nothing: whoever takes it over by a file can tell it a height.
 */

import type { Kind } from "./viewable";

/** The words inside the frame. `{…}` is filled in there. */
export interface ViewerWords {
  /** BCP 47, for the document. */
  lang: string;
  source: string;
  cut: string;
  empty: string;
  content: string;
  actualSize: string;
  fitWindow: string;
  zoomIn: string;
  zoomOut: string;
  fitWidth: string;
  previous: string;
  next: string;
  /** `{page}`, `{count}` */
  page: string;
  pageFailed: string;
  tools: string;
}

/** To the viewer: show this. A `Blob` goes by reference; its bytes are read where they lie. */
export interface Show {
  type: "show";
  kind: Kind;
  /** What decoders are told that it is; `viewable` chose it. */
  mime: string;
  name: string;
  file: Blob;
  words: ViewerWords;
}

/** Why a file isn't shown; `silent` is the page's own word. */
export type FailureCode =
  | "broken" // damaged, or something else than it says
  | "unsupported" // of a kind that this browser doesn't play
  | "large" // too many pixels
  | "password" // a PDF with one of its own
  | "unreadable" // the device no longer gives its bytes
  | "unloaded" // a part of the viewer didn't come
  | "silent"; // the viewer didn't start
export type ViewerFailure = Exclude<FailureCode, "silent">;

/** From the viewer. */
export type Report =
  | { type: "ready" }
  /** The height that the content would like, in CSS pixels. */
  | { type: "height"; height: number }
  | { type: "pages"; count: number }
  | { type: "failed"; code: ViewerFailure }
  /** Escape was pressed inside the frame. */
  | { type: "leave" };

const KINDS: readonly string[] = ["text", "source", "image", "audio", "video", "pdf"];
const FAILURES: readonly string[] = [
  "broken",
  "unsupported",
  "large",
  "password",
  "unreadable",
  "unloaded",
];
/** More than any screen, less than what upsets a layout. */
const MAX_HEIGHT = 100_000;
const MAX_PAGES = 1_000_000;

/** A message from the viewer as a report, rebuilt from what was checked; null for anything else. */
export function reportOf(data: unknown): Report | null {
  if (!isRecord(data)) return null;
  const { type, height, count, code } = data;
  switch (type) {
    case "ready":
    case "leave":
      return { type };
    case "height":
      return isWhole(height, MAX_HEIGHT) ? { type, height } : null;
    case "pages":
      return isWhole(count, MAX_PAGES) ? { type, count } : null;
    case "failed":
      return isViewerFailure(code) ? { type, code } : null;
    default:
      return null;
  }
}

/** A message from the page as what to show; null for anything else. */
export function showOf(data: unknown): Show | null {
  if (!isRecord(data) || data["type"] !== "show") return null;
  const { kind, mime, name, file, words } = data;
  if (!isKind(kind) || typeof mime !== "string" || typeof name !== "string") return null;
  if (!(file instanceof Blob) || !areWords(words)) return null;
  return { type: "show", kind, mime, name, file, words };
}

/** A template's `{…}` replaced by values of those names. */
export function filled(template: string, values: Readonly<Record<string, number>>): string {
  return template.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null;
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

export function isViewerFailure(value: unknown): value is ViewerFailure {
  return typeof value === "string" && FAILURES.includes(value);
}

function isKind(value: unknown): value is Kind {
  return typeof value === "string" && KINDS.includes(value);
}

/** Our own page's words, so their number isn't in doubt, only that no value is something else. */
function areWords(value: unknown): value is ViewerWords {
  return isRecord(value) && Object.values(value).every((word) => typeof word === "string");
}
