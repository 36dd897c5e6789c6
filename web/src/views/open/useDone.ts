/** "Done": wipes at once, or as soon as the browser should have saved what it was given. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { Opened } from "../../client";
import { LocalError } from "../../errors";
import { useTick } from "../hooks";
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
  const [isWaiting, setWaiting] = useState(false);
  const [isStuck, setStuck] = useState(false);
  const isOurs = useRef(false);
  useTick(isWaiting);
  const isSaved = saving.leftS() === 0;
  const wipe = async (): Promise<void> => {
    isOurs.current = true;
    setWaiting(false);
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
    if (isWaiting && isSaved) void wipe();
  }, [isWaiting, isSaved]);
  useEffect(() => {
    const lapse = (): void => {
      if (!isOurs.current) onEnded("lapsed");
    };
    opened.ending.addEventListener("abort", lapse);
    return () => opened.ending.removeEventListener("abort", lapse);
  }, [opened]);
  const press = (): void => {
    if (isWaiting || isSaved) void wipe();
    else setWaiting(true);
  };
  return { isWaiting, isStuck, press };
}
