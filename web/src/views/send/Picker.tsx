/** Files: dropped, chosen or pasted; and the list of what is there. */

import { useEffect, useRef, useState } from "preact/hooks";

import type { Entry, Source } from "../../client";
import { bytes } from "../../text/format";
import { useSurroundings } from "../context";
import { CloseSign, DropSign, FileSign } from "../icons";
import { chosen, dropped } from "./dropped";
import type { Dropped } from "./dropped";

const SHOWN = 50; // of up to 4,096: enough to check, and quick to draw

export interface PickerProps {
  sources: readonly Source[];
  onAdd: (found: Dropped) => void;
  /** Folders among what was dropped are still being walked. */
  onDropped: (finding: Promise<Dropped>) => void;
  onRemove: (index: number) => void;
  onClear: () => void;
}

export function Picker({ sources, onAdd, onDropped, onRemove, onClear }: PickerProps) {
  const { text } = useSurroundings();
  const isOver = useDrops(onAdd, onDropped);
  const [zone, removing] = useRemoving(sources);
  const has = sources.length > 0;
  return (
    <div
      ref={zone}
      role="group"
      aria-label={text.send.drop}
      class={`picker${isOver ? " over" : ""}${has ? " has" : ""}`}
    >
      <div class="invitation">
        <DropSign />
        <p>
          <strong>{text.send.drop}</strong> <span>{text.send.dropHint}</span>
        </p>
        <div class="row">
          <FileButton label={text.send.chooseFiles} onChosen={(entries) => onAdd(only(entries))} />
          <FileButton
            label={text.send.chooseFolder}
            isFolder
            onChosen={(entries) => onAdd(only(entries))}
          />
        </div>
      </div>
      {has ? (
        <Chosen
          sources={sources}
          onRemove={(index) => removing(index, () => onRemove(index))}
          onClear={() => removing(0, onClear)}
        />
      ) : null}
    </div>
  );
}

/** The button that removes a file goes with it: the focus moves to the next one, or to choosing. */
function useRemoving(sources: readonly Source[]) {
  const zone = useRef<HTMLDivElement>(null);
  const removed = useRef<number | null>(null);
  useEffect(() => {
    if (removed.current === null) return;
    const buttons = zone.current?.querySelectorAll<HTMLElement>(".files button") ?? [];
    const next = buttons[Math.min(removed.current, buttons.length - 1)];
    (next ?? zone.current?.querySelector("input"))?.focus();
    removed.current = null;
  }, [sources]);
  const removing = (index: number, remove: () => void): void => {
    removed.current = index;
    remove();
  };
  return [zone, removing] as const;
}

function only(entries: Entry[]): Dropped {
  return { entries, emptyFolders: [], unreadable: [] };
}

/** A button that is a file input: the input takes the focus, the label the looks. */
function FileButton(props: {
  label: string;
  isFolder?: boolean;
  onChosen: (entries: Entry[]) => void;
}) {
  return (
    <label class="button quiet file">
      <span>{props.label}</span>
      <input
        type="file"
        multiple
        aria-label={props.label} // WebKit would add its own button's words to those of the label
        {...(props.isFolder ? { webkitdirectory: true } : {})}
        onChange={(event) => {
          const input = event.currentTarget;
          props.onChosen(chosen(input.files ?? []));
          input.value = ""; // so that the same file can be chosen again after it was removed
        }}
      />
    </label>
  );
}

function Chosen({ sources, onRemove, onClear }: Omit<PickerProps, "onAdd" | "onDropped">) {
  const { text } = useSurroundings();
  const size = sources.reduce((sum, source) => sum + source.size, 0);
  return (
    <>
      <ul class="files" aria-label={text.send.chosen}>
        {sources.slice(0, SHOWN).map((source, index) => (
          <li key={source.name}>
            <FileSign />
            <bdi class="name" translate={false}>
              {source.name}
            </bdi>
            <span class="size">{bytes(source.size)}</span>
            <button
              type="button"
              class="icon"
              aria-label={text.send.remove(source.name)}
              onClick={() => onRemove(index)}
            >
              <CloseSign />
            </button>
          </li>
        ))}
        {sources.length > SHOWN ? (
          <li class="more">{text.send.more(sources.length - SHOWN)}</li>
        ) : null}
      </ul>
      <p class="total">
        <span>{text.send.total(sources.length, size)}</span>
        {sources.length > 1 ? (
          <button type="button" class="link" onClick={onClear}>
            {text.send.removeAll}
          </button>
        ) : null}
      </p>
    </>
  );
}

/**
 * Takes drops and pastes anywhere on the page, so that none misses the zone and makes the browser
 * leave the page for the file.
 *
 * @returns whether something that could be dropped is held over the page.
 */
function useDrops(
  onAdd: PickerProps["onAdd"],
  onDropped: PickerProps["onDropped"],
): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      event.preventDefault();
      setOver(event.dataTransfer?.types.includes("Files") ?? false);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer) onDropped(dropped(event.dataTransfer));
    };
    const paste = (event: ClipboardEvent): void => {
      const files = event.clipboardData?.files;
      if (files?.length) onAdd(only(chosen(files)));
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, [onAdd, onDropped]);
  return isOver;
}
