/** What a case finds, held against what it says; without any framework, for browsers too. */

import { OtvError } from "../../src/errors";

/** How a call ended: `ok`, or the class of failure as the vectors call it, and what it gave. */
export interface Ended<T> {
  result: string;
  value: T | null;
}

/** Call; an error of ours is a result, and any other escapes. */
export async function ended<T>(call: () => T | Promise<T>): Promise<Ended<T>> {
  try {
    return { result: "ok", value: await call() };
  } catch (error) {
    if (error instanceof OtvError) return { result: error.code, value: null };
    throw error;
  }
}

/** Two values of plain JSON, one of them found and one written down. */
export function same(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: found ${cut(left)}, expected ${cut(right)}`);
}

function cut(text: string | undefined): string {
  return text === undefined ? "nothing" : text.slice(0, 200);
}
