import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Bench, Benchmark, Line, Outcome } from "../harness/benchmark.js";
import { BARE_SERVER, SERVER } from "../harness/places.js";
import { figuresOf, interleave, median, medianRatio } from "../harness/rounds.js";

const ROUNDS = 25;
const START_RATIO_MAX = 1.15;
const RSS_MB_MAX = 70;
const LIST_MS_MAX = 3;

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
});

const LIST = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" });

export const start: Benchmark = {
  name: "start",
  title: "Start of a server until initialize is answered",
  async run(bench: Bench): Promise<Outcome> {
    const rssMb: number[] = [];
    const bareRssMb: number[] = [];
    const listMs: number[] = [];
    const baton = { name: "baton", round: () => startOnce([SERVER], bench, { rssMb, listMs }) };
    const bare = { name: "bare", round: () => startOnce([BARE_SERVER], bench, { rssMb: bareRssMb }) };
    await interleave([baton, bare], 2);
    const rounds = await interleave([baton, bare], bench.quick ? 5 : ROUNDS);
    const [ours, theirs] = [figuresOf(rounds, "baton"), figuresOf(rounds, "bare")];
    const peer = "the SDK's bare Server";
    const started: Line = {
      what: "start to initialize answered",
      value: median(ours),
      unit: "ms",
      peer: { name: peer, value: median(theirs) },
      ratio: medianRatio(ours, theirs),
      target: { of: "ratio", at: "most", limit: START_RATIO_MAX },
    };
    const memory: Line = {
      what: "memory after initialize (RSS)",
      value: median(rssMb),
      unit: "MB",
      peer: { name: peer, value: median(bareRssMb) },
      target: { of: "value", at: "most", limit: RSS_MB_MAX },
    };
    const listed: Line = {
      what: "tools/list answered, the first of a process",
      value: median(listMs),
      unit: "ms",
      target: { of: "value", at: "most", limit: LIST_MS_MAX },
    };
    return {
      // Only Linux says what a process occupies.
      lines: process.platform === "linux" ? [started, listed, memory] : [started, listed],
      notes: ["From spawn to the line with the answer; each process is new, its files are in the system's cache."],
      detail: { baton_ms: ours, bare_ms: theirs },
    };
  },
};

interface Measured {
  readonly rssMb: number[];
  /** Where the server has tools. */
  readonly listMs?: number[];
}

/** Starts a server, asks it to initialize and for its tools, and ends it. Returns ms until the first answer. */
async function startOnce(
  command: readonly string[],
  { directory }: Bench,
  { rssMb, listMs }: Measured,
): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: directory,
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      XDG_CONFIG_HOME: directory,
      XDG_DATA_HOME: directory,
      BATON_DB: path.join(directory, "baton.db"),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.write(`${INITIALIZE}\n`);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line")) as [string];
  const ms = performance.now() - startedAt;
  if (!line.includes('"serverInfo"')) throw new Error(`not an answer to initialize: ${line}`);
  if (process.platform === "linux" && child.pid !== undefined) rssMb.push(rssOf(child.pid));
  if (listMs) {
    const askedAt = performance.now();
    child.stdin.write(`${LIST}\n`);
    await once(lines, "line");
    listMs.push(performance.now() - askedAt);
  }
  const ended = once(child, "exit");
  child.stdin.end();
  await ended;
  return ms;
}

function rssOf(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`/proc does not say what ${pid} occupies`);
  return Number(found[1]) / 1_024;
}
