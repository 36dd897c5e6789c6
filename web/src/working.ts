/** What a worker does with a job. No front of its own, so that tests can call it as it is. */

import { archive } from "./archive";
import { deriveKeys } from "./envelope/keys";
import { Exchange } from "./exchange";
import type { Emit, Event, Jobs, Kind, Results, Tools } from "./jobs";
import { download } from "./receiving";
import type { Clock } from "./retry";
import { PATIENCE, Retrying, linked } from "./retry";
import { Transport } from "./transport";
import { upload } from "./upload";

const PROGRESS_EVERY_S = 0.25;

type Handlers = {
  readonly [K in Kind]: (
    job: Jobs[K],
    tools: Tools,
    emit: Emit,
    signal: AbortSignal,
  ) => Promise<Results[K]>;
};

const HANDLERS: Handlers = {
  /** One after the other: each takes 64 MiB where there is a password. */
  async derive({ links, password }) {
    const keys = [];
    for (const { id, secret, kdf } of links) {
      keys.push(await deriveKeys(id, secret, kdf, password));
    }
    return keys;
  },

  upload(job, tools, emit, signal) {
    const transport = transportTo(job.server, tools, signal);
    return upload(job, transport, tools.random, (done, total) =>
      emit({ kind: "progress", done, total }),
    );
  },

  download: (job, tools, emit, signal) =>
    download(job, (server) => transportTo(server, tools, signal), tools, emit),

  archive,
};

/** Do a job. What it still has under way when it fails is stopped. */
export async function perform<K extends Kind>(
  job: Jobs[K],
  tools: Tools,
  emit: Emit,
  signal: AbortSignal,
): Promise<Results[K]> {
  const own = linked(signal);
  const pace = paced(emit, tools.clock);
  try {
    const handle = HANDLERS[job.kind] as Handlers[K];
    return await handle(job, tools, pace.tell, own.signal);
  } finally {
    pace.stop();
    own.abort();
  }
}

/** The page has had an answer of this server already, so patience is whole from the start. */
function transportTo(server: string, { http, clock }: Tools, signal: AbortSignal): Transport {
  return new Transport(new Exchange(http, server, new Retrying(clock, signal, PATIENCE, true)));
}

/**
 * Progress a few times a second; a message for every piece would cost speed. What comes too early
 * waits, so that the last word before a long silence is heard.
 */
function paced(emit: Emit, clock: Clock): { tell: Emit; stop: () => void } {
  let toldAt = -Infinity;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const now = (event: Event): void => {
    toldAt = clock.seconds();
    emit(event);
  };
  const tell = (event: Event): void => {
    if (event.kind !== "progress") return emit(event);
    clearTimeout(waiting);
    const earlyS = PROGRESS_EVERY_S - (clock.seconds() - toldAt);
    if (earlyS <= 0 || event.done === event.total) return now(event);
    waiting = setTimeout(now, earlyS * 1000, event);
    return undefined;
  };
  return { tell, stop: () => clearTimeout(waiting) };
}
