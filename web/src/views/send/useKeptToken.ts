/** The upload token that this browser keeps, filled in before anybody asks for it. */

import { useEffect, useState } from "preact/hooks";

import type { Draft } from "../../draft";
import { OtvError } from "../../errors";
import { useSurroundings } from "../context";

/** @returns whether this browser can keep one. */
export function useKeptToken(onChange: (change: Partial<Draft>) => void): boolean {
  const { client } = useSurroundings();
  const [canKeep, setCanKeep] = useState(false);
  useEffect(() => {
    const fill = async (): Promise<void> => {
      try {
        const kept = await client.keptToken();
        setCanKeep(kept !== null);
        if (kept) onChange({ token: kept, keepsToken: true });
      } catch (error) {
        if (!(error instanceof OtvError)) throw error; // what can't be read is typed again
      }
    };
    void fill();
  }, [client]);
  return canKeep;
}
