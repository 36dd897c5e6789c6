/** Names that can stand beside each other: the later of two that collide gets a number. Pure. */

import { utf8 } from "./bytes";
import { MAX_COMPONENT_BYTES, firstBytes } from "./names";

/** `dir/a.txt` with 2 becomes `dir/a (2).txt`, the component at most 255 bytes. */
export function numbered(name: string, number: number): string {
  const slash = name.lastIndexOf("/") + 1;
  const last = name.slice(slash);
  const dot = last.lastIndexOf(".");
  const extension = dot > 0 ? last.slice(dot) : "";
  const stem = last.slice(0, last.length - extension.length);
  const tail = ` (${number})${extension}`;
  const room = MAX_COMPONENT_BYTES - utf8(tail).length;
  if (room >= 1) return name.slice(0, slash) + firstBytes(stem, room) + tail;
  const short = ` (${number})`;
  return name.slice(0, slash) + firstBytes(last, MAX_COMPONENT_BYTES - short.length) + short;
}

/**
 * The names in order, no two the same by `keyOf`, and none a folder of another.
 *
 * @param keyOf equal for two names that collide.
 * @param another the candidate with that number; `numbered` unless it has to be made safe, too.
 */
export function distinct(
  names: readonly string[],
  keyOf: (name: string) => string,
  another: (name: string, number: number) => string = numbered,
): string[] {
  const folders = new Set(names.flatMap(foldersOf).map(keyOf));
  const taken = new Set<string>();
  return names.map((name) => {
    let candidate = name;
    for (let number = 2; taken.has(keyOf(candidate)) || folders.has(keyOf(candidate)); number += 1) {
      candidate = another(name, number);
    }
    taken.add(keyOf(candidate));
    return candidate;
  });
}

/** Equal for names that a file system takes for one where it ignores case and normal forms. */
export function caselessKey(name: string): string {
  return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join("/"));
}
