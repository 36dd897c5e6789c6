/** What surrounds every step: the name on top, the one thing to do, how it works below. */

import type { ComponentChildren } from "preact";

import { useSurroundings } from "./context";
import { Mark } from "./icons";

/**
 * @param caution what to know before using it here at all; empty where there is nothing.
 * @param notice of something that went wrong by itself; empty where nothing has.
 */
export function Frame(props: { caution: string; notice: string; children: ComponentChildren }) {
  const { caution, notice, children } = props;
  const { text } = useSurroundings();
  return (
    <>
      <header class="top">
        <a class="brand" href="/" aria-label={text.page.home}>
          <Mark />
          <span>{text.name}</span>
        </a>
      </header>
      <main>
        {caution ? <p class="caution">{caution}</p> : null}
        {notice ? (
          <p role="alert" class="problem">
            {notice}
          </p>
        ) : null}
        {children}
      </main>
      <footer class="bottom">
        <p>{text.page.how}</p>
      </footer>
    </>
  );
}
