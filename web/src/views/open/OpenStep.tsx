/** The step before the one that spends: what it is, until when, and that opening spends it. */

import { useEffect, useRef, useState } from "preact/hooks";

import { Interrupted, LocalError, UsageError, WrongPassword } from "../../errors";
import type { Opened } from "../../client";
import { sentence } from "../../text/told";
import { wantsPassword } from "../../link";
import { clock } from "../../text/format";
import { Field } from "../Field";
import { Meter } from "../Meter";
import { SecretInput } from "../SecretInput";
import { useSurroundings } from "../context";
import { useArrival, usePace } from "../hooks";
import type { Ready } from "./OpenPage";

const PROBLEM_ID = "open-problem";
const PROBLEMATIC = { "aria-describedby": PROBLEM_ID, "aria-invalid": true } as const;

export interface OpenStepProps {
  ready: Ready;
  onOpened: (opened: Opened) => void;
  onFailed: (error: unknown) => void;
}

export function OpenStep(props: OpenStepProps) {
  const [password, setPassword] = useState("");
  const opening = useOpening(props);
  if (opening.isRunning) return <Opening pace={opening.pace} onPause={opening.pause} />;
  return <ReadyForm ready={props.ready} {...{ opening, password, setPassword }} />;
}

interface ReadyFormProps {
  ready: Ready;
  opening: ReturnType<typeof useOpening>;
  password: string;
  setPassword: (password: string) => void;
}

function ReadyForm({ ready, opening, password, setPassword }: ReadyFormProps) {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  const form = useReturn(opening);
  return (
    <form
      class="step open"
      noValidate
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        void opening.start(password);
      }}
    >
      <h1 ref={heading} tabIndex={-1}>
        {text.open.title}
      </h1>
      <p class="lead">{ready.isBegun ? text.open.begun : text.open.lead(ready.view.opensLeft)}</p>
      <Facts ready={ready} />
      {wantsPassword(ready.link) ? (
        <PasswordAsked {...{ password }} problem={opening.problem} onChange={setPassword} />
      ) : null}
      <Problem text={opening.problem} />
      {opening.remark ? <p role="status">{opening.remark}</p> : null}
      <button type="submit" class="button main">
        {text.open.go}
      </button>
    </form>
  );
}

/** After an opening that failed or was stopped, the focus goes to what can be done next. */
function useReturn({ problem, remark }: ReturnType<typeof useOpening>) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const next = form.current?.querySelector<HTMLElement>("input, [type=submit]");
    if (problem ?? remark) next?.focus();
  }, [problem, remark]);
  return form;
}

function Facts({ ready }: { ready: Ready }) {
  const { text, now } = useSurroundings();
  const { view } = ready;
  return (
    <dl class="facts">
      <div>
        <dt>{text.open.size}</dt>
        <dd>{view.bytes === 0 ? text.open.sizeSmall : text.open.sizeAbout(view.bytes)}</dd>
      </div>
      {ready.isBegun ? null : (
        <div>
          <dt>{text.open.until}</dt>
          <dd>{clock(view.expiresAt, now())}</dd>
        </div>
      )}
    </dl>
  );
}

function PasswordAsked(props: {
  password: string;
  problem: string | null;
  onChange: (password: string) => void;
}) {
  const { text } = useSurroundings();
  return (
    <Field id="password" wide label={text.open.password} hint={text.open.passwordHint}>
      {(described) => (
        <SecretInput
          described={props.problem ? { ...described, ...PROBLEMATIC } : described}
          value={props.password}
          onChange={props.onChange}
        />
      )}
    </Field>
  );
}

function Problem({ text }: { text: string | null }) {
  return text ? (
    <p id={PROBLEM_ID} role="alert" class="problem">
      {text}
    </p>
  ) : null;
}

function Opening(props: { pace: ReturnType<typeof usePace>[0]; onPause: () => void }) {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  return (
    <section class="step">
      <h1 ref={heading} tabIndex={-1}>
        {text.open.opening}
      </h1>
      <Meter name={text.open.opening} pace={props.pace} before={text.open.unlocking} />
      <p class="aside">{text.open.detail}</p>
      <button type="button" class="button quiet" onClick={props.onPause}>
        {text.open.pause}
      </button>
    </section>
  );
}

/** Runs the opening; a wrong password or a pause comes back here, everything else ends the step. */
function useOpening({ ready, onOpened, onFailed }: OpenStepProps) {
  const { client, text } = useSurroundings();
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [remark, setRemark] = useState<string | null>(null);
  const [pace, progress, reset] = usePace();
  const aborting = useRef<AbortController | null>(null);

  const start = async (typedPassword: string): Promise<void> => {
    const password = wantsPassword(ready.link) ? typedPassword : null;
    if (password === "") return setProblem(text.open.missing);
    reset();
    setProblem(null);
    setRemark(null);
    setRunning(true);
    aborting.current = new AbortController();
    try {
      onOpened(await client.open(ready.link, password, { progress, signal: aborting.current.signal }));
    } catch (error) {
      setRunning(false);
      if (error instanceof Interrupted) setRemark(text.open.paused);
      else if (staysHere(error)) setProblem(sentence(error, text));
      else onFailed(error);
    }
  };
  const pause = (): void => aborting.current?.abort();
  return { isRunning, pace, problem, remark, start, pause };
}

/** What can be mended on this step. */
function staysHere(error: unknown): boolean {
  return (
    error instanceof WrongPassword || error instanceof UsageError || error instanceof LocalError
  );
}
