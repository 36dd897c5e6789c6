/** The real server, on a port and in a folder of its own. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, vi } from "vitest";

const ADDRESS = /serves (http:\S+)/;

/** Given by the tests of the whole project; else the checkout's own. */
export function python(): string {
  const given = process.env["OTV_TEST_PYTHON"];
  if (given) return given;
  const own = join(import.meta.dirname, "../../../.venv/bin/python");
  if (!existsSync(own)) throw new Error("name a Python that has the server in OTV_TEST_PYTHON");
  return own;
}

async function start(data: string, flags: readonly string[]): Promise<[string, () => Promise<void>]> {
  const here = ["--host", "127.0.0.1", "--port", "0"];
  const serve = ["-m", "otv_server", "serve", ...here, "--data", data, "--rate", "0"];
  const child = spawn(python(), [...serve, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (complaint += piece));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = (): Promise<void> => {
    child.kill();
    return ended;
  };
  let told = "";
  // What it still has to say finds the pipe open.
  const printed = child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false });
  for await (const piece of printed) {
    told += piece as string;
    const [, url] = ADDRESS.exec(told) ?? [];
    if (url) {
      child.stdout.resume();
      return [url, stop];
    }
  }
  throw new Error(`the server did not start: ${told}${complaint}`);
}

/** A server for the tests of one file; its address once they run. */
export function withServer(...flags: string[]): { url: string; data: string } {
  const server = { url: "", data: "" };
  let stop: (() => Promise<void>) | undefined;
  // Argon2id takes a second or two here, and machines that run tests are busy.
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  beforeAll(async () => {
    server.data = await mkdtemp(join(tmpdir(), "otv-page-"));
    [server.url, stop] = await start(server.data, flags);
  });
  afterAll(async () => {
    await stop?.();
    await rm(server.data, { recursive: true, force: true });
  });
  return server;
}
