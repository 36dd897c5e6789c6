/** `names.json` (protocol sections 5 and 9). */

import { checkName, checkNames, printable, safeName } from "../../src/names";
import { ended, same } from "./expect";
import { operation } from "./operation";

const check = operation<{ name: string; result: string }>(async (vector) => {
  const { result } = await ended(() => checkName(vector.name));
  same("result", result, vector.result);
});

const checkAll = operation<{ names: string[]; result: string }>(async (vector) => {
  const { result } = await ended(() => checkNames(vector.names));
  same("result", result, vector.result);
});

const safe = operation<{ name: string; safe: string }>(async (vector) => {
  same("safe name", safeName(vector.name), vector.safe);
});

const show = operation<{ text: string; keep_newlines: boolean; shown: string }>(async (vector) => {
  same("shown", printable(vector.text, vector.keep_newlines), vector.shown);
});

export const names = { check, check_all: checkAll, safe, show };
