/** Saving what came: one file, or all as an archive. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { Opened, OpenedFile } from "../../client";
import { OtvError } from "../../errors";
import { useSurroundings } from "../context";
import { isAllGiven } from "./saved";

/** What a slow disk takes, in bytes a second, and what any browser needs to begin. */
const SLOW_DISK = 25_000_000;
const BEGINNING_S = 2;

export interface Saving {
  /** The browser was given a file, and from memory every one: nothing is lost with this page. */
  hasSaved: boolean;
  isPacking: boolean;
  problem: string | null;
  /** How often saving has failed so far. */
  failures: number;
  saveFile: (file: OpenedFile) => void;
  saveAll: () => void;
  /**
   * Seconds until the browser should have saved what it was given. It doesn't say when it has, and
   * what is wiped before then is lost: Chromium cancels the download.
   */
  leftS: () => number;
}

/** @param onSaved hears of each file that the browser was given, once `hasSaved` is true. */
export function useSaving(opened: Opened, onSaved: () => Promise<void>): Saving {
  const { text } = useSurroundings();
  const [hasSaved, setSaved] = useState(false);
  const [isPacking, setPacking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [failures, setFailures] = useState(0);
  const give = useGiving();
  const savedAt = useRef(0);
  const given = useRef(new Set<OpenedFile>());
  const saved = (blob: Blob, name: string, files: readonly OpenedFile[]): void => {
    give(blob, name);
    const takesS = BEGINNING_S + blob.size / SLOW_DISK;
    savedAt.current = Math.max(savedAt.current, seconds()) + takesS;
    for (const file of files) given.current.add(file);
    if (!opened.isDurable && !isAllGiven(opened.files, given.current)) return;
    setSaved(true);
    void onSaved();
  };
  const saveAll = async (): Promise<void> => {
    setPacking(true);
    setProblem(null);
    try {
      const zip = await opened.zip({ progress: () => undefined, signal: opened.ending });
      saved(zip, text.contents.archive, opened.files);
    } catch (error) {
      setProblem(text.contents.failed);
      setFailures((count) => count + 1);
      if (!(error instanceof OtvError)) throw error;
    } finally {
      setPacking(false);
    }
  };
  return {
    hasSaved,
    isPacking,
    problem,
    failures,
    saveFile: (file) => {
      setProblem(null);
      saved(file.blob, lastOf(file.name), [file]);
    },
    saveAll: () => void saveAll(),
    leftS: () => (isPacking ? Infinity : Math.max(0, Math.ceil(savedAt.current - seconds()))),
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

function seconds(): number {
  return performance.now() / 1000;
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
