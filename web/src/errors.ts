/**
 * What the page reports, as a tree; the twin of `otv_client/errors.py`.
 *
 *     OtvError
 *     ├── UsageError            the call makes no sense; said before anything is sent
 *     ├── LinkDamaged           a character is missing, changed or added
 *     ├── LinkTooNew            made by a newer version of this program
 *     ├── Unreachable           no answer, or none that makes sense, after retries
 *     ├── Over                  opened, taken, expired, revoked, guessed
 *     ├── Unknown               no such link or share, as far as the server tells
 *     ├── PasswordMissing
 *     ├── WrongPassword
 *     ├── Locked
 *     ├── IntegrityError        what came does not match the link
 *     ├── Refused               the server says no: upload token, size, room, rate
 *     ├── NotYet                scheduled, and too early
 *     ├── LocalError            this device: no room, no storage, a file that changed
 *     └── Interrupted           the person stopped it
 *
 * A message is for developers and holds no secret. What people read stands in `text/`, chosen by
 * `code` and the fields here, so that it can be translated.
 */

export type ErrorCode =
  | "usage"
  | "link_damaged"
  | "link_too_new"
  | "unreachable"
  | "over"
  | "unknown"
  | "password_missing"
  | "wrong_password"
  | "locked"
  | "integrity"
  | "refused"
  | "not_yet"
  | "local"
  | "interrupted";

/** How a link can have ended (protocol section 8); `over` where the server says no more. */
export type Ending = "opened" | "taken" | "expired" | "revoked" | "guessed" | "over";

export abstract class OtvError extends Error {
  abstract readonly code: ErrorCode;
}

/** Why a call makes no sense. */
export type UsageReason =
  | "nothing_to_send"
  | "too_many_files"
  | "too_long_names"
  | "too_long_note"
  | "no_text"
  | "password_empty"
  | "password_long"
  | "password_unneeded"
  | "server"
  | "pin"
  | "terms"
  | "other";

export class UsageError extends OtvError {
  readonly code = "usage";
  readonly reason: UsageReason;

  constructor(message: string, reason: UsageReason = "other") {
    super(message);
    this.reason = reason;
  }
}

export class LinkDamaged extends OtvError {
  readonly code = "link_damaged";
  /** The `#` came as `%23`, so the key has been sent to a server. */
  readonly isEscaped: boolean;

  constructor(message: string, isEscaped = false) {
    super(message);
    this.isEscaped = isEscaped;
  }
}

export class LinkTooNew extends OtvError {
  readonly code = "link_too_new";
}

export class Unreachable extends OtvError {
  readonly code = "unreachable";
}

export class Over extends OtvError {
  readonly code = "over";
  readonly state: Ending;
  /** To the minute, where the server says. */
  readonly since: Date | null;

  constructor(state: Ending, since: Date | null) {
    super(`over: ${state}`);
    this.state = state;
    this.since = since;
  }
}

export class Unknown extends OtvError {
  readonly code = "unknown";
}

export class PasswordMissing extends OtvError {
  readonly code = "password_missing";
}

export class WrongPassword extends OtvError {
  readonly code = "wrong_password";
  /** Wrong passwords until the link locks, where the server says. */
  readonly guessesLeft: number | null;

  constructor(guessesLeft: number | null) {
    super("wrong password");
    this.guessesLeft = guessesLeft;
  }
}

export class Locked extends OtvError {
  readonly code = "locked";
}

export class IntegrityError extends OtvError {
  readonly code = "integrity";
}

export class Refused extends OtvError {
  readonly code = "refused";
  /** The server's own code: upload_token, too_large, no_room, slow_down, egress_spent, … */
  readonly reason: string;

  constructor(reason: string) {
    super(`refused: ${reason}`);
    this.reason = reason;
  }
}

export class NotYet extends OtvError {
  readonly code = "not_yet";
  readonly opensAt: Date;
  /** How long it is until then by the server's clock, where the server tells that; null elsewhere. */
  readonly waitMs: number | null;

  constructor(opensAt: Date, waitMs: number | null = null) {
    super("not open yet");
    this.opensAt = opensAt;
    this.waitMs = waitMs;
  }
}

/** What this device can't do. */
export type LocalReason =
  | "changed" // a file changed, or can't be read any more, while it was sent
  | "no_room" // less storage than the share needs
  | "too_large_for_memory" // no private storage here, and more than memory takes
  | "storage" // private storage failed
  | "worker" // the browser ended the work: no memory left, or its script didn't load
  | "busy"; // another tab is opening this link

export class LocalError extends OtvError {
  readonly code = "local";
  readonly reason: LocalReason;
  /** The file concerned, as the person named it; empty where it is none. */
  readonly file: string;

  constructor(reason: LocalReason, file = "") {
    super(`local: ${reason}`);
    this.reason = reason;
    this.file = file;
  }
}

export class Interrupted extends OtvError {
  readonly code = "interrupted";
  /** Nothing of what was sent is at the server any more. */
  readonly isTakenBack: boolean;

  constructor(message: string, isTakenBack = true) {
    super(message);
    this.isTakenBack = isTakenBack;
  }
}
