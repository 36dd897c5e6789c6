/** What surrounds every step: the name on top, the one thing to do, how it works below. */

import type { ComponentChildren } from "preact";

import { useSurroundings } from "./context";
import { Mark } from "./icons";

/** @param notice of something that went wrong by itself; empty where nothing has. */
export function Frame({ notice, children }: { notice: string; children: ComponentChildren }) {
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
