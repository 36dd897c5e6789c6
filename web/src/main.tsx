/** Where the page's parts are joined: the world, the client, and the view that the address asks for. */

import { render } from "preact";
import type { ComponentChildren } from "preact";

import { Client } from "./client";
import { primitives } from "./crypto/index";
import { placeOf } from "./places";
import "./styles/page.css";
import { en } from "./text/en";
import { final } from "./text/told";
import { Frame } from "./views/Frame";
import { SurroundingsContext } from "./views/context";
import { EndedStep } from "./views/open/EndedStep";
import { OpenPage } from "./views/open/OpenPage";
import { SendPage } from "./views/send/SendPage";
import { browserWorld } from "./world";

const TIDY_MS = 3000;

const now = (): Date => new Date();

function start(root: HTMLElement): void {
  const client = new Client(browserWorld(), location.origin);
  let view: ComponentChildren = null;
  let notice = "";
  const draw = (): void =>
    render(
      <SurroundingsContext.Provider value={{ client, text: en, now, random: primitives.random }}>
        <Frame notice={notice}>{view}</Frame>
      </SurroundingsContext.Provider>,
      root,
    );
  const show = (children: ComponentChildren): void => {
    view = children;
    draw();
  };
  // A mistake of our own is loud, and says what to do. It takes nothing away that is shown: that may
  // be the only copy there is.
  const fail = (): void => {
    notice = view === null ? "" : en.page.mistake;
    if (view === null) show(failed());
    else draw();
  };
  addEventListener("unhandledrejection", fail);
  addEventListener("error", fail);
  // Another link pasted over this one changes the fragment alone, which loads nothing.
  addEventListener("hashchange", () => location.reload());
  // Before anything else may want what is wiped; but a device that is slow keeps nobody waiting.
  void Promise.race([client.tidy(), pause(TIDY_MS)]).finally(() => show(viewOf(location.href)));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function viewOf(address: string): ComponentChildren {
  if (!isSecureContext) return <EndedStep ended={final(en.page.insecure)} />;
  const place = placeOf(address);
  return place.kind === "send" ? <SendPage /> : <OpenPage place={place} />;
}

function failed(): ComponentChildren {
  return <EndedStep ended={final(en.page.failed)} />;
}

const root = document.getElementById("app");
if (!root) throw new Error("the page has no place for its view");
start(root);
