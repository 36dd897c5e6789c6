/** What became of each link of a share, and what its sender can still do. */

import { useState } from "preact/hooks";

import type { ShareRecord } from "../../client";
import { OtvError, Unknown } from "../../errors";
import { isRevocable } from "../../reporting";
import type { LinkStatus } from "../../reporting";
import { linkSentences } from "../../text/states";
import { useSurroundings } from "../context";
import type { Watched } from "./useStatus";

/** Sentences on one link; nothing yet where the server hasn't been heard. */
export function LinkState({ link }: { link: LinkStatus | undefined }) {
  const { text, now } = useSurroundings();
  if (!link) return null;
  const hasReceipt = link.openings.some((opening) => opening.receipt === "verified");
  return (
    <ul class={hasReceipt ? "state good" : "state"}>
      {linkSentences(link, text, now()).map((told) => (
        <li key={told}>{told}</li>
      ))}
    </ul>
  );
}

/**
 * "Revoke" and, where wrong passwords locked it, "Unlock".
 *
 * @param onActed the button that was pressed may be gone: the focus wants a place.
 */
export function LinkActions(props: {
  record: ShareRecord;
  link: LinkStatus | undefined;
  watched: Watched;
  isSmall?: boolean;
  onActed: () => void;
}) {
  const { client, text } = useSurroundings();
  const { record, link, watched } = props;
  const looks = props.isSmall ? "button quiet small" : "button quiet";
  const { act, isActing, problem } = useActing(watched, props.onActed);
  if (!link || !isRevocable(link)) return null;
  return (
    <>
      {link.state === "locked" ? (
        <button
          type="button"
          class={looks}
          disabled={isActing}
          onClick={() => void act(client.forgive(record, link.id))}
        >
          {text.state.unlock}
        </button>
      ) : null}
      <button
        type="button"
        class={`${looks} danger`}
        disabled={isActing}
        onClick={() => void act(client.revoke(record, link.id))}
      >
        {text.sent.revoke}
      </button>
      <NotDone problem={problem} />
    </>
  );
}

/** "Revoke" for a share whose upload never ended, or still runs in another tab. */
export function RevokeUpload(props: {
  record: ShareRecord;
  watched: Watched;
  onActed: () => void;
}) {
  const { client, text } = useSurroundings();
  const { act, isActing, problem } = useActing(props.watched, props.onActed);
  return (
    <>
      <button
        type="button"
        class="button quiet small danger"
        disabled={isActing}
        onClick={() => void act(client.revoke(props.record))}
      >
        {text.sent.revoke}
      </button>
      <NotDone problem={problem} />
    </>
  );
}

function NotDone({ problem }: { problem: string | null }) {
  return problem === null ? null : (
    <p role="alert" class="problem">
      {problem}
    </p>
  );
}

/** Does one thing at a time; then the next look tells how things are. */
function useActing(watched: Watched, onActed: () => void) {
  const { text } = useSurroundings();
  const [isActing, setActing] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const act = async (call: Promise<void>): Promise<void> => {
    setActing(true);
    setProblem(null);
    try {
      await call;
    } catch (error) {
      if (!(error instanceof OtvError)) throw error;
      if (!(error instanceof Unknown)) setProblem(text.sent.notDone); // what is unknown is over
    }
    await watched.look();
    setActing(false);
    onActed();
  };
  return { act, isActing, problem };
}
