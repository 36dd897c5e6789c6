/**
 * Every case of `tests/vectors`, in whatever runs JavaScript: no framework, nothing of Node.
 *
 * `vectors.test.ts` runs it under Node, `page.ts` in a browser.
 */

import { content } from "./content";
import { floe } from "./floe";
import { keys, receipt } from "./keys";
import { link } from "./link";
import { manifest } from "./manifest";
import { names } from "./names";
import type { Operation, VectorFile } from "./operation";
import { padding } from "./padding";

export interface VectorResult {
  /** How many cases were run. */
  ran: number;
  /** How many of them of each operation, named as `link.parse`. */
  perOperation: Record<string, number>;
  /** A line for each case, and each file or operation, that is not as it must be. */
  failures: string[];
}

const FILES: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  link,
  keys,
  receipt,
  padding,
  floe,
  manifest,
  content,
  names,
};

/** The files that must be given to `runVectors`, as they are called without `.json`. */
export const FILE_NAMES: readonly string[] = Object.keys(FILES);

/**
 * Run every case.
 *
 * @param files by name, parsed. One that is missing, or that nobody here knows, is a failure, and
 *   so is an operation that nobody knows.
 */
export async function runVectors(files: Record<string, object>): Promise<VectorResult> {
  const result: VectorResult = { ran: 0, perOperation: {}, failures: [] };
  for (const name of new Set([...FILE_NAMES, ...Object.keys(files)])) {
    await runFile(name, files[name] as VectorFile | undefined, result);
  }
  return result;
}

async function runFile(
  name: string,
  file: VectorFile | undefined,
  result: VectorResult,
): Promise<void> {
  const operations = FILES[name];
  if (!file || !operations) {
    result.failures.push(`${name}: ${file ? "nothing reads it" : "missing"}`);
    return;
  }
  for (const operation of new Set([...Object.keys(operations), ...Object.keys(file)])) {
    await runCases(`${name}.${operation}`, operations[operation], file[operation], file, result);
  }
}

async function runCases(
  name: string,
  run: Operation | undefined,
  cases: readonly unknown[] | undefined,
  file: VectorFile,
  result: VectorResult,
): Promise<void> {
  result.perOperation[name] = 0;
  if (!run || !cases?.length) {
    result.failures.push(`${name}: ${run ? "no cases" : "nothing runs it"}`);
    return;
  }
  for (const [at, vector] of cases.entries()) {
    result.ran += 1;
    result.perOperation[name] += 1;
    const failure = await failureOf(run(vector, file));
    if (failure !== null) result.failures.push(`${name} ${at} (${titleOf(vector)}): ${failure}`);
  }
}

async function failureOf(running: Promise<void>): Promise<string | null> {
  try {
    await running;
    return null;
  } catch (error) {
    return String(error);
  }
}

function titleOf(vector: unknown): string {
  const { name, comment } = vector as { name?: string; comment?: string };
  return [name, comment].filter(Boolean).join(", ").slice(0, 60);
}
