/**
 * Trying again: exponential back-off with jitter, and an end to patience.
 *
 * Every call of the protocol may be sent again as it is (section 7), so what may be retried is
 * decided by the failure alone: no connection, no answer in time, 429, 503 and other 5xx. A 4xx is
 * an answer and never retried.
 */

import type { OtvError } from "./errors";
import { Interrupted } from "./errors";

/** How long to go on without any progress, in seconds. */
export interface Patience {
  /** While the server has never answered; a wrong address shows soon. */
  firstContactS: number;
  /** Once it has. */
  totalS: number;
  /** Before the second attempt; doubled each time. */
  firstWaitS: number;
  /** No wait is longer, whatever `Retry-After` says. */
  longestWaitS: number;
}

/** Long enough for a lift or a tunnel: a phone loses its network more often than a server does. */
export const PATIENCE: Patience = {
  firstContactS: 6,
  totalS: 300,
  firstWaitS: 0.5,
  longestWaitS: 20,
};

/** For a look that somebody waits for, and can take again: five minutes would be a page that hangs. */
export const GLANCE: Patience = { firstContactS: 6, totalS: 15, firstWaitS: 0.5, longestWaitS: 5 };

/** For a last word that nobody waits for. */
export const BRIEF: Patience = { firstContactS: 3, totalS: 3, firstWaitS: 0.5, longestWaitS: 1 };

/**
 * What one attempt takes off the patience at most, in seconds. A part that was cut near its end
 * after ten slow minutes, and a device that slept in an attempt, have not waited in vain for long.
 */
const LONGEST_STEP_S = 60;

/** Time, as far as waiting needs it. */
export interface Clock {
  /** Seconds; they only ever grow. */
  seconds(): number;
  /** From 0 up to 1. */
  jitter(): number;
  /** Returns after so many seconds, sooner where another attempt may succeed or the signal aborts. */
  pause(seconds: number, signal: AbortSignal): Promise<void>;
}

/** This device's clock; a pause ends when its network comes back. */
export const deviceClock: Clock = {
  seconds: () => performance.now() / 1000,
  jitter: Math.random,
  pause: (seconds, signal) =>
    new Promise((resolve) => {
      const over = new AbortController();
      const end = (): void => {
        clearTimeout(timer);
        over.abort();
        resolve();
      };
      const timer = setTimeout(end, seconds * 1000);
      signal.addEventListener("abort", end, { signal: over.signal });
      // Pages and workers hear of the network; Node, which runs the tests, doesn't.
      globalThis.addEventListener?.("online", end, { signal: over.signal });
      if (signal.aborted) end();
    }),
};

/** An attempt that failed in a way that may pass. */
export class Transient extends Error {
  /** What to throw when patience is at its end. */
  readonly final: OtvError;
  /** Seconds that the server asks to wait, or null. */
  readonly retryAfterS: number | null;

  constructor(final: OtvError, retryAfterS: number | null = null) {
    super(final.message);
    this.final = final;
    this.retryAfterS = retryAfterS;
  }
}

/**
 * A controller of its own whose signal ends with any of the others, too. Abort it when it is not
 * needed any more: that lets go of the others. (`AbortSignal.any` is too young.)
 */
export function linked(...outer: AbortSignal[]): AbortController {
  const own = new AbortController();
  const stop = (): void => own.abort();
  for (const signal of outer) {
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { signal: own.signal });
  }
  return own;
}

/** Throws where the person has stopped it. */
export function checkStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new Interrupted("stopped");
}

/** Makes attempts until one succeeds, one fails for good, or patience ends. For one operation. */
export class Retrying {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly patience: Patience;
  /** The server has answered at least once. */
  hasAnswered: boolean;

  constructor(clock: Clock, signal: AbortSignal, patience = PATIENCE, hasAnswered = false) {
    this.clock = clock;
    this.signal = signal;
    this.patience = patience;
    this.hasAnswered = hasAnswered;
  }

  /** The result of the first attempt that succeeds. */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(this);
    for (;;) {
      checkStopped(this.signal);
      try {
        // Attempts come one after the other: that is what they are.
        return await attempt();
      } catch (error) {
        await backoff.wait(error);
      }
    }
  }
}

/** The waits of one call; `progress` starts them and the patience anew. */
export class Backoff {
  readonly #retrying: Retrying;
  #attempts = 0;
  #spentS = 0;
  #lookedAt: number;

  constructor(retrying: Retrying) {
    this.#retrying = retrying;
    this.#lookedAt = retrying.clock.seconds();
  }

  /** Something arrived: patience is whole again. */
  progress(): void {
    this.#attempts = 0;
    this.#spentS = 0;
    this.#lookedAt = this.#retrying.clock.seconds();
  }

  /** Wait before the next attempt; throws what can't pass, and what failed at the end of patience. */
  async wait(failure: unknown): Promise<void> {
    const { clock, signal, patience, hasAnswered } = this.#retrying;
    checkStopped(signal);
    if (!(failure instanceof Transient)) throw failure;
    this.#spend();
    const delay = this.#delay(failure.retryAfterS ?? 0);
    const total = hasAnswered ? patience.totalS : patience.firstContactS;
    if (this.#spentS + delay > total) throw failure.final;
    this.#attempts += 1;
    await clock.pause(delay, signal);
    checkStopped(signal);
  }

  #spend(): void {
    const now = this.#retrying.clock.seconds();
    this.#spentS += Math.min(now - this.#lookedAt, LONGEST_STEP_S);
    this.#lookedAt = now;
  }

  #delay(retryAfterS: number): number {
    const { patience, clock } = this.#retrying;
    const grown = Math.min(patience.firstWaitS * 2 ** this.#attempts, patience.longestWaitS);
    const jittered = grown * (0.5 + clock.jitter() / 2);
    return Math.min(Math.max(jittered, retryAfterS), patience.longestWaitS);
  }
}
