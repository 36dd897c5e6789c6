/** What became of each link of a share, and what its sender can still do. */

import type { ShareRecord } from "../../client";
import type { LinkStatus } from "../../reporting";
import { linkSentences } from "../../text/states";
import { useSurroundings } from "../context";
import type { Watched } from "./useStatus";

const REVOCABLE = new Set(["ready", "scheduled", "locked", "taken"]);

/** Sentences on one link; nothing yet where the server hasn't been heard. */
export function LinkState({ link }: { link: LinkStatus | undefined }) {
  const { text, now } = useSurroundings();
  if (!link) return null;
  const hasReceipt = link.openings.some((opening) => opening.receipt === "verified");
  return (
    <ul class={hasReceipt ? "state good" : "state"}>
      {linkSentences(link, text, now()).map((sentence) => (
        <li key={sentence}>{sentence}</li>
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
  if (!link || !REVOCABLE.has(link.state)) return null;
  const act = (call: () => Promise<void>) => async (): Promise<void> => {
    // Whether it worked or not, the next look tells how things are.
    await call().catch(() => undefined);
    await watched.look();
    props.onActed();
  };
  return (
    <>
      {link.state === "locked" ? (
        <button
          type="button"
          class={looks}
          onClick={act(() => client.forgive(record, link.id))}
        >
          {text.state.unlock}
        </button>
      ) : null}
      <button
        type="button"
        class={`${looks} danger`}
        onClick={act(() => client.revoke(record, link.id))}
      >
        {text.sent.revoke}
      </button>
    </>
  );
}
