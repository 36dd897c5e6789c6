/** A worker's front: one job comes in, events go out, then its result or its error. */

import { primitives } from "./crypto";
import type { FromWorker, Job, Tools } from "./jobs";
import { errorFields } from "./jobs";
import { openPrivateFile } from "./private";
import { deviceClock } from "./retry";
import { browserHttp } from "./transport";
import { perform } from "./working";

/** What TypeScript's types for pages leave out. */
interface WorkerScope {
  addEventListener(
    kind: "message",
    listener: (event: MessageEvent<Job>) => void,
    options: { once: true },
  ): void;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const tools: Tools = {
  random: primitives.random,
  clock: deviceClock,
  http: browserHttp,
  openFile: openPrivateFile,
};

function tell(message: FromWorker): void {
  scope.postMessage(message, message.kind === "bytes" ? [message.bytes.buffer] : []);
}

async function work(job: Job): Promise<void> {
  try {
    // Whoever wants it to stop ends this worker.
    const result = await perform(job, tools, tell, new AbortController().signal);
    tell({ kind: "result", result });
  } catch (error) {
    tell({ kind: "error", error: errorFields(error) });
  }
}

/** Wait for the one job. Which primitives it is done with is chosen by then. */
export function listen(): void {
  scope.addEventListener("message", ({ data }) => void work(data), { once: true });
}
