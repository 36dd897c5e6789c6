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

/** A heading and words for the step that an error ends; `again`: trying again can help. */
export interface Ended {
  told: Told;
  again: boolean;
}

export function endedBy(error: unknown, text: Words, now: Date): Ended {
  if (error instanceof Unreachable) return { told: text.unreachable, again: true };
  if (error instanceof LocalError) {
    const body = text.local(error.reason, error.file);
    return { told: { title: text.localTitle, body }, again: error.reason !== "too_large_for_memory" };
  }
  if (error instanceof Refused) {
    return { told: { title: text.refusedTitle, body: text.refused(error.reason) }, again: true };
  }
  return { told: finalWords(error, text, now), again: false };
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
