/** The first step: what is sent, and how it may be opened. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { collect } from "../../client";
import type { Entry, Info, Source, Told } from "../../client";
import { namesOf, termsOf } from "../../draft";
import type { Draft, Misfit } from "../../draft";
import { MAX_FILES } from "../../envelope/manifest";
import { OtvError } from "../../errors";
import { checkParcel } from "../../parcel";
import type { Words } from "../../text/en";
import { plain } from "../../text/plain";
import { sentence } from "../../text/told";
import { Field, typed } from "../Field";
import { useSurroundings } from "../context";
import { useArrival } from "../hooks";
import { Picker } from "./Picker";
import type { Order } from "./SendPage";
import { TermsForm } from "./TermsForm";
import { asksForToken } from "./TokenField";
import type { Dropped } from "./dropped";
import { useUnviewable } from "./useUnviewable";

export interface ComposerProps {
  draft: Draft;
  info: Info | null;
  problem: string | null;
  told: string | null;
  /** The upload token that the server didn't take; empty where it wants one and had none. */
  refusedToken: string | null;
  /** Whether this browser can keep a token. */
  canKeep: boolean;
  entries: Entry[];
  onEntries: (entries: Entry[]) => void;
  onChange: (change: Partial<Draft>) => void;
  onProblem: (problem: string | null) => void;
  onGo: (order: Order) => void;
}

export function Composer(props: ComposerProps) {
  const { text } = useSurroundings();
  const { draft, entries, refusedToken, canKeep, onChange } = props;
  const [misfits, setMisfits] = useState<Misfit[]>([]);
  const [skipped, setSkipped] = useState<string[]>([]);
  const { sources, told } = useMemo(() => collect(entries), [entries]);
  const add = useAdd(props, setSkipped);
  const [isReading, take] = useTaking(add);
  const go = useGo(props, sources, isReading, setMisfits);
  const unviewable = useUnviewable(sources, draft.viewOnly);
  const heading = useArrival<HTMLHeadingElement>();
  const said = useReturn(props);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [misfits]);
  return (
    <form class="step composer" noValidate onSubmit={go} ref={form}>
      <h1 ref={heading} tabIndex={-1}>
        {text.send.title}
      </h1>
      <p class="lead">{text.send.intro}</p>
      <Picker
        sources={sources}
        onAdd={add}
        onDropped={take}
        onRemove={(index) => props.onEntries(entries.toSpliced(index, 1))}
        onClear={() => props.onEntries([])}
      />
      <Remarks
        remarks={[...(isReading ? [text.send.reading] : []), ...renamed(told, text), ...skipped]}
      />
      <NoteField hasFiles={sources.length > 0} {...{ draft, onChange }} />
      <TermsForm
        info={props.info}
        {...{ draft, misfits, unviewable, refusedToken, canKeep, onChange }}
      />
      <div class="said" tabIndex={-1} ref={said}>
        {props.told ? <p role="status">{props.told}</p> : null}
        {props.problem ? (
          <p role="alert" class="problem">
            {props.problem}
          </p>
        ) : null}
      </div>
      <button type="submit" class="button main">
        {text.send.go}
      </button>
    </form>
  );
}

/** Back from a sending that failed or was cancelled, the focus goes to what is said of it. */
function useReturn({ told, problem }: ComposerProps) {
  const said = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (told ?? problem) said.current?.focus();
  }, []);
  return said;
}

/** A secret by itself, or words beside files: the same text, under the name that fits. */
function NoteField(props: {
  hasFiles: boolean;
  draft: Draft;
  onChange: (change: Partial<Draft>) => void;
}) {
  const { text } = useSurroundings();
  return (
    <Field
      id="text"
      wide
      label={props.hasFiles ? text.send.note : text.send.text}
      hint={props.hasFiles ? text.send.noteHint : text.send.textHint}
    >
      {(described) => (
        <textarea
          {...described}
          rows={3}
          spellcheck={false}
          autocomplete="off"
          value={props.draft.text}
          onInput={(event) => props.onChange({ text: typed(event) })}
        />
      )}
    </Field>
  );
}

function Remarks({ remarks }: { remarks: readonly string[] }) {
  return (
    <ul class="remarks" aria-live="polite">
      {remarks.map((remark) => (
        <li key={remark}>{remark}</li>
      ))}
    </ul>
  );
}

/** Adds files to those that are there, and keeps in mind what couldn't be added. */
function useAdd(props: ComposerProps, setSkipped: (remarks: string[]) => void) {
  const { text } = useSurroundings();
  const { entries, onEntries, onProblem } = props;
  // A folder takes time to walk; what was chosen meanwhile must not go.
  const latest = useRef(entries);
  latest.current = entries;
  return (found: Dropped): void => {
    if (found.entries.length + found.emptyFolders.length + found.unreadable.length === 0) return;
    const all = [...latest.current, ...found.entries];
    if (all.length > MAX_FILES) return onProblem(text.usage("too_many_files"));
    latest.current = all;
    onEntries(all);
    setSkipped([
      ...found.emptyFolders.map(text.send.skippedFolder),
      ...found.unreadable.map(text.send.skippedFile),
    ]);
    return onProblem(null);
  };
}

/** Walks what was dropped, and tells whether that is under way. */
function useTaking(add: (found: Dropped) => void) {
  const [underway, setUnderway] = useState(0);
  const take = async (finding: Promise<Dropped>): Promise<void> => {
    setUnderway((count) => count + 1);
    try {
      add(await finding);
    } finally {
      setUnderway((count) => count - 1);
    }
  };
  return [underway > 0, take] as const;
}

function renamed(told: readonly Told[], text: Words): string[] {
  return told.map(({ path, name }) => text.send.renamed(plain(path), name));
}

/** What stands for a time that can't be read, in the field's place. */
const UNREADABLE = "?";

/** A date without its time reads as an empty field, which would mean "at once". */
function isHalfTyped(form: EventTarget | null, id: string): boolean {
  if (!(form instanceof HTMLFormElement)) return false;
  const field = form.elements.namedItem(id);
  return field instanceof HTMLInputElement && field.validity.badInput;
}

/** Checks everything that can be known here, then sends; else moves to the first wrong field. */
function useGo(
  props: ComposerProps,
  sources: Source[],
  isReading: boolean,
  setMisfits: (misfits: Misfit[]) => void,
) {
  const { text, now } = useSurroundings();
  const { draft, info, refusedToken, onProblem, onGo } = props;
  return (event: Event): void => {
    event.preventDefault();
    if (!info) return onProblem(text.send.noServer);
    if (isReading) return onProblem(text.send.reading);
    const wantsToken = asksForToken(info, refusedToken);
    const opensAt = isHalfTyped(event.target, "opens-at") ? UNREADABLE : draft.opensAt;
    const terms = termsOf({ ...draft, opensAt }, info.limits, wantsToken, now());
    if (Array.isArray(terms)) {
      setMisfits(terms);
      return onProblem(text.usage("terms"));
    }
    setMisfits([]);
    try {
      checkParcel(sources, terms);
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      return onProblem(sentence(error, text));
    }
    const names = namesOf(draft, terms.links);
    const uploadToken = wantsToken ? draft.token.trim() : "";
    return onGo({ sources, terms, names, uploadToken, keepsToken: draft.keepsToken });
  };
}
