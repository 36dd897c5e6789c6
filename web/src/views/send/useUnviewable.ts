/** How many of the chosen files a browser can't show: said before a view-only share is sent. */

import { useEffect, useState } from "preact/hooks";

import type { Source } from "../../parcel";
import { howToView } from "../../viewing";

/** @param isActive look at the files only where it matters. */
export function useUnviewable(sources: readonly Source[], isActive: boolean): number {
  const [unviewable, setUnviewable] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    if (!isActive) return undefined;
    void countUnviewable(sources).then((count) => {
      if (isCurrent) setUnviewable(count);
    });
    return () => {
      isCurrent = false;
    };
  }, [sources, isActive]);
  return unviewable;
}

async function countUnviewable(sources: readonly Source[]): Promise<number> {
  let count = 0;
  for (const source of sources) {
    // A file that can't be read is found, and said, when it is sent.
    const how = await howToView(source).catch(() => undefined);
    if (how === null) count += 1;
  }
  return count;
}
