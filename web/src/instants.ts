/** Instants as people and programs read them. Pure. */

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const;

/** An instant as RFC 3339 in UTC, to the second. */
export function rfc3339(moment: Date): string {
  return `${moment.toISOString().slice(0, -".000Z".length)}Z`;
}

/** An instant as a person here would say it: `14:03`, with the date where it isn't today. */
export function localText(moment: Date, now: Date): string {
  const time = `${padded(moment.getHours())}:${padded(moment.getMinutes())}`;
  const date = localDate(moment);
  return date === localDate(now) ? time : `${date} ${time}`;
}

/** A duration as it is typed, in the largest unit that fits: `10s`, `90m`, `7d`. */
export function durationText(seconds: number): string {
  for (const [unit, length] of UNITS) {
    if (seconds > 0 && seconds % length === 0) return `${seconds / length}${unit}`;
  }
  return `${seconds}s`;
}

function localDate(moment: Date): string {
  return `${moment.getFullYear()}-${padded(moment.getMonth() + 1)}-${padded(moment.getDate())}`;
}

function padded(number: number): string {
  return String(number).padStart(2, "0");
}
