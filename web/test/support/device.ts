/** A device with its tabs, in memory: what a browser brings along, so that workflows run in Node. */

import { errorFields, errorFrom } from "../../src/jobs";
import type { Event, Jobs, Kind, Tools } from "../../src/jobs";
import type { Bytes } from "../../src/bytes";
import { equal } from "../../src/bytes";
import { primitives } from "../../src/crypto";
import { Interrupted, LocalError } from "../../src/errors";
import type { Http } from "../../src/exchange";
import type { PrivateFile, PrivateStorage } from "../../src/private";
import { checkStopped, linked } from "../../src/retry";
import type { Clock } from "../../src/retry";
import type { OpeningRecord, ShareRecord, State } from "../../src/state";
import { readOpening, readShare, readToken } from "../../src/state";
import { perform } from "../../src/working";
import type { Held, Locks, World } from "../../src/world";

/** Time passes as it does, but nobody waits: a pause takes its time off the clock alone. */
export class HastyClock implements Clock {
  readonly pauses: number[] = [];
  /** How long every look at the clock takes. */
  lookS = 0;
  #skipped = 0;

  seconds(): number {
    this.skip(this.lookS);
    return performance.now() / 1000 + this.#skipped;
  }

  jitter(): number {
    return 0.5;
  }

  async pause(seconds: number): Promise<void> {
    this.pauses.push(seconds);
    this.skip(seconds);
    await new Promise((resolve) => setTimeout(resolve));
  }

  skip(seconds: number): void {
    this.#skipped += seconds;
  }
}

/** A body goes out in one piece here; browsers tell more often. */
export const plainHttp: Http = {
  fetch: (url, init) => fetch(url, init),
  async upload({ url, headers, body, signal, sent }) {
    const response = await fetch(url, { method: "PUT", headers: { ...headers }, body, signal });
    sent(body.size);
    return response;
  },
};

/** Records as IndexedDB keeps them: copies. */
export class MemoryState implements State {
  readonly shareRecords = new Map<string, unknown>();
  readonly openingRecords = new Map<string, unknown>();
  readonly tokens = new Map<string, unknown>();

  async saveShare(record: ShareRecord): Promise<void> {
    this.shareRecords.set(record.id, structuredClone(record));
  }

  async forgetShare(id: string): Promise<void> {
    this.shareRecords.delete(id);
  }

  async shares(): Promise<ShareRecord[]> {
    return [...this.shareRecords.values()].map(readShare).filter((record) => record !== null);
  }

  async saveOpening(record: OpeningRecord): Promise<void> {
    this.openingRecords.set(`${record.server} ${record.id}`, structuredClone(record));
  }

  async forgetOpening({ server, id, lease }: OpeningRecord): Promise<void> {
    const stored = readOpening(this.openingRecords.get(`${server} ${id}`));
    if (!stored || equal(stored.lease, lease)) this.openingRecords.delete(`${server} ${id}`);
  }

  async opening(server: string, id: string): Promise<OpeningRecord | null> {
    return readOpening(structuredClone(this.openingRecords.get(`${server} ${id}`)));
  }

  async saveToken(server: string, token: string): Promise<void> {
    this.tokens.set(server, { server, token });
  }

  async forgetToken(server: string): Promise<void> {
    this.tokens.delete(server);
  }

  async token(server: string): Promise<string | null> {
    return readToken(this.tokens.get(server));
  }

  async openings(): Promise<OpeningRecord[]> {
    return [...this.openingRecords.values()].map(readOpening).filter((record) => record !== null);
  }
}

/** Private files in memory. What was written and not flushed is gone when its worker is ended. */
export class MemoryStorage implements PrivateStorage {
  readonly files = new Map<string, Bytes>();
  free = Infinity;
  /** The next write fails for want of room. */
  isFull = false;
  readonly #held = new Set<string>();

  async read(name: string): Promise<Blob | null> {
    const bytes = this.files.get(name);
    return bytes ? new Blob([bytes]) : null;
  }

  async remove(name: string): Promise<void> {
    if (this.#held.has(name)) throw new LocalError("storage");
    this.files.delete(name);
  }

  async names(): Promise<string[]> {
    return [...this.files.keys()];
  }

  async freeBytes(): Promise<number> {
    return this.free;
  }

  /** @param life of the worker that opens it. */
  async open(name: string, life: AbortSignal): Promise<PrivateFile> {
    if (this.#held.has(name)) throw new LocalError("storage");
    this.#held.add(name);
    life.addEventListener("abort", () => this.#held.delete(name));
    const written = new Growing(this.files.get(name) ?? new Uint8Array());
    const keep = (): void => {
      if (!life.aborted) this.files.set(name, written.copy());
    };
    keep();
    return {
      get size() {
        return written.length;
      },
      write: (at, bytes) => {
        if (this.isFull) throw new LocalError("no_room");
        written.write(at, bytes);
      },
      truncate: (size) => written.truncate(size),
      flush: keep,
      close: () => {
        keep();
        this.#held.delete(name);
      },
    };
  }
}

class Growing {
  length: number;
  #bytes: Bytes;

  constructor(bytes: Bytes) {
    this.#bytes = bytes.slice();
    this.length = bytes.length;
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, at);
    this.length = Math.max(this.length, end);
  }

  truncate(size: number): void {
    this.length = size;
  }

  copy(): Bytes {
    return this.#bytes.slice(0, this.length);
  }
}

class TabLocks implements Locks {
  readonly #holders: Map<string, Tab>;
  readonly #tab: Tab;

  constructor(holders: Map<string, Tab>, tab: Tab) {
    this.#holders = holders;
    this.#tab = tab;
  }

  async hold(name: string): Promise<Held | null> {
    if (this.#holders.has(name)) return null;
    this.#holders.set(name, this.#tab);
    return { release: () => this.#holders.delete(name) };
  }
}

/** What outlasts its tabs. */
export class Device {
  readonly state = new MemoryState();
  /** Null for a browser without private storage. */
  storage: MemoryStorage | null = new MemoryStorage();
  readonly holders = new Map<string, Tab>();
  now = () => new Date();

  tab(): Tab {
    return new Tab(this);
  }
}

/** One tab; its `world` is what a `Client` takes. */
export class Tab {
  http: Http = { ...plainHttp };
  /** What this tab's workers told, and which jobs they had. */
  readonly events: Event[] = [];
  readonly jobs: Kind[] = [];
  readonly clock = new HastyClock();
  readonly alarms: { at: Date; ring: () => void }[] = [];
  readonly world: World;
  readonly #device: Device;
  #session = "";
  #isClosed = false;

  constructor(device: Device) {
    this.#device = device;
    this.world = {
      random: primitives.random,
      now: () => device.now(),
      clock: this.clock,
      http: { fetch: (...given) => this.http.fetch(...given), upload: (up) => this.http.upload(up) },
      state: async () => device.state,
      storage: async () => device.storage,
      locks: new TabLocks(device.holders, this),
      workers: { run: (job, signal, on) => this.#run(job, signal, on) },
      session: { get: () => this.#session, set: (word) => (this.#session = word) },
      alarm: (at, ring) => {
        const set = { at, ring };
        this.alarms.push(set);
        return () => this.alarms.splice(this.alarms.indexOf(set), 1);
      },
    };
  }

  /** The tab is gone, its locks with it; what its workers had not flushed, too. */
  close(): void {
    this.#isClosed = true;
    for (const [name, tab] of this.#device.holders) {
      if (tab === this) this.#device.holders.delete(name);
    }
  }

  /** The same tab with the page loaded again. */
  reload(): Tab {
    this.close();
    const tab = this.#device.tab();
    tab.#session = this.#session;
    return tab;
  }

  /** A worker: its messages are copies, and it ends at once with the signal. */
  async #run<K extends Kind>(
    job: Jobs[K],
    signal: AbortSignal,
    on: (event: Event) => void = () => {},
  ): ReturnType<typeof perform<K>> {
    checkStopped(signal);
    this.jobs.push(job.kind);
    const stop = linked(signal);
    const ended = new Promise<never>((_, reject) => {
      stop.signal.addEventListener("abort", () => reject(new Interrupted("stopped")));
    });
    const tell = (event: Event): void => {
      const transfer = event.kind === "bytes" ? [event.bytes.buffer] : [];
      const told = structuredClone(event, { transfer });
      if (signal.aborted || this.#isClosed) return;
      this.events.push(told);
      on(told);
    };
    const tools = this.#tools(stop.signal);
    const working = perform<K>(structuredClone(job), tools, tell, signal);
    try {
      return structuredClone(await Promise.race([working, ended]));
    } catch (error) {
      throw errorFrom(structuredClone(errorFields(error)));
    } finally {
      ended.catch(() => {});
      working.catch(() => {});
      stop.abort();
    }
  }

  #tools(life: AbortSignal): Tools {
    const { random, clock, http } = this.world;
    const openFile = (name: string): Promise<PrivateFile> => {
      if (!this.#device.storage) throw new LocalError("storage");
      return this.#device.storage.open(name, life);
    };
    return { random, clock, http, openFile };
  }
}
