/** Where the page's parts are joined: the world, the client, and the view that the address asks for. */

import { render } from "preact";
import type { ComponentChildren } from "preact";

import { Client } from "./client";
import { primitives } from "./crypto/index";
import { placeOf } from "./places";
import "./styles/page.css";
import { en } from "./text/en";
import { Frame } from "./views/Frame";
import { SurroundingsContext } from "./views/context";
import { EndedStep } from "./views/open/EndedStep";
import { OpenPage } from "./views/open/OpenPage";
import { SendPage } from "./views/send/SendPage";
import { browserWorld } from "./world";

const now = (): Date => new Date();

function start(root: HTMLElement): void {
  const client = new Client(browserWorld(), location.origin);
  const show = (children: ComponentChildren): void =>
    render(
      <SurroundingsContext.Provider value={{ client, text: en, now, random: primitives.random }}>
        <Frame>{children}</Frame>
      </SurroundingsContext.Provider>,
      root,
    );
  const route = (): void => show(viewOf(location.href));
  // A mistake of our own is loud, and says what to do; it never leaves a page that does nothing.
  addEventListener("unhandledrejection", () => show(failed()));
  addEventListener("error", () => show(failed()));
  // Another link pasted over this one changes the fragment alone, which loads nothing.
  addEventListener("hashchange", () => location.reload());
  void client.tidy().finally(route);
}

function viewOf(address: string): ComponentChildren {
  if (!isSecureContext) return <EndedStep ended={{ told: en.page.insecure, again: false }} />;
  const place = placeOf(address);
  return place.kind === "send" ? <SendPage /> : <OpenPage place={place} />;
}

function failed(): ComponentChildren {
  return <EndedStep ended={{ told: en.page.failed, again: false }} />;
}

const root = document.getElementById("app");
if (!root) throw new Error("the page has no place for its view");
start(root);
