/** Sizes, durations and instants as people read them, in the language of the words around. */

const LOCALE = "en-GB";
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const STEP = 1000;
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** `0 bytes`, `1.2 kB`, `340 MB`: three digits at most, in decimal units. */
export function bytes(size: number): string {
  const unit = UNITS[Math.min(power(size), UNITS.length - 1)] ?? "byte";
  const value = size / STEP ** UNITS.indexOf(unit);
  const plain = unit === "byte";
  return new Intl.NumberFormat(LOCALE, {
    style: "unit",
    unit,
    unitDisplay: plain ? "long" : "short",
    maximumFractionDigits: value < 10 && !plain ? 1 : 0,
  }).format(value);
}

/** The unit in which the number stays below 1000 also once it is rounded. */
function power(size: number): number {
  let at = 0;
  while (size / STEP ** at >= STEP - 0.5) at += 1;
  return at;
}

export function count(number: number, one: string, several: string): string {
  return `${number.toLocaleString(LOCALE)} ${number === 1 ? one : several}`;
}

/** `10 seconds`, `2 minutes`, `1 hour 5 minutes`, `7 days`: the two largest units that are due. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE_S) return count(whole, "second", "seconds");
  if (whole < HOUR_S) return two(whole, MINUTE_S, ["minute", "minutes"], 1, ["second", "seconds"]);
  if (whole < DAY_S) {
    return two(whole, HOUR_S, ["hour", "hours"], MINUTE_S, ["minute", "minutes"]);
  }
  return two(whole, DAY_S, ["day", "days"], HOUR_S, ["hour", "hours"]);
}

type Forms = readonly [string, string];

function two(whole: number, large: number, big: Forms, small: number, little: Forms): string {
  const first = count(Math.floor(whole / large), ...big);
  const rest = Math.floor((whole % large) / small);
  return rest ? `${first} ${count(rest, ...little)}` : first;
}

/** `12 s`, `1 min 40 s`, `2 h 5 min`: for what changes while one looks at it. */
export function brief(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE_S) return `${whole} s`;
  if (whole < HOUR_S) return `${Math.floor(whole / MINUTE_S)} min ${whole % MINUTE_S} s`;
  return `${Math.floor(whole / HOUR_S)} h ${Math.floor((whole % HOUR_S) / MINUTE_S)} min`;
}

/** `14:03` for today, `24 Nov, 14:03` for any other day. */
export function clock(at: Date, now: Date): string {
  const time = new Intl.DateTimeFormat(LOCALE, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
  return isSameDay(at, now) ? time : `${day(at, now)}, ${time}`;
}

/** `at 14:03`, or `on 24 Nov, 14:03`: behind a verb. */
export function moment(at: Date, now: Date): string {
  return `${isSameDay(at, now) ? "at" : "on"} ${clock(at, now)}`;
}

/** `just now`, `5 minutes ago`, then the clock. */
export function ago(at: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - at.getTime()) / STEP);
  if (seconds < MINUTE_S) return "just now";
  if (seconds < HOUR_S) return `${count(Math.floor(seconds / MINUTE_S), "minute", "minutes")} ago`;
  return moment(at, now);
}

function day(at: Date, now: Date): string {
  const isThisYear = at.getFullYear() === now.getFullYear();
  return new Intl.DateTimeFormat(LOCALE, {
    day: "numeric",
    month: "short",
    ...(isThisYear ? {} : { year: "numeric" }),
  }).format(at);
}

function isSameDay(a: Date, b: Date): boolean {
  return a.toDateString() === b.toDateString();
}
