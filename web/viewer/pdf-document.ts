/**
 * A PDF as pdf.js reads it: in a worker, slice by slice, and without any of what could run or ask.
 *
 * No script of a PDF runs: its interpreter isn't part of this build, and no form or link becomes an
 * element. Nothing is fetched: what pdf.js would load stands in this chunk, or is done without.
 */

import type { PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import {
  PDFDataRangeTransport,
  PDFWorker,
  VerbosityLevel,
  getDocument,
} from "pdfjs-dist/legacy/build/pdf.mjs";
import dingbats from "pdfjs-dist/standard_fonts/FoxitDingbats.pfb?url&inline";
import symbol from "pdfjs-dist/standard_fonts/FoxitSymbol.pfb?url&inline";
import mapsPart from "virtual:part/pdf-maps";
import workerSource from "virtual:pdf-worker";
import { Failure } from "./failure";
import type { loadPart } from "./parts";
import type { trusted } from "./trusted";

/** What the viewer has once, and lends to its parts: a policy can't be made twice. */
export interface Lent {
  loadPart: typeof loadPart;
  trusted: typeof trusted;
}

/** One read of the file: a page of text needs one or two. */
const CHUNK_BYTES = 256 * 1024;
/** In pixels. Decoded, half a gigabyte, as for a picture of its own. */
const MAX_IMAGE_PIXELS = 128 * 1024 * 1024;

/** The two standard fonts that no system has under a name of its own. */
const FONTS: Readonly<Record<string, string>> = {
  "FoxitDingbats.pfb": dingbats,
  "FoxitSymbol.pfb": symbol,
};

/**
 * @param failed told when the file can't be read any more, or its worker gave up, at any time
 * @throws Failure it is damaged, or locked with a password
 */
export async function openPdf(
  file: Blob,
  lent: Lent,
  failed: (why: Failure) => void,
): Promise<PDFDocumentProxy> {
  const task = getDocument({
    range: new BlobRange(file, failed),
    rangeChunkSize: CHUNK_BYTES,
    disableAutoFetch: true,
    disableStream: true,
    worker: PDFWorker.create({ port: startWorker(lent, failed) }),
    verbosity: VerbosityLevel.ERRORS,
    maxImageSize: MAX_IMAGE_PIXELS,
    enableXfa: false,
    useWasm: false,
    useWorkerFetch: false,
    // Drawing in a worker takes a second worker's code; a page takes milliseconds here.
    disableWorkerRendering: true,
    BinaryDataFactory: enclosed(lent),
  });
  return task.promise.catch((error: unknown) => {
    throw new Failure(isPasswordException(error) ? "password" : "broken");
  });
}

/** In an opaque origin a worker starts from a blob alone, as a classic script. */
function startWorker({ trusted }: Lent, failed: (why: Failure) => void): Worker {
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(trusted(url));
  URL.revokeObjectURL(url);
  worker.onerror = () => failed(new Failure("broken"));
  return worker;
}

function isPasswordException(error: unknown): boolean {
  return error instanceof Error && error.name === "PasswordException";
}

/** Reads what pdf.js asks for, and no more: a large file is never in memory as a whole. */
class BlobRange extends PDFDataRangeTransport {
  readonly #file: Blob;
  readonly #failed: (why: Failure) => void;

  constructor(file: Blob, failed: (why: Failure) => void) {
    super(file.size, null);
    this.#file = file;
    this.#failed = failed;
  }

  override requestDataRange(begin: number, end: number): void {
    this.#file
      .slice(begin, end)
      .arrayBuffer()
      .then(
        (buffer) => this.onDataRange(begin, new Uint8Array(buffer)),
        () => this.#failed(new Failure("unreadable")),
      );
  }
}

/** What pdf.js would fetch, from what is here. Other fonts are the system's. */
function enclosed({ loadPart }: Lent): new () => { fetch(wanted: Wanted): Promise<Uint8Array> } {
  return class {
    async fetch({ filename }: Wanted): Promise<Uint8Array> {
      const found = FONTS[filename] ?? (await mapOf(filename, loadPart));
      if (found === undefined) throw new Error(`not enclosed: ${filename}`);
      return bytesOf(found);
    }
  };
}

interface Wanted {
  filename: string;
}

async function mapOf(filename: string, load: Lent["loadPart"]): Promise<string | undefined> {
  if (!filename.endsWith(".bcmap")) return undefined;
  const { MAPS } = await load<typeof import("./pdf-maps")>(mapsPart);
  return MAPS[`../node_modules/pdfjs-dist/cmaps/${filename}`];
}

function bytesOf(dataUrl: string): Uint8Array {
  const base64 = dataUrl.slice(dataUrl.indexOf(",") + 1);
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
