/** "Sent from this browser": what became of each share; what it held is not kept. */

import { useCallback, useEffect, useState } from "preact/hooks";

import type { ShareRecord } from "../../client";
import { useSurroundings } from "../context";
import { LinkActions, LinkState } from "./LinkStates";
import { useStatus } from "./useStatus";

export function SentList({ title }: { title: string }) {
  const { client, text } = useSurroundings();
  const [records, setRecords] = useState<ShareRecord[]>([]);
  const read = useCallback(async (): Promise<void> => {
    setRecords(await client.sent());
  }, [client]);
  useEffect(() => void read(), [read]);
  if (records.length === 0) return null;
  return (
    <section class="sent" aria-labelledby="sent-title">
      <h2 id="sent-title">{title}</h2>
      <ul>
        {records.map((record) => (
          <li key={record.id}>
            <SentShareView record={record} onForget={read} />
          </li>
        ))}
      </ul>
      <p class="hint">{text.list.secrets}</p>
    </section>
  );
}

function SentShareView(props: { record: ShareRecord; onForget: () => Promise<void> }) {
  const { client, text, now } = useSurroundings();
  const { record } = props;
  const watched = useStatus(record, true);
  const isOver = watched.isForgotten || watched.status?.state === "gone";
  const forget = async (): Promise<void> => {
    await client.forget(record);
    await props.onForget();
  };
  return (
    <>
      <p class="when">{text.list.sent(new Date(record.createdAt), now())}</p>
      {watched.isForgotten ? <p class="state">{text.state.forgotten}</p> : null}
      {watched.isStale ? <p class="hint">{text.sent.unknownState}</p> : null}
      <ul class="shares-links">
        {record.links.map((link, index) => {
          const status = watched.status?.links.find((each) => each.id === link.id);
          return (
            <li key={link.id}>
              {record.links.length > 1 || link.name ? (
                <bdi class="given">{text.list.name(link.name, index + 1)}</bdi>
              ) : null}
              <LinkState link={status} />
              <LinkActions {...{ record, watched }} link={status} />
            </li>
          );
        })}
      </ul>
      {isOver ? (
        <button type="button" class="link" onClick={() => void forget()}>
          {text.list.forget}
        </button>
      ) : null}
    </>
  );
}
