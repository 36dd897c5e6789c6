/**
 * An untrusted name: refused, made safe, or made visible (protocol section 5, names).
 *
 * Readers refuse by rules that name their code points, so that every version of Unicode refuses
 * the same; writers normalise and replace.
 */

import { isWellFormed, utf8 } from "./bytes";
import { IntegrityError } from "./errors";

export const MAX_COMPONENT_BYTES = 255;
export const MAX_NAME_BYTES = 1024;

const MAX_EXTENSION_BYTES = 32;
// Category Cc, which no version of Unicode will change; what turns the direction of writing; what
// other systems take for a separator. `/` separates here.
const FORBIDDEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\\:]/u;
const EACH_FORBIDDEN = new RegExp(FORBIDDEN, "gu");
const LONE_SURROGATE = /\p{Cs}/gu;
const ENDS_BADLY = /[. ]+$/;
// Windows gives these to a device, with any extension. Without the flag `u` no letter beyond ASCII
// folds into one of ASCII: U+0131 is no I here, and U+017F no S.
const DEVICE =
  /^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])(?:\..*)?$/is;
// Unseen: controls, formatting characters, lone surrogates, line separators; and letters that are
// drawn as nothing.
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\u034f|\u17b4|\u17b5/gu;

/**
 * Let pass what every reader accepts: components separated by `/`.
 *
 * @throws IntegrityError the name breaks a rule of section 5.
 */
export function checkName(name: string): void {
  if (!isWellFormed(name)) throw new IntegrityError("a file's name is no text");
  if (utf8(name).length > MAX_NAME_BYTES) throw new IntegrityError("a file's name is too long");
  if (FORBIDDEN.test(name)) {
    throw new IntegrityError("a file's name holds a character that is not allowed");
  }
  name.split("/").forEach(checkComponent);
}

/**
 * Let a share's names pass: each of them, no two equal, none the folder of another.
 *
 * @throws IntegrityError a rule of section 5 is broken.
 */
export function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    checkName(name);
    if (seen.has(name)) throw new IntegrityError("two files have the same name");
    seen.add(name);
  }
  for (const name of seen) {
    if (folders(name).some((folder) => seen.has(folder))) {
      throw new IntegrityError("a file's name is the folder of another");
    }
  }
}

/**
 * The nearest name that `checkName` lets pass, in NFC; unchanged where it does already.
 *
 * What is forbidden becomes `_`; a component that is too long loses the end of its stem, a name
 * that is too long its outermost folders. Two names can become the same one.
 */
export function safeName(name: string): string {
  // In this order: some browsers normalise what is no text to U+FFFD, others leave it.
  const text = name.replace(LONE_SURROGATE, "_");
  const visible = text.normalize("NFC").replace(EACH_FORBIDDEN, "_");
  const components = visible.split("/").filter((part) => part !== "" && part !== ".");
  return innermost(components.map(safeComponent)).join("/") || "_";
}

/**
 * The text as it may be shown: what is unseen or moves other text as `\u202e`.
 *
 * @param text anything, with lone surrogates too.
 * @param keepNewlines leave line ends and tabs as they are, as in a note.
 */
export function printable(text: string, keepNewlines = false): string {
  const kept = keepNewlines ? "\n\t" : "";
  const lines = keepNewlines ? text.replaceAll("\r\n", "\n") : text;
  return lines.replace(HIDDEN, (char) => (kept.includes(char) ? char : escaped(char)));
}

function checkComponent(component: string): void {
  if (component === "" || component === "." || component === "..") {
    throw new IntegrityError("a file's name leads out of its folder, or nowhere");
  }
  if (utf8(component).length > MAX_COMPONENT_BYTES) {
    throw new IntegrityError("a part of a file's name is too long");
  }
  if (ENDS_BADLY.test(component)) {
    throw new IntegrityError("a part of a file's name ends in a dot or a space");
  }
  if (DEVICE.test(component)) {
    throw new IntegrityError("a part of a file's name is that of a device");
  }
}

/** Every folder on the way: `a/b/c` lies in `a` and in `a/b`. */
function folders(name: string): string[] {
  const found = [];
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
    found.push(name.slice(0, at));
  }
  return found;
}

function safeComponent(component: string): string {
  const noDevice = DEVICE.test(component) ? `_${component}` : component;
  return shortened(noDevice).replace(ENDS_BADLY, (end) => "_".repeat(end.length));
}

/** Cut the stem and keep the extension, which tells programs what the file is. */
function shortened(component: string): string {
  if (utf8(component).length <= MAX_COMPONENT_BYTES) return component;
  const dot = component.lastIndexOf(".");
  const hasExtension = dot > 0 && utf8(component.slice(dot + 1)).length <= MAX_EXTENSION_BYTES;
  const extension = hasExtension ? component.slice(dot) : "";
  const stem = component.slice(0, component.length - extension.length);
  return firstBytes(stem, MAX_COMPONENT_BYTES - utf8(extension).length) + extension;
}

/** The longest beginning of a text that takes no more bytes than that. */
export function firstBytes(text: string, room: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(room)).read);
}

/** The longest run of components, the file's own with it, that is no longer than a name. */
function innermost(components: readonly string[]): readonly string[] {
  let from = 0;
  while (utf8(components.slice(from).join("/")).length > MAX_NAME_BYTES) from += 1;
  return components.slice(from);
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
