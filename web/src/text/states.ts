/** What became of a link, in sentences. Pure. */

import type { LinkStatus, OpeningStatus, ShareStatus } from "../reporting";
import type { Words } from "./en";

/** What a share without links is: its upload goes on somewhere, or never came to an end. */
export function unfinishedSentence(share: ShareStatus, text: Words): string | null {
  if (share.links.length > 0) return null;
  return share.state === "gone" ? text.list.neverFinished : text.list.unfinished;
}

/** One sentence for each thing that happened or is so, the newest last. */
export function linkSentences(link: LinkStatus, text: Words, now: Date): string[] {
  const openings = link.openings.map((opening) => openingSentence(opening, text, now));
  const state = stateSentence(link, text, now);
  return state === null ? openings : [...openings, state];
}

/** What an opening left behind: `Opened at 14:03, receipt checked`. */
function openingSentence(opening: OpeningStatus, text: Words, now: Date): string {
  const parts = [happened(opening, text, now)];
  if (opening.outcome === "opened" || opening.outcome === "rejected") {
    parts.push(text.state.receipt(opening.receipt));
  }
  if (opening.address) parts.push(text.state.from(opening.address));
  return parts.join(", ");
}

function happened(opening: OpeningStatus, text: Words, now: Date): string {
  const ended = opening.endedAt ?? opening.claimedAt;
  switch (opening.outcome) {
    case "opened":
      return text.state.opened(ended, now);
    case "rejected":
      return text.state.rejected(ended, now);
    case "lapsed":
      return text.state.lapsed(opening.claimedAt, now);
    case "revoked":
      return text.state.cut(opening.claimedAt, now);
    default:
      return text.state.leased(opening.claimedAt, now);
  }
}

/** What the openings don't tell by themselves. */
function stateSentence(link: LinkStatus, text: Words, now: Date): string | null {
  switch (link.state) {
    case "ready":
      return link.openings.length === 0 && link.opensLeft === 1
        ? text.state.ready(link.expiresAt, now)
        : text.state.readyAgain(link.opensLeft, link.expiresAt, now);
    case "scheduled":
      return text.state.scheduled(link.opensAt, now);
    case "locked":
      return text.state.locked;
    case "expired":
      return link.openings.length === 0 ? text.state.expired : text.state.expiredPartly;
    case "revoked":
      return text.state.revoked;
    case "guessed":
      return text.state.guessed;
    default:
      return null;
  }
}
