/** What people are told of an error. Pure: one place from code to words. */

import {
  LinkDamaged,
  LinkTooNew,
  LocalError,
  Locked,
  IntegrityError,
  NotYet,
  OtvError,
  Over,
  Refused,
  Unknown,
  Unreachable,
  UsageError,
  WrongPassword,
} from "../errors";
import type { Told, Words } from "./en";

/** What is drawn above a heading: an eye that has closed, a clock, a lock, a warning, a tick. */
export type Sign = "closed" | "clock" | "lock" | "alert" | "done";

/** A heading and words for the step that an error ends; `again`: trying again can help. */
export interface Ended {
  told: Told;
  sign: Sign;
  again: boolean;
}

/** An end at which nothing can be done here. */
export function final(told: Told, sign: Sign = "alert"): Ended {
  return { told, sign, again: false };
}

/** @param isBegun this device holds a lease of the link. */
export function endedBy(error: unknown, text: Words, now: Date, isBegun = false): Ended {
  if (error instanceof Unreachable) return { told: text.unreachable, sign: "alert", again: true };
  if (error instanceof LocalError) {
    const told = { title: text.localTitle, body: text.local(error.reason, error.file) };
    return { told, sign: "alert", again: error.reason !== "too_large_for_memory" };
  }
  if (error instanceof Refused) {
    const told = { title: text.refusedTitle, body: text.refused(error.reason) };
    return { told, sign: "alert", again: true };
  }
  const ended = final(finalWords(error, text, now), signOf(error));
  // A server knows a link for days after its last lease: this one may be put right in time.
  return { ...ended, again: isBegun && error instanceof Unknown };
}

function signOf(error: unknown): Sign {
  if (error instanceof Over || error instanceof Unknown) return "closed";
  if (error instanceof Locked) return "lock";
  return error instanceof NotYet ? "clock" : "alert";
}

function finalWords(error: unknown, text: Words, now: Date): Told {
  if (error instanceof Over) return text.over[error.state](error.since, now);
  if (error instanceof Locked) return text.locked;
  if (error instanceof NotYet) return text.notYet(error.opensAt, now);
  if (error instanceof LinkDamaged) return error.isEscaped ? text.escaped : text.damaged;
  if (error instanceof LinkTooNew) return text.tooNew;
  if (error instanceof Unknown) return text.unknown;
  if (error instanceof IntegrityError) return text.integrity;
  return text.page.failed;
}

/** One sentence, beside what a person is doing. */
export function sentence(error: unknown, text: Words): string {
  if (error instanceof UsageError) return text.usage(error.reason);
  if (error instanceof Refused) return text.refused(error.reason);
  if (error instanceof LocalError) return text.local(error.reason, error.file);
  if (error instanceof WrongPassword) return text.open.wrong(error.guessesLeft);
  if (error instanceof OtvError) return text.unreachable.body;
  return text.page.failed.body;
}
