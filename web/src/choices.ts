/** The choices of the sender's form, made from the server's limits. Pure. */

import type { Limits } from "./answers";

export type Unit = "s" | "m" | "h" | "d";

export const UNIT_SECONDS: Readonly<Record<Unit, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const PRESETS_S = [60, 600, 3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400];
const MS = 1000;
const MINUTE_MS = 60_000;
// Without the letters and digits that look alike; 31 signs, so 20 of them carry 99 bits.
const SIGNS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP_SIGNS = 5;

/** Seconds to choose from: what is usual, as far as the server allows it, and its own default. */
export function expiryPresets(limits: Limits): number[] {
  const within = PRESETS_S.filter((s) => s >= limits.minTtlS && s <= limits.maxTtlS);
  return [...new Set([...within, limits.defaultTtlS])].toSorted((a, b) => a - b);
}

/** Seconds of `amount` units; null where that is no whole number of seconds within the limits. */
export function expiryOf(amount: string, unit: Unit, limits: Limits): number | null {
  if (!/^[0-9]{1,9}$/.test(amount.trim())) return null;
  const seconds = Number(amount) * UNIT_SECONDS[unit];
  return seconds >= limits.minTtlS && seconds <= limits.maxTtlS ? seconds : null;
}

/**
 * When a share opens, of what a `datetime-local` field holds.
 *
 * @returns null for "at once" (the field is empty), undefined for what the server refuses. The
 *   minute that has just begun counts as now.
 */
export function opensAtOf(local: string, limits: Limits, now: Date): Date | null | undefined {
  if (local === "") return null;
  const at = new Date(local);
  const ahead = at.getTime() - now.getTime();
  if (Number.isNaN(ahead) || ahead <= -MINUTE_MS || ahead > limits.maxDelayS * MS) return undefined;
  return ahead <= 0 ? null : at;
}

/** The value of a `datetime-local` field for an instant, to the minute, in this device's zone. */
export function localMinute(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS);
  return local.toISOString().slice(0, "2026-11-24T14:03".length);
}

/** A count from 1 to `most`; null for anything else. */
export function countOf(text: string, most: number): number | null {
  if (!/^[0-9]{1,9}$/.test(text.trim())) return null;
  const count = Number(text);
  return count >= 1 && count <= most ? count : null;
}

/** A password that nobody guesses and everybody can read out: four groups of five signs. */
export function suggestPassword(random: (length: number) => Uint8Array): string {
  const group = (): string => Array.from({ length: GROUP_SIGNS }, () => sign(random)).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}

/** One sign, each as likely as the others: bytes beyond the last whole multiple are drawn again. */
function sign(random: (length: number) => Uint8Array): string {
  const fair = 256 - (256 % SIGNS.length);
  for (;;) {
    const drawn = random(1)[0] ?? fair;
    if (drawn < fair) return SIGNS.charAt(drawn % SIGNS.length);
  }
}
