/**
 * The manifest's JSON: one text for one value (protocol section 5).
 *
 * Compact, UTF-8, keys in the order in which they came, strings as `JSON.stringify` writes them.
 * Numbers are integers, `0|[1-9][0-9]*`, at most 2^53-1.
 */

import { type Bytes, isWellFormed, utf8 } from "../bytes";
import { IntegrityError } from "../errors";

export const MAX_DEPTH = 8;

export type Json = null | boolean | number | string | Json[] | Fields;
export interface Fields {
  [key: string]: Json;
}

const KEY = /^[a-z][a-z0-9_]*$/;

/** The one text of a value. A lone surrogate comes out escaped, which `parse` refuses. */
export function dump(value: Json): Bytes {
  return utf8(JSON.stringify(value));
}

/**
 * The value of a text that `dump` writes.
 *
 * @throws IntegrityError anything else; its message says what, and quotes nothing.
 */
export function parse(data: Uint8Array): Json {
  const text = decodeUtf8(data);
  checkDepth(text);
  const value = parseJson(text);
  checkValue(value);
  // What is written in another way (spaces, escapes, 1.0, a key that stands twice) shows here.
  if (JSON.stringify(value) !== text) throw refusal("JSON in another form than it must have");
  return value;
}

function decodeUtf8(data: Uint8Array): string {
  try {
    // A byte order mark must stay, to be refused.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw refusal("bad UTF-8");
  }
}

/** Arrays and objects nest at most 8 deep; counted before a recursive parser sees them. */
function checkDepth(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') isInString = !isInString;
    else if (isInString) at += char === "\\" ? 1 : 0;
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    if (depth > MAX_DEPTH) throw refusal("JSON that is nested too deep");
  }
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw refusal("bad JSON"); // the cause quotes the text
  }
}

/**
 * What survives parsing and writing again, and must not: numbers that a double rounds or takes
 * for others, lone surrogates, and keys of another form. Among these are those that an object
 * reorders (`1`) or gives a meaning of its own (`__proto__`).
 */
function checkValue(value: Json): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) throw refusal("a number that is not allowed");
  } else if (typeof value === "string") {
    if (!isWellFormed(value)) throw refusal("a string that is no text");
  } else if (Array.isArray(value)) {
    value.forEach(checkValue);
  } else if (value !== null && typeof value === "object") {
    if (!Object.keys(value).every(isKey)) throw refusal("a key that is not allowed");
    Object.values(value).forEach(checkValue);
  }
}

function isKey(text: string): boolean {
  return KEY.test(text);
}

function refusal(what: string): IntegrityError {
  return new IntegrityError(what);
}
