/** A preview of one file: a dialog around the sandboxed viewer (`viewing.ts`). */

import type { RefObject } from "preact";
import { useId, useLayoutEffect, useReducer, useRef } from "preact/hooks";

import "../styles/viewer.css";
import { bytes } from "../text/format";
import { plain } from "../text/plain";
import type { PreviewWords } from "../text/viewer";
import type { Viewable } from "../viewable";
import type { FailureCode } from "../viewer-messages";
import type { Told, ViewedFile } from "../viewing";
import { VIEWER_SANDBOX, VIEWER_URL, converse, showing } from "../viewing";
import { CloseSign } from "./icons";

export interface ViewerProps {
  file: ViewedFile;
  /** How to show it, as `howToView` said. */
  viewable: Viewable;
  words: PreviewWords;
  /** Called for the button, for Escape, and for Escape inside the frame. */
  onClose: () => void;
}

export function Viewer({ file, viewable, words, onClose }: ViewerProps) {
  const titleId = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const frame = useRef<HTMLIFrameElement>(null);
  const [{ height, pages, failure }, learn] = useReducer(learned, NOTHING_YET);
  useModal(dialog);
  useConversation(frame, { file, viewable, words, onClose }, learn);
  const isLoading = height === null && failure === null;
  return (
    <dialog
      ref={dialog}
      class={`viewer ${viewable.kind}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault(); // what is rendered decides what is open
        onClose();
      }}
    >
      <header>
        <div>
          <h2 id={titleId}>
            <bdi translate={false}>{plain(file.name)}</bdi>
          </h2>
          <p role="status">
            {isLoading ? words.loading : [bytes(file.size), ...counted(pages, words)].join(" · ")}
          </p>
        </div>
        <button type="button" class="icon" aria-label={words.close} onClick={onClose}>
          <CloseSign />
        </button>
      </header>
      {failure === null ? (
        <iframe
          ref={frame}
          title={words.frame(plain(file.name))}
          sandbox={VIEWER_SANDBOX}
          src={VIEWER_URL}
          style={{ "--height": `${height ?? 0}px` }}
        />
      ) : (
        <p class="problem" role="alert">
          {words.failures[failure]}
        </p>
      )}
    </dialog>
  );
}

function counted(pages: number | null, words: PreviewWords): string[] {
  return pages === null ? [] : [words.pages(pages)];
}

interface Known {
  /** In CSS pixels; null until something is shown. */
  height: number | null;
  pages: number | null;
  failure: FailureCode | null;
}

const NOTHING_YET: Known = { height: null, pages: null, failure: null };

function learned(known: Known, told: Told): Known {
  switch (told.type) {
    case "height":
      return { ...known, height: told.height };
    case "pages":
      return { ...known, pages: told.count };
    case "failed":
      return { ...known, failure: told.code };
    case "silent":
      return { ...known, failure: "silent" };
    default:
      return known;
  }
}

/** Open as a modal dialog while it is there; the focus goes back where it was. */
function useModal(dialog: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, [dialog]);
}

/** Hand the file into the frame, from before the frame can say that it is ready. */
function useConversation(
  frame: RefObject<HTMLIFrameElement | null>,
  { file, viewable, words, onClose }: ViewerProps,
  learn: (told: Told) => void,
): void {
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    if (!frame.current) return undefined;
    const show = showing(file, viewable, words.viewer);
    return converse(frame.current, show, (told) =>
      told.type === "leave" ? close.current() : learn(told),
    );
  }, [frame, file, viewable, words]);
}
