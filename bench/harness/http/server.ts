import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ROOT, SERVER } from "../places.js";

const BARE_HONO = path.join(ROOT, "bench/peers/bare-hono.mjs");
const COLLECTOR = path.join(ROOT, "bench/peers/collector.mjs");
/** Between two collections: what ended with the last answers is let go by turns of the loop. */
const COLLECTED_MS = 300;
const COLLECTIONS = 4;

/** A server of this machine as a process of its own. */
export interface Served {
  readonly origin: string;
  /** Memory of its objects, and of what stands outside for them, after collections of garbage, in KB. */
  memoryKb(): Promise<number>;
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
  const measured = async (): Promise<number> => {
    said = "";
    child.kill("SIGUSR2");
    for (;;) {
      await once(child.stderr, "data");
      const bytes = /^memory (\d+)$/m.exec(said)?.[1];
      if (bytes !== undefined) return Number(bytes) / 1_024;
    }
  };
  return {
    origin,
    memoryKb: async () => {
      for (let times = 1; times < COLLECTIONS; times++) {
        await measured();
        await pause(COLLECTED_MS);
      }
      return measured();
    },
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
