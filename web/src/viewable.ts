/**
 * Which kind of view a file gets: pure, from what it says it is and how it begins.
 *
 * The declared kind decides alone how a file is shown, inside the sandbox; its first bytes can only
 * take that away. So a file that is valid as two things is shown as the one that it names, and a
 * document that a browser would render is text here, whatever else it is valid as.
 */

/** `source` is text that a browser would render or run, shown as it is written. */
export type Kind = "text" | "source" | "image" | "audio" | "video" | "pdf";

/** How a file is shown. */
export interface Viewable {
  kind: Kind;
  /** What the browser's decoders are told that it is; our own word, never the sender's. */
  mime: string;
}

/** How many bytes from its start `viewable` wants to see of a file. */
export const SNIFFED_BYTES = 4096;

const PLAIN = "text/plain";
/** PDF readers allow for something before the header, within the first kilobyte. */
const PDF_HEADER_WITHIN = 1024;

const SOURCE_EXTENSIONS = words(`
  htm html xhtml xht shtml hta mht mhtml svg xml xsl xslt xsd dtd rss atom rdf kml gpx wsdl xul
  js mjs cjs jsx css`);
const TEXT_EXTENSIONS = words(`
  txt text md markdown rst tex log csv tsv json jsonl ndjson yaml yml toml ini cfg conf env
  properties pem crt key pub asc eml ics vcf srt vtt sql sh bash zsh ps1 bat cmd py rb pl php java
  kt c h cc cpp hpp cs go rs swift lua r ts tsx diff patch`);
const IMAGE_EXTENSIONS = words("png apng jpg jpeg jpe jfif gif webp avif bmp");
const AUDIO_EXTENSIONS = words("mp3 m4a aac wav wave oga ogg opus flac weba");
const VIDEO_EXTENSIONS = words("mp4 m4v mov webm ogv mkv 3gp 3g2");

/** Types of `text/` and `application/` that a browser renders as a document, or runs. */
const SOURCE_TYPE = new RegExp(
  [
    "(?:text|application)/(?:html|xml|xsl|(?:x-)?javascript|ecmascript)",
    "text/css",
    "[^/]+/[^/]+\\+xml",
    "multipart/related",
    "message/rfc822",
  ]
    .map((type) => `^${type}$`)
    .join("|"),
);
const TEXT_TYPE = /^(?:text\/.+|application\/(?:json|yaml|toml|sql|x-sh|pgp-.+|pem-.+)|.+\+json)$/;
/** What browsers call files that hold something else under the same extension: TypeScript. */
const MISLEADING_TYPE = "video/mp2t";

/**
 * How to show a file, or null where it can only be saved.
 *
 * @param name its name, folders included
 * @param type its declared type, `type/subtype`, or empty
 * @param first its first `SNIFFED_BYTES` bytes, or all of it
 */
export function viewable(name: string, type: string, first: Uint8Array): Viewable | null {
  const declared = declaredKind(extensionOf(name), type.toLowerCase());
  switch (declared) {
    case "text":
    case "source":
      return { kind: declared, mime: PLAIN };
    case null:
      return looksLikeText(first) ? { kind: textOrSource(first), mime: PLAIN } : null;
    default:
      return withMime(declared, mimeOf(declared, first));
  }
}

function withMime(kind: Kind, mime: string | null): Viewable | null {
  return mime === null ? null : { kind, mime };
}

/** A document by its type or by its name is a document; otherwise the type goes first. */
function declaredKind(extension: string, type: string): Kind | null {
  const byName = kindOfExtension(extension);
  const byType = kindOfType(type);
  if (byName === "source" || byType === "source") return "source";
  return byType ?? byName;
}

function kindOfType(type: string): Kind | null {
  if (type === MISLEADING_TYPE) return null;
  if (SOURCE_TYPE.test(type)) return "source";
  if (TEXT_TYPE.test(type)) return "text";
  if (type === "application/pdf") return "pdf";
  const family = type.split("/", 1)[0];
  return family === "image" || family === "audio" || family === "video" ? family : null;
}

function kindOfExtension(extension: string): Kind | null {
  if (SOURCE_EXTENSIONS.has(extension)) return "source";
  if (TEXT_EXTENSIONS.has(extension)) return "text";
  if (IMAGE_EXTENSIONS.has(extension)) return "image";
  if (AUDIO_EXTENSIONS.has(extension)) return "audio";
  if (VIDEO_EXTENSIONS.has(extension)) return "video";
  return extension === "pdf" ? "pdf" : null;
}

/** In lower case, without the dot; empty where there is none. */
function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot < name.lastIndexOf("/") ? "" : name.slice(dot + 1).toLowerCase();
}

function mimeOf(kind: "image" | "audio" | "video" | "pdf", first: Uint8Array): string | null {
  switch (kind) {
    case "image":
      return imageMime(first);
    case "pdf":
      return latin1(first).slice(0, PDF_HEADER_WITHIN).includes("%PDF-") ? "application/pdf" : null;
    default:
      return mediaMime(kind, first);
  }
}

function imageMime(first: Uint8Array): string | null {
  const head = latin1(first.subarray(0, 32));
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (/^GIF8[79]a/.test(head)) return "image/gif";
  if (/^RIFF[^]{4}WEBP/.test(head)) return "image/webp";
  if (/^[^]{4}ftyp(?:avif|avis|mif1[^]*avif)/.test(head)) return "image/avif";
  // Two letters begin many a text: the four reserved bytes of the header are 0.
  return /^BM[^]{4}\0{4}/.test(head) ? "image/bmp" : null;
}

/** A container says little of what is in it: it is sound or picture as the file declares. */
function mediaMime(kind: "audio" | "video", first: Uint8Array): string | null {
  const head = latin1(first.subarray(0, 12));
  if (/^[^]{4}(?:ftyp|moov|mdat|wide|free|skip)/.test(head)) return `${kind}/mp4`;
  if (head.startsWith("\x1aE\xdf\xa3")) return `${kind}/webm`;
  if (head.startsWith("OggS")) return `${kind}/ogg`;
  return kind === "audio" ? soundMime(head) : null;
}

function soundMime(head: string): string | null {
  if (/^RIFF[^]{4}WAVE/.test(head)) return "audio/wav";
  if (head.startsWith("fLaC")) return "audio/flac";
  if (/^\xff[\xf0\xf1\xf8\xf9]/.test(head)) return "audio/aac";
  return /^(?:ID3|\xff[\xe2-\xef\xf2-\xf7\xfa-\xff])/.test(head) ? "audio/mpeg" : null;
}

/** Text that declares nothing: keys, scripts, settings. Anything that holds a control is none. */
function looksLikeText(first: Uint8Array): boolean {
  if (first.length === 0) return false;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(first, { stream: true });
    // oxlint-disable-next-line no-control-regex -- controls are what it looks for
    return !/[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text);
  } catch {
    return false;
  }
}

/** What begins like markup might be rendered somewhere: the reader is told that it is source. */
function textOrSource(first: Uint8Array): Kind {
  return /^\s*(?:\xef\xbb\xbf)?\s*<[!?a-z]/i.test(latin1(first)) ? "source" : "text";
}

/** Bytes as code points of their own, so that patterns can name them. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, SNIFFED_BYTES));
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
