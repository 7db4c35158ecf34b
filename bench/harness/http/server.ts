import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ROOT, SERVER } from "../places.js";

const BARE_HONO = path.join(ROOT, "bench/peers/bare-hono.mjs");
const COLLECTOR = path.join(ROOT, "bench/peers/collector.mjs");
/** Between two collections, so that what the first has made free is gone at the second. */
const COLLECTED_MS = 300;
/** Pages that are free are given back little by little: memory is settled when a collection frees no more than this. */
const STEADY_KB = 256;
const COLLECTIONS_MIN = 4;
const COLLECTIONS_MAX = 20;

/** A server of this machine as a process of its own. */
export interface Served {
  readonly origin: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `baton serve --http` on a database, which variables name. */
export function serveBaton(directory: string, database: Readonly<Record<string, string>>): Promise<Served> {
  return served([SERVER, "serve", "--http", "127.0.0.1:0"], { directory, env: database });
}

export function serveBareHono(directory: string): Promise<Served> {
  return served([BARE_HONO], { directory, env: {} });
}

/** The variables of a server under measurement: nothing of the person who measures. */
export function environment(directory: string, more: Readonly<Record<string, string>>): Record<string, string> {
  const home = { HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory };
  return { PATH: process.env["PATH"] ?? "", ...home, ...more };
}

async function served(
  command: readonly string[],
  { directory, env }: { readonly directory: string; readonly env: Readonly<Record<string, string>> },
): Promise<Served> {
  const child = spawn(process.execPath, ["--expose-gc", "--import", COLLECTOR, ...profiled(), ...command], {
    cwd: directory,
    env: environment(directory, env),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let said = "";
  const origin = await new Promise<string>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`the server did not start: ${said}`)));
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const url = /serving .*(http:\/\/[\w.:]+)\//.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  if (child.pid === undefined) throw new Error("the server has no process");
  return {
    origin,
    pid: child.pid,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** With BENCH_PROFILES=DIRECTORY each server leaves a profile of its processor time there. */
function profiled(): string[] {
  const directory = process.env["BENCH_PROFILES"];
  return directory === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", directory];
}

/** Returns the memory of a server whose garbage has been collected, in KB (RSS). Linux alone says it. */
export async function settledKb(pid: number): Promise<number> {
  let settled = Number.POSITIVE_INFINITY;
  for (let times = 0; times < COLLECTIONS_MAX; times++) {
    process.kill(pid, "SIGUSR2");
    await pause(COLLECTED_MS);
    const now = rssKb(pid);
    if (times >= COLLECTIONS_MIN && settled - now < STEADY_KB) return now;
    settled = now;
  }
  return settled;
}

function rssKb(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`/proc does not say what ${pid} occupies`);
  return Number(found[1]);
}
