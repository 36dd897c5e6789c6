/** Sending: compose, send, hand out the links. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Client, Entry, SentShare, Source, Terms } from "../../client";
import { expiring, newDraft, nextDraft } from "../../draft";
import type { Draft } from "../../draft";
import { MAX_FILES } from "../../envelope/manifest";
import { Interrupted, OtvError, Over, Refused, Unknown } from "../../errors";
import type { Shared } from "../../shared";
import type { Words } from "../../text/en";
import { sentence } from "../../text/told";
import { useSurroundings } from "../context";
import { useArrival, useLeaveWarning, usePace } from "../hooks";
import { Meter } from "../Meter";
import { Composer } from "./Composer";
import { Result } from "./Result";
import { SentList } from "./SentList";
import { chosen } from "./dropped";
import { useInfo } from "./useInfo";
import { useKeptToken } from "./useKeptToken";

type Stage =
  | { kind: "composing" }
  | { kind: "sending" }
  | { kind: "sent"; share: SentShare; terms: Terms };

/** What is sent on which terms, and the names of its personal links. */
export interface Order {
  sources: Source[];
  terms: Terms;
  names: string[];
  /** Empty where the server asks for none. */
  uploadToken: string;
  keepsToken: boolean;
}

/** @param shared what another program handed over; "lost": it did, and it didn't arrive. */
export function SendPage({ shared = null }: { shared?: Shared | "lost" | null }) {
  const { text } = useSurroundings();
  const came = shared === "lost" ? null : shared;
  const isTooMany = came !== null && came.files.length > MAX_FILES;
  const [stage, setStage] = useState<Stage>({ kind: "composing" });
  const [draft, setDraft] = useState<Draft>({ ...newDraft(null), text: came?.text ?? "" });
  const [entries, setEntries] = useState<Entry[]>(isTooMany ? [] : chosen(came?.files ?? []));
  const [problem, setProblem] = useState(isTooMany ? text.usage("too_many_files") : null);
  const [told, setTold] = useState<string | null>(shared === "lost" ? text.send.lost : null);
  const [refusedToken, setRefusedToken] = useState<string | null>(null);
  const info = useInfo(setProblem);
  const sending = useSending(setStage, setProblem, setTold, setRefusedToken);

  useEffect(() => {
    if (info) setDraft((before) => expiring(before, info.limits));
  }, [info]);

  const change = useCallback((part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
  }, []);
  const canKeep = useKeptToken(change);

  if (stage.kind === "sent") {
    const again = (): void => {
      setDraft(nextDraft(draft, info?.limits ?? null));
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
        {...{ draft, info, problem, told, refusedToken, canKeep }}
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
  setRefusedToken: (token: string | null) => void,
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
    const { sources, terms, names, uploadToken, keepsToken } = order;
    const how = { names, uploadToken, progress, signal: aborting.current.signal };
    try {
      const share = await client.send(sources, terms, how);
      setStage({ kind: "sent", share, terms });
      if (uploadToken) await keep(client, keepsToken ? uploadToken : "");
    } catch (error) {
      if (error instanceof Interrupted) setTold(cancelled(error, text));
      else if (isTokenRefused(error)) setRefusedToken(uploadToken);
      else setProblem(unsent(error, text));
      setStage({ kind: "composing" });
    }
  };
  return { pace, start, cancel: (): void => aborting.current?.abort() };
}

function cancelled({ isTakenBack }: Interrupted, text: Words): string {
  return isTakenBack ? text.sending.cancelled : text.sending.untold;
}

function unsent(error: unknown, text: Words): string {
  const isEnded = error instanceof Over || error instanceof Unknown;
  return isEnded ? text.sending.ended : sentence(error, text);
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof Refused && error.reason === "upload_token";
}

/** Once it has served; where it can't be kept, it is asked for again, no more. */
async function keep(client: Client, token: string): Promise<void> {
  try {
    await client.keepToken(token);
  } catch (error) {
    if (!(error instanceof OtvError)) throw error;
  }
}
