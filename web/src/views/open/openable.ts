/** Whether a link in this state can be opened; raises what stands against it. Pure. */

import type { LinkView } from "../../client";
import { Locked, NotYet, Over, Unreachable } from "../../errors";

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
