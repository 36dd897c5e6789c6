/** Sending: compose, send, hand out the links. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Entry, SentShare, Source, Terms } from "../../client";
import { newDraft } from "../../draft";
import type { Draft } from "../../draft";
import { Interrupted } from "../../errors";
import { sentence } from "../../text/told";
import { useSurroundings } from "../context";
import { useArrival, useLeaveWarning, usePace } from "../hooks";
import { Meter } from "../Meter";
import { Composer } from "./Composer";
import { Result } from "./Result";
import { SentList } from "./SentList";
import { useInfo } from "./useInfo";

type Stage =
  | { kind: "composing" }
  | { kind: "sending" }
  | { kind: "sent"; share: SentShare; terms: Terms };

/** What is sent on which terms, and the names of its personal links. */
export interface Order {
  sources: Source[];
  terms: Terms;
  names: string[];
  uploadToken: string;
}

export function SendPage() {
  const { text } = useSurroundings();
  const [stage, setStage] = useState<Stage>({ kind: "composing" });
  const [draft, setDraft] = useState<Draft>(newDraft(null));
  const [entries, setEntries] = useState<Entry[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const info = useInfo(setProblem);
  const sending = useSending(setStage, setProblem, setTold);

  useEffect(() => {
    if (info && draft.expires === "") setDraft({ ...newDraft(info.limits), text: draft.text });
  }, [info]);

  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
  }, []);

  if (stage.kind === "sent") {
    const again = (): void => {
      setDraft(newDraft(info?.limits ?? null));
      setEntries([]);
      setStage({ kind: "composing" });
    };
    return <Result share={stage.share} terms={stage.terms} onAnother={again} />;
  }
  if (stage.kind === "sending") {
    return <Sending pace={sending.pace} onCancel={sending.cancel} />;
  }
  return (
    <>
      <Composer
        {...{ draft, info, problem, told }}
        entries={entries}
        onEntries={setEntries}
        onChange={change}
        onProblem={setProblem}
        onGo={(order) => void sending.start(order)}
      />
      <SentList title={text.list.title} />
    </>
  );
}

function Sending(props: { pace: ReturnType<typeof usePace>[0]; onCancel: () => void }) {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  const [isCancelling, setCancelling] = useState(false);
  useLeaveWarning(true);
  return (
    <section class="step">
      <h1 ref={heading} tabIndex={-1}>
        {text.sending.title}
      </h1>
      <Meter name={text.sending.title} pace={props.pace} before={text.sending.preparing} />
      <p class="aside">{text.sending.detail}</p>
      <button
        type="button"
        class="button quiet"
        disabled={isCancelling}
        onClick={() => {
          setCancelling(true);
          props.onCancel();
        }}
      >
        {text.sending.cancel}
      </button>
    </section>
  );
}

/** Runs one sending at a time; what fails goes back to composing, with everything still chosen. */
function useSending(
  setStage: (stage: Stage) => void,
  setProblem: (problem: string | null) => void,
  setTold: (told: string | null) => void,
) {
  const { client, text } = useSurroundings();
  const [pace, progress, reset] = usePace();
  const aborting = useRef<AbortController | null>(null);
  const start = async (order: Order): Promise<void> => {
    reset();
    setProblem(null);
    setTold(null);
    setStage({ kind: "sending" });
    aborting.current = new AbortController();
    const { sources, terms, names, uploadToken } = order;
    const how = { names, progress, signal: aborting.current.signal };
    try {
      const share = await client.send(sources, terms, uploadToken ? { ...how, uploadToken } : how);
      setStage({ kind: "sent", share, terms });
    } catch (error) {
      if (error instanceof Interrupted) setTold(text.sending.cancelled);
      else setProblem(sentence(error, text));
      setStage({ kind: "composing" });
    }
  };
  return { pace, start, cancel: (): void => aborting.current?.abort() };
}
