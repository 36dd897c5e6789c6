/** An end, or a pause: which one, what it means, what to do next. */

import { useEffect } from "preact/hooks";

import type { Ended } from "../../text/told";
import { useSurroundings } from "../context";
import { useArrival, useTick } from "../hooks";
import { EndSign } from "../icons";

const MS = 1000;

/** @param againAt looks again by itself once this moment has come, by this device's clock. */
export function EndedStep(props: {
  ended: Ended;
  againAt?: Date | undefined;
  onAgain?: () => void;
}) {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  const { told, sign, again } = props.ended;
  return (
    <section class="step ended">
      <EndSign sign={sign} />
      <h1 ref={heading} tabIndex={-1}>
        {told.title}
      </h1>
      <p class="lead">{told.body}</p>
      {told.next ? <p>{told.next}</p> : null}
      {told.link ? (
        <p>
          <a class="button main" href={told.link.href}>
            {told.link.name}
          </a>
        </p>
      ) : null}
      {props.againAt && props.onAgain ? (
        <Countdown to={props.againAt} onOver={props.onAgain} />
      ) : null}
      {again && props.onAgain ? (
        <button type="button" class="button main" onClick={props.onAgain}>
          {text.page.tryAgain}
        </button>
      ) : null}
    </section>
  );
}

function Countdown({ to, onOver }: { to: Date; onOver: () => void }) {
  const { text, now } = useSurroundings();
  const left = Math.ceil((to.getTime() - now().getTime()) / MS);
  useTick();
  useEffect(() => {
    if (left <= 0) onOver();
  }, [left <= 0]);
  return <p class="countdown">{text.open.opensIn(left)}</p>;
}
