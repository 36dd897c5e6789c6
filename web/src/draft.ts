/** What stands in the sender's form, and the terms that follow from it. Pure. */

import type { Limits } from "./answers";
import { UNIT_SECONDS, countOf, expiryOf, opensAtOf } from "./choices";
import type { Unit } from "./choices";
import type { Terms } from "./parcel";

/** Every field as it stands in the form. */
export interface Draft {
  text: string;
  /** Seconds of a preset, or `other`. */
  expires: string;
  otherAmount: string;
  otherUnit: Unit;
  opensAt: string;
  password: string;
  opens: string;
  links: string;
  /** One for each personal link; they stay in this browser. */
  names: string[];
  viewOnly: boolean;
  token: string;
  /** Whether the token is to be kept in this browser. */
  keepsToken: boolean;
}

/** A field that doesn't fit. */
export type Misfit = "expires" | "opensAt" | "opens" | "links" | "token";

export const OTHER = "other";

export function newDraft(limits: Limits | null): Draft {
  const empty: Draft = {
    text: "",
    expires: "",
    ...otherOf(0),
    opensAt: "",
    password: "",
    opens: "1",
    links: "1",
    names: [],
    viewOnly: false,
    token: "",
    keepsToken: false,
  };
  return limits ? expiring(empty, limits) : empty;
}

/** With the server's usual expiry where none is chosen; all else is as it was typed before. */
export function expiring(draft: Draft, { defaultTtlS }: Limits): Draft {
  if (draft.expires !== "") return draft;
  return { ...draft, expires: String(defaultTtlS), ...otherOf(defaultTtlS) };
}

/** The same form, empty but for the token: what is sent next needs the same one. */
export function nextDraft({ token, keepsToken }: Draft, limits: Limits | null): Draft {
  return { ...newDraft(limits), token, keepsToken };
}

/** Seconds in the largest unit that they are a whole number of. */
function otherOf(seconds: number): { otherAmount: string; otherUnit: Unit } {
  const units: Unit[] = ["d", "h", "m"];
  const otherUnit = units.find((unit) => seconds > 0 && seconds % UNIT_SECONDS[unit] === 0) ?? "s";
  return { otherAmount: String(seconds / UNIT_SECONDS[otherUnit]), otherUnit };
}

/** How the share may be opened, or which fields don't fit; their order is that of the form. */
export function termsOf(
  draft: Draft,
  limits: Limits,
  wantsToken: boolean,
  now: Date,
): Terms | Misfit[] {
  const expiresS = expiresOf(draft, limits);
  const opensAt = opensAtOf(draft.opensAt, limits, now);
  const opens = countOf(draft.opens, limits.opens);
  const links = countOf(draft.links, limits.links);
  const misfits: Misfit[] = [];
  if (expiresS === null) misfits.push("expires");
  if (opensAt === undefined) misfits.push("opensAt");
  if (opens === null) misfits.push("opens");
  if (links === null) misfits.push("links");
  if (wantsToken && !isToken(draft.token.trim())) misfits.push("token");
  if (expiresS === null || opensAt === undefined || opens === null || links === null) return misfits;
  if (misfits.length > 0) return misfits;
  const password = draft.password === "" ? null : draft.password;
  return { expiresS, opensAt, opens, links, password, viewOnly: draft.viewOnly, note: draft.text };
}

/** What can stand in a header; anything else a browser refuses to send, as if it were offline. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(text);
}

function expiresOf(draft: Draft, limits: Limits): number | null {
  if (draft.expires === OTHER) return expiryOf(draft.otherAmount, draft.otherUnit, limits);
  return expiryOf(draft.expires, "s", limits);
}

/** A name for each link, in order; empty where none was given. */
export function namesOf(draft: Draft, links: number): string[] {
  return Array.from({ length: links }, (_, index) => draft.names[index]?.trim() ?? "");
}
