/** What can be said of a link before it is opened. Pure. */

import type { LinkView } from "../../client";
import { Locked, NotYet, Over, Unreachable } from "../../errors";
import { KDF } from "../../link";
import type { Link } from "../../link";

/** Whether it wants a password. */
export function wantsPassword(link: Link): boolean {
  return link.kdf === KDF.argon2id;
}

/** Raises what stands against opening a link in this state, if anything does. */
export function checkOpenable(view: LinkView): void {
  switch (view.state) {
    case "ready":
      return;
    case "scheduled":
      throw new NotYet(view.opensAt);
    case "locked":
      throw new Locked("locked");
    case "opened":
    case "taken":
    case "expired":
    case "revoked":
    case "guessed":
      throw new Over(view.state, view.since);
    default:
      throw new Unreachable("a state of a link that isn't one");
  }
}
