import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { InputOf } from "../../../src/tools/registry.js";
import { until } from "../until.js";
import { Assistant, type Place } from "./assistant.js";

/** A kind of fault, brought about for real: processes are killed and stopped, all settings but `settings` are as by default. */
export interface Fault {
  readonly name: string;
  /** From the fault until the task runs again, at most. */
  readonly boundMs: number;
  /** Differing settings, where by default the bound is an hour or a quarter of one. */
  readonly settings?: string;
  /** Returns how long it took, in ms, each time that the fault was brought about. */
  measure(place: Place, times: number): Promise<number[]>;
}

/** Targets after kill -9 and where no process of a host is heard any more. */
const KILLED_MS_MAX = 15_000;
const UNHEARD_MS_MAX = 75_000;
const LIMIT_MS = 5_000;
const SILENCE_MS = 10_000;
const SILENCE_GRACE_MS = 5_000;
/** Losses in a row that open a breaker. */
export const LIVES = 5;

export const FAULTS: readonly Fault[] = [
  {
    name: "killed",
    boundMs: KILLED_MS_MAX,
    measure: (place, times) => holdersOf({ place, times, fail: killed }),
  },
  {
    name: "flapping",
    boundMs: KILLED_MS_MAX,
    measure: (place, times) => {
      const agentOf = (life: number): string => `flapping-${Math.floor(life / LIVES)}`;
      return holdersOf({ place, times: Math.ceil(times / LIVES) * LIVES, agentOf, fail: killed });
    },
  },
  {
    name: "hung",
    boundMs: UNHEARD_MS_MAX,
    measure: (place, times) =>
      holdersOf({
        place,
        times,
        async fail(holder) {
          await holder.stop();
          return performance.now();
        },
      }),
  },
  {
    name: "hung client of a living server",
    boundMs: SILENCE_MS + SILENCE_GRACE_MS + KILLED_MS_MAX,
    settings: `silence_ms ${SILENCE_MS}, silence_grace_ms ${SILENCE_GRACE_MS}`,
    measure: (place, times) =>
      holdersOf({
        place,
        times,
        env: { BATON_SILENCE_MS: String(SILENCE_MS), BATON_SILENCE_GRACE_MS: String(SILENCE_GRACE_MS) },
        fail(holder) {
          holder.stopClient();
          return performance.now();
        },
      }),
  },
  {
    name: "slow",
    boundMs: KILLED_MS_MAX,
    settings: `start_to_close ${LIMIT_MS} ms, counted from its end`,
    measure: (place, times) =>
      holdersOf({
        place,
        times,
        step: { timeouts: { start_to_close: LIMIT_MS } },
        fail: () => performance.now() + LIMIT_MS,
      }),
  },
  { name: "tool server that dies", boundMs: KILLED_MS_MAX, measure: toolServers },
];

function killed(holder: Assistant): number {
  holder.kill();
  return performance.now();
}

interface Holders {
  readonly place: Place;
  readonly times: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly step?: object;
  readonly agentOf?: (n: number) => string;
  /** Brings the fault about; returns its instant. */
  fail(holder: Assistant): number | Promise<number>;
}

/** Assistants start one after another, take a task of a run of its own and fail, while other agents wait for their tasks. */
async function holdersOf(given: Holders): Promise<number[]> {
  const { place, times, env = {}, step = {}, agentOf = (n: number) => `holder-${n}` } = given;
  const started: Assistant[] = [];
  const start = async (name: string): Promise<Assistant> => {
    const assistant = await Assistant.start({ place, name, env });
    started.push(assistant);
    return assistant;
  };
  try {
    const others = await start("others");
    await others.call("create_project", { name: "here", root: place.cwd });
    const taken: Promise<number>[] = [];
    for (let n = 0; n < times; n++) {
      const run = await runOf(others, `plan-${n}`, { key: "a", prompt: "Do it.", ...step });
      const holder = await start("holder");
      const agent = agentOf(n);
      await holder.call("register_agent", { name: agent, max_concurrent_tasks: times });
      const task = await claim(holder, { agent, run });
      const from = await given.fail(holder);
      const again = againAt(others, { agent: `other-${n}`, run, task }).then((at) => at - from);
      // A failure meanwhile is told by the loop or by the end of this function.
      again.catch(() => {});
      taken.push(again);
    }
    return await Promise.all(taken);
  } finally {
    for (const assistant of started) assistant.kill();
  }
}

async function runOf(planner: Assistant, name: string, step: object): Promise<string> {
  const definition = { name, steps: [step] } as InputOf<"execute_workflow">["definition"];
  return (await planner.call("execute_workflow", { definition, project: "here" })).run.id;
}

async function claim(by: Assistant, of: { agent: string; run: string }): Promise<string> {
  const { outcome, task } = await by.call("claim_task", of);
  if (!task) throw new Error(`a claim got nothing: ${outcome}`);
  return task.id;
}

/** Returns the instant at which the task runs at this agent, which waits for it. */
async function againAt(by: Assistant, of: { agent: string; run: string; task: string }): Promise<number> {
  for (;;) {
    const { task } = await by.call("claim_task", { agent: of.agent, run: of.run, wait_seconds: 50 });
    if (task?.id === of.task) return performance.now();
  }
}

/** A process calls a tool of each of so many servers, which are killed with -9 meanwhile. */
async function toolServers(place: Place, times: number): Promise<number[]> {
  const script = path.join(place.home, "test/support/servers/odd-server.mjs");
  const names = Array.from({ length: times }, (_, n) => `odd${n}`);
  const logOf = (name: string): string => path.join(place.cwd, `${name}.log`);
  const entries = names.map((name) => {
    const server = { command: process.execPath, args: [script, "waits"], env: { LOG: logOf(name) } };
    return [name, server] as const;
  });
  const env = { BATON_MCP_SERVERS: JSON.stringify(Object.fromEntries(entries)) };
  const caller = await Assistant.start({ place, name: "caller", env });
  try {
    await caller.call("create_project", { name: "here", root: place.cwd });
    const taken: Promise<number>[] = [];
    for (const name of names) {
      await runOf(caller, name, { key: "a", kind: "tool", server: name, tool: "do", arguments: {} });
      const [pid] = await calledTimes(logOf(name), 1);
      process.kill(pid ?? Number.NaN, "SIGKILL");
      const from = performance.now();
      const again = calledTimes(logOf(name), 2).then(() => performance.now() - from);
      again.catch(() => {});
      taken.push(again);
    }
    return await Promise.all(taken);
  } finally {
    caller.kill();
  }
}

/** Waits until a tool server has been called so often; returns its processes, one for each start. */
async function calledTimes(log: string, times: number): Promise<number[]> {
  return until(`${log} has ${times} calls`, () => {
    const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
    if (lines.filter((line) => line.startsWith("call ")).length < times) return undefined;
    return lines.flatMap((line) => (line.startsWith("start ") ? [Number(line.split(" ")[1])] : []));
  });
}
