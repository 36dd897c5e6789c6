/** What sending and opening take from outside, in one place, so that tests can give their own. */

import { primitives } from "./crypto";
import type { Random } from "./crypto";
import type { Http } from "./exchange";
import type { PrivateStorage } from "./private";
import { openPrivate } from "./private";
import type { Clock } from "./retry";
import { deviceClock } from "./retry";
import type { State } from "./state";
import { openState } from "./state";
import { browserHttp } from "./transport";
import type { Workers } from "./workers";
import { browserWorkers } from "./workers";

/** Told bytes done and, where it is known, bytes in all. */
export type Progress = (done: number, total: number | null) => void;

/** Something that only one tab can have. */
export interface Held {
  release(): void;
}

export interface Locks {
  /** Null where another tab holds it, and goes on holding it for so long. */
  hold(name: string, patienceMs: number): Promise<Held | null>;
}

/** What outlasts a reload of this tab, and not the tab: one word, empty at first. */
export interface Session {
  get(): string;
  set(word: string): void;
}

/** Randomness, clocks, memory, network and workers. */
export interface World {
  random: Random;
  now: () => Date;
  clock: Clock;
  http: Http;
  /** Where records are kept, or null where the browser keeps none. */
  state: () => Promise<State | null>;
  /** Where content is kept, or null where the browser has no such place. */
  storage: () => Promise<PrivateStorage | null>;
  locks: Locks;
  workers: Workers;
  session: Session;
  /** Rings once, then. Returns what stops it. */
  alarm: (at: Date, ring: () => void) => () => void;
}

/** This browser. */
export function browserWorld(): World {
  return {
    random: primitives.random,
    now: () => new Date(),
    clock: deviceClock,
    http: browserHttp,
    state: patiently(openState),
    storage: patiently(openPrivate),
    locks: browserLocks,
    workers: browserWorkers,
    session: tabSession,
    alarm,
  };
}

/** Stores take milliseconds to open, on a device that starts perhaps seconds. */
const OPENING_MS = 10_000;

/** Opened once. Some browsers never answer; after a while it is as if they had no such store. */
function patiently<T>(open: () => Promise<T | null>): () => Promise<T | null> {
  let opened: Promise<T | null> | undefined;
  let late: Promise<null> | undefined;
  return () => {
    opened ??= open();
    late ??= new Promise((resolve) => setTimeout(() => resolve(null), OPENING_MS));
    return Promise.race([opened, late]);
  };
}

const nobody: Held = { release: () => {} };

const browserLocks: Locks = {
  hold(name, patienceMs) {
    const { locks } = navigator as { locks?: LockManager };
    if (!locks) return Promise.resolve(nobody); // plain HTTP: go without
    return new Promise((resolve) => {
      const held = (lock: Lock | null): Promise<void> | undefined => {
        if (lock) return new Promise((release) => resolve({ release }));
        resolve(null);
        return undefined;
      };
      const how = patienceMs
        ? { signal: AbortSignal.timeout(patienceMs) }
        : ({ ifAvailable: true } as const);
      locks.request(name, how, held).catch(() => resolve(null));
    });
  },
};

const SESSION_KEY = "otv-opened";

const tabSession: Session = {
  get() {
    try {
      return sessionStorage.getItem(SESSION_KEY) ?? "";
    } catch {
      return ""; // switched off: a reload then shows what any other tab would
    }
  },
  set(word) {
    try {
      sessionStorage.setItem(SESSION_KEY, word);
    } catch {
      // As above.
    }
  },
};

/** A timer stands still while its device sleeps, so the clock is looked at now and then. */
const LOOK_EVERY_MS = 30_000;

function alarm(at: Date, ring: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const look = (): void => {
    const left = at.getTime() - Date.now();
    if (left <= 0) ring();
    else timer = setTimeout(look, Math.min(left, LOOK_EVERY_MS));
  };
  timer = setTimeout(look); // never before whoever sets it has gone on
  return () => clearTimeout(timer);
}
