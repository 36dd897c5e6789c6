/** What came: the note, the files to save or view, and "Done", which wipes. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Opened, OpenedFile } from "../../client";
import type { Words } from "../../text/en";
import { plain } from "../../text/plain";
import { useSurroundings } from "../context";
import { useArrival, useLeaveWarning } from "../hooks";
import { FileList } from "./FileList";
import { useDone } from "./useDone";
import type { Done, Ending } from "./useDone";
import { useSaving } from "./useSaving";

export interface ContentsProps {
  opened: Opened;
  onAcknowledged: () => void;
  onEnded: (ending: Ending) => void;
}

export function Contents(props: ContentsProps) {
  const { text } = useSurroundings();
  const { opened } = props;
  const heading = useArrival<HTMLHeadingElement>();
  const [isTold, acknowledge] = useAcknowledging(props);
  const [viewed, setViewed] = useState<OpenedFile | null>(null);
  const saving = useSaving(opened, acknowledge);
  const hasFiles = opened.files.length > 0;
  const isUnsaved = hasFiles && !opened.view && !saving.hasSaved;
  useLeaveWarning(isUnsaved);
  const done = useDone(opened, saving, acknowledge, (ending) => {
    props.onAcknowledged();
    props.onEnded(ending);
  });
  useEffect(() => {
    // A note alone is received once it is shown; files once they are durable, or saved.
    if (opened.isDurable || !hasFiles) void acknowledge();
  }, []);
  return (
    <section class="step contents">
      <h1 ref={heading} tabIndex={-1}>
        {text.contents.title}
      </h1>
      {opened.view ? <p class="courtesy">{text.contents.viewOnly}</p> : null}
      {opened.note ? <Note note={opened.note} canCopy={!opened.view} /> : null}
      {hasFiles ? (
        <FileList
          {...{ opened, saving, viewed }}
          onView={(file) => {
            if (opened.view) void acknowledge(); // there is no "Save" to wait for
            setViewed(file);
          }}
          onClose={() => setViewed(null)}
        />
      ) : null}
      {isUnsaved && !opened.isDurable ? (
        <p class="problem">{text.contents.keepOpen}</p>
      ) : null}
      {isTold === false ? <p role="status">{text.contents.untold}</p> : null}
      <End {...{ opened, done, isUnsaved }} hasSaved={saving.hasSaved} />
    </section>
  );
}

interface EndProps {
  opened: Opened;
  done: Done;
  hasSaved: boolean;
  /** Files that are for saving, and have not been: "Done" isn't the next thing to do. */
  isUnsaved: boolean;
}

/** "Done", and what it does and doesn't do. */
function End({ opened, done, hasSaved, isUnsaved }: EndProps) {
  const { text, now } = useSurroundings();
  const { isWaiting, isStuck, press } = done;
  const hint = hasSaved ? text.contents.saving : unsavedHint(opened, isUnsaved, text);
  return (
    <>
      {isStuck ? (
        <p role="alert" class="problem">
          {text.contents.stuck}
        </p>
      ) : null}
      <div class="row end">
        <button type="button" class={isUnsaved ? "button quiet" : "button main"} onClick={press}>
          {isWaiting ? text.contents.wipeNow : text.contents.done}
        </button>
        <p class="hint" role="status">
          {isWaiting ? text.contents.waiting : hint}{" "}
          {opened.isDurable ? text.contents.lapses(opened.until, now()) : null}
        </p>
      </div>
    </>
  );
}

function unsavedHint({ files }: Opened, isUnsaved: boolean, text: Words): string {
  if (files.length === 0) return text.contents.doneNote;
  return isUnsaved ? text.contents.doneUnsaved : text.contents.doneViewed;
}

/** Tells the sender, once; the secret leaves the address bar with it. */
function useAcknowledging({ opened, onAcknowledged }: ContentsProps) {
  const [isTold, setTold] = useState<boolean | null>(null);
  const acknowledge = useCallback(async (): Promise<void> => {
    const told = await opened.acknowledge();
    setTold(told);
    // Until the sender is told, a reload needs the secret to go on.
    if (told) onAcknowledged();
  }, [opened]);
  return [isTold, acknowledge] as const;
}

function Note({ note, canCopy }: { note: string; canCopy: boolean }) {
  const { text } = useSurroundings();
  const [isCopied, setCopied] = useState(false);
  const shown = useRef<HTMLPreElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(note);
      setCopied(true);
    } catch {
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
    }
  };
  return (
    <section class="note" aria-labelledby="note-title">
      <div class="head">
        <h2 id="note-title">{text.contents.note}</h2>
        {canCopy ? (
          <button type="button" class="link" onClick={() => void copy()}>
            {isCopied ? text.sent.copied : text.contents.copyNote}
          </button>
        ) : null}
      </div>
      {/* Never for a browser's translator, which is somebody's server. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a long note scrolls: the keyboard must get there */}
      <pre dir="auto" translate={false} ref={shown} tabIndex={0}>
        {plain(note)}
      </pre>
    </section>
  );
}
