/** The links are there: copy, share, show, revoke, and see what becomes of them. */

import { useEffect, useRef, useState } from "preact/hooks";

import { GONE } from "../../client";
import type { SentLink, SentShare, Terms } from "../../client";
import { useSurroundings } from "../context";
import { useArrival } from "../hooks";
import { QrCode } from "../QrCode";
import { LinkActions, LinkState } from "./LinkStates";
import { useStatus } from "./useStatus";
import type { Watched } from "./useStatus";

const COPIED_MS = 2500;

export function Result(props: { share: SentShare; terms: Terms; onAnother: () => void }) {
  const { text } = useSurroundings();
  const heading = useArrival<HTMLHeadingElement>();
  const { share, terms } = props;
  const watched = useStatus(share.record, true);
  return (
    <section class="step result">
      <h1 ref={heading} tabIndex={-1}>
        {text.sent.title(share.links.length)}
      </h1>
      <p class="lead">
        {text.sent.body(share.links.length, terms.opens, terms.password !== null)}
      </p>
      <ol class={share.links.length === 1 ? "links single" : "links"}>
        {share.links.map((link, index) => (
          <li key={link.id}>
            <SentLinkView {...{ link, share, watched }} index={index + 1} />
          </li>
        ))}
      </ol>
      {watched.status?.state === GONE ? null : (
        <p class="aside">{text.sent.keep(share.links.length)}</p>
      )}
      <button type="button" class="button quiet" onClick={props.onAnother}>
        {text.sent.another}
      </button>
    </section>
  );
}

function SentLinkView(props: {
  link: SentLink;
  share: SentShare;
  watched: Watched;
  index: number;
}) {
  const { text } = useSurroundings();
  const { link, share, watched } = props;
  const [isQrShown, setQrShown] = useState(false);
  const [copied, copy, field] = useCopy(link.url);
  const live = useRef<HTMLDivElement>(null);
  const name = share.links.length === 1 ? text.sent.link : text.sent.numbered(props.index);
  const status = watched.status?.links.find((each) => each.id === link.id);
  return (
    <>
      <p class="link-label">
        <label for={`link-${link.id}`}>{name}</label>
        {link.name ? (
          <bdi class="given" translate={false} id={`for-${link.id}`}>
            {link.name}
          </bdi>
        ) : null}
      </p>
      <textarea
        translate={false}
        id={`link-${link.id}`}
        ref={field}
        class="code"
        readOnly
        rows={3}
        spellcheck={false}
        autocomplete="off" // else a browser writes it to disk, to fill it in again after a crash
        {...(link.name ? { "aria-describedby": `for-${link.id}` } : {})}
        value={link.url}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="row">
        <button type="button" class="button main" onClick={copy}>
          {copied === "copied" ? text.sent.copied : text.sent.copy}
        </button>
        <span class="unseen" aria-live="polite">
          {copied ? text.sent[copied] : ""}
        </span>
        <ShareButton url={link.url} />
        <button
          type="button"
          class="button quiet"
          aria-expanded={isQrShown}
          onClick={() => setQrShown(!isQrShown)}
        >
          {isQrShown ? text.sent.hideQr : text.sent.showQr}
        </button>
        <LinkActions
          record={share.record}
          link={status}
          watched={watched}
          onActed={() => live.current?.focus()}
        />
      </div>
      {copied === "selected" ? <p class="hint">{text.sent.selected}</p> : null}
      {isQrShown ? <QrCode content={link.url} name={text.sent.qr} /> : null}
      <div role="status" class="said" tabIndex={-1} ref={live}>
        <LinkState link={status} />
        {watched.isStale ? <p class="hint">{text.sent.unknownState}</p> : null}
      </div>
    </>
  );
}

/** The system's own share sheet; nothing where there is none. */
function ShareButton({ url }: { url: string }) {
  const { text } = useSurroundings();
  if (!("share" in navigator)) return null;
  const share = (): void => {
    // Closing the sheet without choosing is no failure.
    navigator.share({ title: text.sent.shareTitle, url }).catch(() => undefined);
  };
  return (
    <button type="button" class="button quiet" onClick={share}>
      {text.sent.share}
    </button>
  );
}

/** Copies a link; where the browser won't, its text is selected, and that is said. */
function useCopy(url: string) {
  const [copied, setCopied] = useState<"copied" | "selected" | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (copied !== "copied") return undefined;
    const timer = setTimeout(() => setCopied(null), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(url);
      setCopied("copied");
    } catch {
      setCopied("selected");
      field.current?.focus();
      field.current?.select();
    }
  };
  return [copied, (): void => void copy(), field] as const;
}
