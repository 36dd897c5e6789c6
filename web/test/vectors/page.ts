/**
 * The vectors in a browser: fetches `/vectors/<name>.json` from where it is served, runs them, and
 * leaves the result as JSON in `document.body.dataset.result`. The title is then "done". With
 * `?javascript` in its address it runs them on the primitives in JavaScript.
 */

import { choose } from "../../src/crypto";
import { javaScript } from "../../src/crypto/javascript";
import { FILE_NAMES, runVectors, type VectorResult } from "./run";

async function fetchFile(name: string): Promise<[string, object]> {
  const answer = await fetch(`/vectors/${name}.json`);
  if (!answer.ok) throw new Error(`${name}.json: ${answer.status}`);
  return [name, (await answer.json()) as object];
}

async function result(): Promise<VectorResult> {
  try {
    return await runVectors(Object.fromEntries(await Promise.all(FILE_NAMES.map(fetchFile))));
  } catch (error) {
    return { ran: 0, perOperation: {}, failures: [String(error)] };
  }
}

if (location.search === "?javascript") choose(javaScript);
document.body.dataset["result"] = JSON.stringify(await result());
document.title = "done";
