/** What an operation of the vectors is: one function, called with each of its cases. */

/** One file of vectors, by operation. */
export type VectorFile = Readonly<Record<string, readonly unknown[]>>;

/** Throws where a case finds something else than it says. */
export type Operation = (vector: unknown, file: VectorFile) => Promise<void>;

/** An operation whose cases have this shape, as their generator writes them. */
export function operation<Case>(
  run: (vector: Case, file: VectorFile) => Promise<void>,
): Operation {
  return (vector, file) => run(vector as Case, file);
}

/** The cases of another operation of the same file, which this one builds on. */
export function casesOf<Case>(file: VectorFile, name: string): readonly Case[] {
  return (file[name] ?? []) as readonly Case[];
}
