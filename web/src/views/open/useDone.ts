/** "Done": wipes at once, or as soon as the browser should have saved what it was given. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { Opened } from "../../client";
import { LocalError } from "../../errors";
import { useTick } from "../hooks";
import { nextOf } from "./saved";
import type { Saving } from "./useSaving";

export interface Done {
  /** Pressed, and waiting until the browser should have saved what it was given. */
  isWaiting: boolean;
  /** The browser holds on to a file, so that it couldn't be wiped. */
  isStuck: boolean;
  /** Wipe; the second press doesn't wait. */
  press: () => void;
}

/** What becomes of the step: `wiped` by the person, `lapsed` at the lease's end. */
export type Ending = "wiped" | "lapsed";

/** @param acknowledge tells the sender; nothing here waits for the network. */
export function useDone(
  opened: Opened,
  saving: Saving,
  acknowledge: () => Promise<void>,
  onEnded: (ending: Ending) => void,
): Done {
  const [failuresBefore, setWaiting] = useState<number | null>(null);
  const [isStuck, setStuck] = useState(false);
  const isOurs = useRef(false);
  const isWaiting = failuresBefore !== null;
  useTick(isWaiting);
  const { failures } = saving;
  const next = nextOf(saving.leftS(), { now: failures, before: failuresBefore ?? failures });
  const wipe = async (): Promise<void> => {
    isOurs.current = true;
    setWaiting(null);
    void acknowledge();
    try {
      await opened.wipe();
      onEnded("wiped");
    } catch (error) {
      if (!(error instanceof LocalError)) throw error;
      setStuck(true);
    }
  };
  useEffect(() => {
    if (isWaiting && next === "wipe") void wipe();
    if (next === "stay") setWaiting(null);
  }, [isWaiting, next]);
  useEffect(() => {
    const lapse = (): void => {
      if (!isOurs.current) onEnded("lapsed");
    };
    opened.ending.addEventListener("abort", lapse);
    return () => opened.ending.removeEventListener("abort", lapse);
  }, [opened]);
  const press = (): void => {
    // Asked anew: what was given to the browser since the last rendering takes its time, too.
    if (isWaiting || saving.leftS() === 0) void wipe();
    else setWaiting(failures);
  };
  return { isWaiting, isStuck, press };
}
