/** The files that came, with what can be done with each. */

import { useEffect, useState } from "preact/hooks";

import type { Opened, OpenedFile } from "../../client";
import { bytes } from "../../text/format";
import { plain } from "../../text/plain";
import { preview } from "../../text/viewer";
import type { Viewable } from "../../viewable";
import { howToView } from "../../viewing";
import { Viewer } from "../Viewer";
import { useSurroundings } from "../context";
import { FileSign } from "../icons";
import type { Saving } from "./useSaving";

const SHOWN_FIRST = 200; // of up to 4,096; more on demand

export interface FileListProps {
  opened: Opened;
  saving: Saving;
  viewed: OpenedFile | null;
  onView: (file: OpenedFile) => void;
  onClose: () => void;
}

export function FileList({ opened, saving, viewed, onView, onClose }: FileListProps) {
  const { text } = useSurroundings();
  const [shown, setShown] = useState(SHOWN_FIRST);
  const { files } = opened;
  const isUnsaved = !saving.hasSaved;
  return (
    <section class="received" aria-labelledby="files-title">
      <div class="head">
        <h2 id="files-title">{text.contents.files}</h2>
        <p class="hint">
          {text.send.total(files.length, files.reduce((sum, file) => sum + file.size, 0))}
        </p>
      </div>
      <ul class="files" aria-label={text.contents.files}>
        {files.slice(0, shown).map((file, index) => (
          <li key={file.name}>
            <FileRow
              {...{ file, index, onView, onClose }}
              canSave={!opened.view}
              isNext={isUnsaved && files.length === 1}
              onSave={saving.saveFile}
              isViewed={viewed === file}
            />
          </li>
        ))}
      </ul>
      {files.length > shown ? (
        <button type="button" class="link" onClick={() => setShown(files.length)}>
          {text.send.more(files.length - shown)}
        </button>
      ) : null}
      {files.length > 1 && !opened.view ? (
        <button
          type="button"
          class={isUnsaved ? "button main" : "button quiet"}
          disabled={saving.isPacking}
          onClick={saving.saveAll}
        >
          {saving.isPacking ? text.contents.packing : text.contents.saveAll}
        </button>
      ) : null}
      {saving.problem ? (
        <p role="alert" class="problem">
          {saving.problem}
        </p>
      ) : null}
    </section>
  );
}

interface FileRowProps {
  file: OpenedFile;
  index: number;
  canSave: boolean;
  /** Saving it is the next thing to do. */
  isNext: boolean;
  isViewed: boolean;
  onSave: (file: OpenedFile) => void;
  onView: (file: OpenedFile) => void;
  onClose: () => void;
}

function FileRow(props: FileRowProps) {
  const { file, index, canSave, isNext, isViewed, onSave, onView, onClose } = props;
  const { text } = useSurroundings();
  const kind = useViewable(file);
  const nameId = `file-${index}`;
  return (
    <>
      <FileSign />
      <bdi class="name" id={nameId} translate={false}>
        {plain(file.name)}
      </bdi>
      <span class="size">{bytes(file.size)}</span>
      <span class="actions">
        {canSave ? (
          <button
            type="button"
            class={isNext ? "button main" : "button quiet"}
            aria-describedby={nameId}
            onClick={() => onSave(file)}
          >
            {text.contents.save}
          </button>
        ) : null}
        {kind ? (
          <button
            type="button"
            class="button quiet"
            aria-describedby={nameId}
            onClick={() => onView(file)}
          >
            {text.contents.view}
          </button>
        ) : null}
      </span>
      {kind === null && !canSave ? <p class="hint">{text.contents.unviewable}</p> : null}
      {kind && isViewed ? (
        <Viewer file={file} viewable={kind} words={preview} onClose={onClose} />
      ) : null}
    </>
  );
}

/** How a file can be viewed: null where it can't, undefined until its first bytes were looked at. */
function useViewable(file: OpenedFile): Viewable | null | undefined {
  const [kind, setKind] = useState<Viewable | null>();
  useEffect(() => {
    // What can't be read can't be viewed; saving it will say so.
    void howToView(file).then(setKind, () => setKind(null));
  }, [file]);
  return kind;
}
