/** What the server allows: asked at the start, and again until it answers. */

import { useEffect, useState } from "preact/hooks";

import type { Info } from "../../answers";
import { OtvError } from "../../errors";
import { useSurroundings } from "../context";

const AGAIN_MS = 5000;

export function useInfo(onProblem: (problem: string | null) => void): Info | null {
  const { client, text } = useSurroundings();
  const [info, setInfo] = useState<Info | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        setInfo(await client.info());
        if (timer) onProblem(null);
      } catch (error) {
        if (!(error instanceof OtvError)) throw error;
        onProblem(text.send.noServer);
        timer = setTimeout(() => void ask(), AGAIN_MS);
      }
    };
    void ask();
    return () => clearTimeout(timer);
  }, [client]);
  return info;
}
