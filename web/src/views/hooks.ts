/** Small hooks that several views share. */

import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Progress } from "../client";
import { Pacer } from "../pace";
import type { Pace } from "../pace";

/** Moves the focus to a new step's heading, so that a screen reader says where one is. */
export function useArrival<T extends HTMLElement>(): RefObject<T | null> {
  const heading = useRef<T>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  useEffect(() => window.scrollTo(0, 0), []);
  return heading;
}

/** While `isActive`, the browser asks before the page is left. */
export function useLeaveWarning(isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [isActive]);
}

/** The pace of a transfer, and what its progress is told to. */
export function usePace(): [Pace | null, Progress, () => void] {
  const [pace, setPace] = useState<Pace | null>(null);
  const pacer = useRef(new Pacer());
  const progress = useCallback<Progress>((done, total) => {
    setPace(pacer.current.add(done, total, performance.now()));
  }, []);
  const reset = useCallback(() => {
    pacer.current = new Pacer();
    setPace(null);
  }, []);
  return [pace, progress, reset];
}

/** Whether the device has a network, as far as the browser knows. */
export function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = (): void => setOnline(navigator.onLine);
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);
  return isOnline;
}

/** Renders again every second, for what counts down. */
export function useTick(isActive = true): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!isActive) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
    return () => clearInterval(timer);
  }, [isActive]);
}
