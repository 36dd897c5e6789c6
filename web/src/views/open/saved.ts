/** When what was opened counts as saved, and what becomes of a "Done" that waits for it. Pure. */

/** What a "Done" that waits does next. */
export type Next = "wait" | "wipe" | "stay";

/**
 * @param leftS seconds until the browser should have saved what it was given.
 * @param failures how often saving has failed, now and when "Done" was pressed. After a failure
 *   more nothing may go: what was to be saved is nowhere else.
 */
export function nextOf(leftS: number, failures: { now: number; before: number }): Next {
  if (failures.now > failures.before) return "stay";
  return leftS > 0 ? "wait" : "wipe";
}

/**
 * Whether the browser was given every file, one by one or with the archive. What stays in memory alone
 * is received no sooner: with the page, all that was not given is gone, and the link opens no more.
 */
export function isAllGiven<T>(files: readonly T[], given: ReadonlySet<T>): boolean {
  return files.every((file) => given.has(file));
}
