/** Saving what came: one file, or all as an archive. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { Opened, OpenedFile } from "../../client";
import { OtvError } from "../../errors";
import { useSurroundings } from "../context";

export interface Saving {
  hasSaved: boolean;
  isPacking: boolean;
  problem: string | null;
  saveFile: (file: OpenedFile) => void;
  saveAll: () => void;
}

/** @param onSaved hears of each file that the browser was given. */
export function useSaving(opened: Opened, onSaved: () => Promise<void>): Saving {
  const { text } = useSurroundings();
  const [hasSaved, setSaved] = useState(false);
  const [isPacking, setPacking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const give = useGiving();
  const saved = (blob: Blob, name: string): void => {
    give(blob, name);
    setSaved(true);
    void onSaved();
  };
  const saveAll = async (): Promise<void> => {
    setPacking(true);
    setProblem(null);
    try {
      const zip = await opened.zip({ progress: () => undefined, signal: opened.ending });
      saved(zip, text.contents.archive);
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      setProblem(text.contents.failed);
    } finally {
      setPacking(false);
    }
  };
  return {
    hasSaved,
    isPacking,
    problem,
    saveFile: (file) => saved(file.blob, lastOf(file.name)),
    saveAll: () => void saveAll(),
  };
}

/**
 * Gives a file to the browser to save.
 *
 * Its address lives as long as the step: a browser reads from it until the last byte is saved.
 */
function useGiving(): (blob: Blob, name: string) => void {
  const urls = useRef<string[]>([]);
  useEffect(() => () => urls.current.forEach((url) => URL.revokeObjectURL(url)), []);
  return (blob, name) => {
    const url = URL.createObjectURL(blob);
    urls.current.push(url);
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = name;
    anchor.click();
  };
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
