/** Where the page's parts are joined: the world, the client, and the view that the address asks for. */

import { render } from "preact";
import type { ComponentChildren } from "preact";

import { Client } from "./client";
import { choose, hasWebCrypto, primitives } from "./crypto/index";
import { placeOf, secureAddress } from "./places";
import { prepareSharing, takeShared } from "./sharing";
import "./styles/page.css";
import { en } from "./text/en";
import { endedBy, final } from "./text/told";
import type { Ended } from "./text/told";
import { loadJavaScript } from "./trusted";
import { Frame } from "./views/Frame";
import { SurroundingsContext } from "./views/context";
import { EndedStep } from "./views/open/EndedStep";
import { OpenPage } from "./views/open/OpenPage";
import { SendPage } from "./views/send/SendPage";
import { browserWorld } from "./world";

const TIDY_MS = 3000;

const now = (): Date => new Date();

/** A view, and what to know before using it: empty where there is nothing. */
interface Shown {
  view: ComponentChildren;
  caution: string;
}

function start(root: HTMLElement): void {
  const client = new Client(browserWorld(), location.origin);
  let shown: Shown | null = null;
  let notice = "";
  const draw = (): void =>
    render(
      <SurroundingsContext.Provider value={{ client, text: en, now, random: primitives.random }}>
        <Frame caution={shown?.caution ?? ""} notice={notice}>
          {shown?.view}
        </Frame>
      </SurroundingsContext.Provider>,
      root,
    );
  const show = (first: Shown): void => {
    shown = first;
    draw();
  };
  // A mistake of our own is loud, and says what to do. It takes nothing away that is shown: that may
  // be the only copy there is.
  const fail = (): void => {
    notice = shown === null ? "" : en.page.mistake;
    if (shown === null) show(ended(final(en.page.failed)));
    else draw();
  };
  addEventListener("unhandledrejection", fail);
  addEventListener("error", fail);
  // A file that misses what takes it would make the browser leave the page for it, and what stands
  // here, links that nobody has copied yet among it, would be gone.
  for (const kind of ["dragover", "drop"] as const) addEventListener(kind, keepPage);
  // Another link pasted over this one changes the fragment alone, which loads nothing.
  addEventListener("hashchange", () => location.reload());
  // Before anything else may want what is wiped; but a device that is slow keeps nobody waiting.
  const tidied = Promise.race([client.tidy(), pause(TIDY_MS)]);
  void firstOf(location.href, client).then((first) => tidied.finally(() => show(first)));
}

function keepPage(event: DragEvent): void {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function firstOf(address: string, client: Client): Promise<Shown> {
  if (hasWebCrypto()) return { view: await viewOf(address), caution: "" };
  const unfit = await goWithout(address, client);
  return unfit ? ended(unfit) : { view: await viewOf(address), caution: en.page.plainHttp };
}

async function viewOf(address: string): Promise<ComponentChildren> {
  const place = placeOf(address);
  prepareSharing(place.kind === "send" && place.shared !== null);
  if (place.kind !== "send") return <OpenPage place={place} />;
  if (place.shared === null) return <SendPage />;
  history.replaceState(null, "", "/"); // a reload asks for it no second time
  return <SendPage shared={(await takeShared(place.shared)) ?? "lost"} />;
}

function ended(how: Ended): Shown {
  return { view: <EndedStep ended={how} onAgain={() => location.reload()} />, caution: "" };
}

/** Use primitives in JavaScript where the server wants its page used like that; else say what to do. */
async function goWithout(address: string, client: Client): Promise<Ended | null> {
  try {
    const { plainHttp } = await client.info();
    if (!plainHttp) return final(en.page.insecure(secureAddress(address)));
    choose(await loadJavaScript());
    return null;
  } catch (error) {
    return endedBy(error, en, now());
  }
}

const root = document.getElementById("app");
if (!root) throw new Error("the page has no place for its view");
start(root);
