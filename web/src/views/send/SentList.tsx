/** "Sent from this browser": what became of each share; what it held is not kept. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { GONE } from "../../client";
import type { ShareRecord } from "../../client";
import { LocalError } from "../../errors";
import { useSurroundings } from "../context";
import { unfinishedSentence } from "../../text/states";
import { LinkActions, LinkState, RevokeUpload } from "./LinkStates";
import { useStatus } from "./useStatus";
import type { Watched } from "./useStatus";

export function SentList({ title }: { title: string }) {
  const { client, text } = useSurroundings();
  const [records, setRecords] = useState<ShareRecord[]>([]);
  const [isUnreadable, setUnreadable] = useState(false);
  const show = useCallback(
    async (changed: Promise<void>): Promise<void> => {
      try {
        await changed;
        setRecords(await client.sent());
        setUnreadable(false);
      } catch (error) {
        if (!(error instanceof LocalError)) throw error;
        setUnreadable(true);
      }
    },
    [client],
  );
  useEffect(() => void show(Promise.resolve()), [show]);
  const heading = useRef<HTMLHeadingElement>(null);
  const forget = async (record: ShareRecord): Promise<void> => {
    heading.current?.focus(); // the button that was pressed goes
    await show(client.forget(record));
  };
  if (records.length === 0 && !isUnreadable) return null;
  return (
    <section class="sent" aria-labelledby="sent-title">
      <h2 id="sent-title" class="said" tabIndex={-1} ref={heading}>
        {title}
      </h2>
      {isUnreadable ? <p role="alert" class="problem">{text.list.unreadable}</p> : null}
      <ul>
        {records.map((record) => (
          <li key={record.id}>
            <SentShareView record={record} onForget={() => void forget(record)} />
          </li>
        ))}
      </ul>
      <p class="hint">{text.list.secrets}</p>
    </section>
  );
}

function SentShareView(props: { record: ShareRecord; onForget: () => void }) {
  const { text, now } = useSurroundings();
  const { record } = props;
  const watched = useStatus(record, true);
  const isOver = watched.isForgotten || watched.status?.state === GONE;
  const unfinished = watched.status && unfinishedSentence(watched.status, text);
  return (
    <>
      <div class="head">
        <p class="when">
          {(unfinished ? text.list.begun : text.list.sent)(new Date(record.createdAt), now())}
        </p>
        {isOver ? (
          <button type="button" class="link" onClick={props.onForget}>
            {text.list.forget}
          </button>
        ) : null}
      </div>
      {watched.isForgotten ? <p class="state">{text.state.forgotten}</p> : null}
      {watched.isStale ? <p class="hint">{text.sent.unknownState}</p> : null}
      {unfinished ? (
        <Unfinished {...{ record, watched, isOver }} told={unfinished} />
      ) : (
        <ListedLinks {...{ record, watched }} />
      )}
    </>
  );
}

function Unfinished(props: {
  record: ShareRecord;
  watched: Watched;
  isOver: boolean;
  told: string;
}) {
  const state = useRef<HTMLParagraphElement>(null);
  return (
    <>
      <p class="state said" tabIndex={-1} ref={state}>
        {props.told}
      </p>
      {props.isOver ? null : (
        <div class="row">
          <RevokeUpload
            record={props.record}
            watched={props.watched}
            onActed={() => state.current?.focus()}
          />
        </div>
      )}
    </>
  );
}

function ListedLinks({ record, watched }: { record: ShareRecord; watched: Watched }) {
  const { text } = useSurroundings();
  return (
    <ul class="shares-links">
      {record.links.map((link, index) => (
        <li key={link.id}>
          {record.links.length > 1 || link.name ? (
            <bdi class="given" translate={false}>
              {text.list.name(link.name, index + 1)}
            </bdi>
          ) : null}
          <ListedLink {...{ record, watched }} id={link.id} />
        </li>
      ))}
    </ul>
  );
}

function ListedLink(props: { record: ShareRecord; watched: Watched; id: string }) {
  const { record, watched } = props;
  const state = useRef<HTMLDivElement>(null);
  const link = watched.status?.links.find((each) => each.id === props.id);
  return (
    <>
      <div class="said" tabIndex={-1} ref={state}>
        <LinkState link={link} />
      </div>
      <div class="row">
        <LinkActions
          {...{ record, watched, link }}
          isSmall
          onActed={() => state.current?.focus()}
        />
      </div>
    </>
  );
}
