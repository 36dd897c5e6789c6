/** The page's side of its workers: a job goes in, its result comes out. */

import { Interrupted, LocalError } from "./errors";
import type { Event, FromWorker, Jobs, Kind, Results } from "./jobs";
import { errorFrom } from "./jobs";
import { startWorker } from "./trusted";

export interface Workers {
  /**
   * Do a job somewhere else.
   *
   * @param on is told what happens meanwhile.
   * @throws OtvError what the job threw; Interrupted after the signal; LocalError where the worker
   *   died or could not start.
   */
  run<K extends Kind>(
    job: Jobs[K],
    signal: AbortSignal,
    on?: (event: Event) => void,
  ): Promise<Results[K]>;
}

/** A worker for each job: what it held is gone with it. */
export const browserWorkers: Workers = {
  run<K extends Kind>(
    job: Jobs[K],
    signal: AbortSignal,
    on: (event: Event) => void = () => {},
  ): Promise<Results[K]> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new Interrupted("stopped"));
        return;
      }
      const worker = startWorker();
      const end = (settle: () => void): void => {
        worker.terminate();
        signal.removeEventListener("abort", stop);
        settle();
      };
      const stop = (): void => end(() => reject(new Interrupted("stopped")));
      const die = (): void => end(() => reject(new LocalError("worker")));
      worker.addEventListener("error", die);
      worker.addEventListener("messageerror", die);
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "error") end(() => reject(errorFrom(data.error)));
        else if (data.kind === "result") end(() => resolve(data.result as Results[K]));
        else on(data);
      });
      signal.addEventListener("abort", stop);
      worker.postMessage(job);
    });
  },
};
