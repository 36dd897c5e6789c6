/** What became of a share, looked at again and again while somebody looks. */

import { useCallback, useEffect, useState } from "preact/hooks";

import type { ShareRecord, ShareStatus } from "../../client";
import { OtvError, Unknown } from "../../errors";
import { useSurroundings } from "../context";

const FIRST_MS = 2000;
const LONGEST_MS = 15_000;
const SLOWER = 1.15;

export interface Watched {
  status: ShareStatus | null;
  /** The last look got no answer. */
  isStale: boolean;
  /** The server knows nothing of it any more. */
  isForgotten: boolean;
  /** Look now, as after a change of one's own. */
  look: () => Promise<void>;
}

/** @param isLive look again by itself, at first every two seconds, then more and more seldom. */
export function useStatus(record: ShareRecord, isLive: boolean): Watched {
  const { client } = useSurroundings();
  const [status, setStatus] = useState<ShareStatus | null>(null);
  const [isStale, setStale] = useState(false);
  const [isForgotten, setForgotten] = useState(false);
  const look = useCallback(async (): Promise<void> => {
    try {
      setStatus(await client.status(record));
      setStale(false);
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      if (error instanceof Unknown) setForgotten(true);
      else setStale(true);
    }
  }, [client, record]);
  const isOver = isForgotten || status?.state === "gone";
  useEffect(() => void look(), [look]);
  useRepeat(look, isLive && !isOver);
  return { status, isStale, isForgotten, look };
}

/** Calls again after ever longer waits; not while the page is hidden, and at once when it shows. */
function useRepeat(call: () => Promise<void>, isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return undefined;
    let wait = FIRST_MS;
    let timer: ReturnType<typeof setTimeout>;
    const next = (): void => {
      timer = setTimeout(async () => {
        if (!document.hidden) await call();
        wait = Math.min(wait * SLOWER, LONGEST_MS);
        next();
      }, wait);
    };
    const shown = (): void => {
      if (document.hidden) return;
      wait = FIRST_MS;
      void call();
    };
    next();
    document.addEventListener("visibilitychange", shown);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [call, isActive]);
}
