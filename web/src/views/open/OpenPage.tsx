/** Opening: see what it is, open it once, keep or view what came. */

import { useCallback, useEffect, useState } from "preact/hooks";

import { checkOpenable, nextLook } from "../../client";
import type { LinkView, Opened } from "../../client";
import { NotYet, Unknown } from "../../errors";
import { idText, parseLink } from "../../link";
import type { Link } from "../../link";
import { withoutFragment } from "../../places";
import type { Place } from "../../places";
import { endedBy, final } from "../../text/told";
import type { Ended, Sign } from "../../text/told";
import type { Words } from "../../text/en";
import { useSurroundings } from "../context";
import { useArrival } from "../hooks";
import { Contents } from "./Contents";
import { EndedStep } from "./EndedStep";
import { OpenStep } from "./OpenStep";
import type { Ending } from "./useDone";

/** A link that can be opened, or gone on with. */
export interface Ready {
  link: Link;
  view: LinkView;
  /** This device holds its lease: opening goes on. */
  isBegun: boolean;
}

type Stage =
  | { kind: "looking" }
  | { kind: "ready"; ready: Ready }
  | { kind: "opened"; opened: Opened }
  | { kind: "done"; ending: Ending }
  | { kind: "ended"; ended: Ended; againAt?: Date };

const ENDING_SIGNS: Readonly<Record<Ending, Sign>> = { wiped: "done", lapsed: "clock" };

/** @param place an address of a link: whole, without its key, or with the key escaped. */
export function OpenPage({ place }: { place: Exclude<Place, { kind: "send" }> }) {
  const { client, text, now } = useSurroundings();
  const [stage, setStage] = useState<Stage>({ kind: "looking" });
  const fail = useCallback(
    async (error: unknown): Promise<void> => {
      const isBegun = error instanceof Unknown && (await hasBegun(place, client));
      const stopped: Stage = { kind: "ended", ended: endedBy(error, text, now(), isBegun) };
      setStage(error instanceof NotYet ? { ...stopped, againAt: nextLook(error, now()) } : stopped);
    },
    [place, client],
  );
  const look = useCallback(async (): Promise<void> => {
    setStage({ kind: "looking" });
    try {
      setStage(await firstStage(place, client, text));
    } catch (error) {
      await fail(error);
    }
  }, [place, client]);
  useEffect(() => void look(), [look]);

  switch (stage.kind) {
    case "looking":
      return <Looking />;
    case "ready":
      return (
        <OpenStep
          ready={stage.ready}
          onOpened={(opened) => setStage({ kind: "opened", opened })}
          onFailed={(error) => void fail(error)}
        />
      );
    case "opened":
      return (
        <Contents
          opened={stage.opened}
          onAcknowledged={dropFragment}
          onEnded={(ending) => setStage({ kind: "done", ending })}
        />
      );
    case "done":
      return <EndedStep ended={final(text.contents[stage.ending], ENDING_SIGNS[stage.ending])} />;
    case "ended":
      return <EndedStep ended={stage.ended} againAt={stage.againAt} onAgain={() => void look()} />;
  }
}

/** A moment, as a rule; a heading all the same, for whoever waits longer. */
function Looking() {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  return (
    <section class="step" aria-busy>
      <h1 ref={heading} tabIndex={-1}>
        {text.open.looking.title}
      </h1>
      <p class="lead">{text.open.looking.body}</p>
    </section>
  );
}

/** Looks at the link, which spends nothing, and says which step comes first. */
async function firstStage(
  place: Exclude<Place, { kind: "send" }>,
  client: ReturnType<typeof useSurroundings>["client"],
  text: Words,
): Promise<Stage> {
  if (place.kind === "escaped") return ended(text.escaped);
  if (place.kind === "no_key") {
    const opened = await client.reopened(place.id);
    return opened ? { kind: "opened", opened } : ended(text.noKey);
  }
  const link = await parseLink(place.text);
  const opened = await client.reopened(idText(link));
  if (opened) return { kind: "opened", opened };
  const [view, begun] = await Promise.all([client.look(link), client.begun(link)]);
  const isBegun = begun !== null;
  if (!isBegun) checkOpenable(view);
  return { kind: "ready", ready: { link, view, isBegun } };
}

/** Whether this device holds a lease of the link, as far as it can tell just now. */
async function hasBegun(
  place: Exclude<Place, { kind: "send" }>,
  client: ReturnType<typeof useSurroundings>["client"],
): Promise<boolean> {
  if (place.kind !== "open") return false;
  try {
    return (await client.begun(await parseLink(place.text))) !== null;
  } catch {
    return false;
  }
}

function ended(told: Ended["told"]): Stage {
  return { kind: "ended", ended: final(told) };
}

/** The secret has done its work: it leaves the address bar and the history (section 10). */
function dropFragment(): void {
  history.replaceState(null, "", withoutFragment(location.href));
}
