/** A transfer under way: a bar, and bytes, rate and time left in words. */

import type { Pace } from "../pace";
import type { Words } from "../text/en";
import { useSurroundings } from "./context";
import { useOnline } from "./hooks";

const HUNDRED = 100;
const SEPARATOR = " · ";

/** @param name what is under way, for whoever can't see the heading. */
export function Meter({ name, pace, before }: { name: string; pace: Pace | null; before: string }) {
  const { text } = useSurroundings();
  const isOnline = useOnline();
  const percent = percentOf(pace);
  const figures = pace ? figuresOf(pace, text) : [before];
  return (
    <div class="meter">
      <div
        role="progressbar"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={HUNDRED}
        {...(percent === null ? {} : { "aria-valuenow": percent })}
        aria-valuetext={figures.join(SEPARATOR)}
        class={percent === null ? "bar waiting" : "bar"}
      >
        <span style={{ transform: `scaleX(${(percent ?? 0) / HUNDRED})` }} />
      </div>
      <p class="numbers">{isOnline ? <Figures {...{ figures }} /> : text.sending.offline}</p>
    </div>
  );
}

/** Each whole: a line breaks between them. */
function Figures({ figures }: { figures: string[] }) {
  return figures.map((figure, index) => (
    <>
      {index > 0 ? SEPARATOR : null}
      <span>{figure}</span>
    </>
  ));
}

function percentOf(pace: Pace | null): number | null {
  if (!pace?.total) return null;
  return Math.min(HUNDRED, Math.floor((pace.done / pace.total) * HUNDRED));
}

function figuresOf(pace: Pace, text: Words): string[] {
  const parts = [text.progress.amount(pace.done, pace.total)];
  if (pace.rate) parts.push(text.progress.rate(pace.rate));
  if (pace.left !== null && pace.rate) parts.push(text.progress.left(Math.ceil(pace.left)));
  return parts;
}
