/**
 * From what a server refuses to what this page throws: one table (protocol section 7).
 *
 * No text of the server's reaches a message: its `code` chooses among classes that stand here.
 */

import * as answers from "./answers";
import type { Json } from "./answers";
import type { Ending, OtvError } from "./errors";
import { Locked, NotYet, Over, Refused, Unknown, Unreachable, WrongPassword } from "./errors";

const ENDINGS: readonly string[] = ["opened", "taken", "expired", "revoked", "guessed"];

/** Whether a link in this state has ended; anything else that a server says is "over". */
export function isEnding(state: string): state is Ending {
  return ENDINGS.includes(state);
}

/** The error for an answer that isn't one. */
export function nonsense(detail: string): Unreachable {
  return new Unreachable(`the server's answer makes no sense (${detail})`);
}

/** An extra field of a problem; a problem without a usable one is still that problem. */
function maybe<T>(read: (problem: Json, key: string) => T, problem: Json, key: string): T | null {
  try {
    return answers.optional(read, problem, key);
  } catch (error) {
    if (error instanceof answers.Nonsense) return null;
    throw error;
  }
}

function over(problem: Json): Over {
  const state = maybe(answers.text, problem, "state") ?? "";
  return new Over(isEnding(state) ? state : "over", maybe(answers.instant, problem, "since"));
}

function notYet(problem: Json): OtvError {
  const opensAt = maybe(answers.instant, problem, "opens_at");
  return opensAt ? new NotYet(opensAt) : nonsense("not open yet, but no time");
}

const refused = (reason: string) => () => new Refused(reason);

/** Section 7's table of codes; a test holds it complete. */
export const PROBLEMS: Readonly<Record<string, (problem: Json) => OtvError>> = {
  malformed: refused("malformed"),
  digest_mismatch: refused("digest_mismatch"),
  upload_token: refused("upload_token"),
  wrong_password: (problem) => new WrongPassword(maybe(answers.whole, problem, "guesses_left")),
  not_yet: notYet,
  egress_spent: refused("egress_spent"),
  cross_origin: refused("cross_origin"),
  unknown: () => new Unknown("the server knows no such link or share"),
  method: refused("method"),
  length_required: refused("length_required"),
  too_large: refused("too_large"),
  range: refused("range"),
  conflict: refused("conflict"),
  over,
  wrong_host: refused("wrong_host"),
  locked: () => new Locked("too many wrong passwords"),
  slow_down: refused("slow_down"),
  internal: () => new Unreachable("the server has a fault of its own"),
  unavailable: () => new Unreachable("the server can't answer at the moment"),
  no_room: refused("no_room"),
};

const SERVER_ERRORS = 500;
/** What a proxy in front of a server says without a code of the protocol's. */
const BY_STATUS: Readonly<Record<number, string>> = {
  413: "too_large",
  429: "slow_down",
  503: "unavailable",
  507: "no_room",
};

/** The error for a refusal: by its code, else by its status. */
export function errorOf(status: number, problem: Json | null): OtvError {
  const said = problem?.["code"];
  const isKnown = typeof said === "string" && Object.hasOwn(PROBLEMS, said);
  const build = PROBLEMS[isKnown ? said : (BY_STATUS[status] ?? "")];
  if (build) return build(problem ?? {});
  if (status >= SERVER_ERRORS) return new Unreachable(`the server failed (status ${status})`);
  return nonsense(`status ${status}`);
}
