import { registerAgent } from "../../src/engine/agents/agents.js";
import type { Project } from "../../src/engine/projects/projects.js";
import { controlRun } from "../../src/engine/runs/control.js";
import type { EngineHandle } from "../harness/engine-handle.js";
import { ofDemands, roleOf } from "./plans.js";

export const DEMANDS = 50;

/** Contents of a database: runs of each kind and the tasks of one. */
export interface Mixture {
  readonly finished: { readonly runs: number; readonly tasks: number };
  readonly paused: { readonly runs: number; readonly tasks: number };
  readonly open: { readonly runs: number; readonly tasks: number };
}

/** 900 of 1,000 unfinished runs are paused. */
export const MILLION: Mixture = {
  finished: { runs: 100, tasks: 1_000 },
  paused: { runs: 900, tasks: 900 },
  open: { runs: 100, tasks: 900 },
};
export const HUNDRED_THOUSAND: Mixture = {
  finished: { runs: 10, tasks: 1_000 },
  paused: { runs: 90, tasks: 900 },
  open: { runs: 10, tasks: 900 },
};
export const HUNDRED: Mixture = {
  finished: { runs: 0, tasks: 0 },
  paused: { runs: 0, tasks: 0 },
  open: { runs: 1, tasks: 100 },
};

export function tasksIn(mixture: Mixture): number {
  return Object.values(mixture).reduce((sum, { runs, tasks }) => sum + runs * tasks, 0);
}

export const workerOf = (demand: number): string => `worker-${demand}`;
const EVERYONE = "everyone";
const FINISHED_AT_ONCE = 250;
const REPORT_EVERY_RUNS = 100;

/** Fills an empty database through the engine alone, so that every row is as it would be at work. */
export async function fill(handle: EngineHandle, mixture: Mixture, say: (line: string) => void): Promise<Project> {
  const project = await handle.project();
  await registerWorkers(handle);
  const { finished, paused, open } = mixture;
  for (let n = 0; n < finished.runs; n++) {
    const { run } = await handle.start(project, ofDemands(finished.tasks, DEMANDS));
    for (let done = 0; done < finished.tasks; done += FINISHED_AT_ONCE) {
      await handle.finishMany(EVERYONE, { run: run.id }, Math.min(FINISHED_AT_ONCE, finished.tasks - done));
    }
  }
  if (finished.runs > 0) say(`${finished.runs} runs of ${finished.tasks} tasks are finished`);
  const plan = ofDemands(open.tasks, DEMANDS);
  for (let n = 0; n < paused.runs; n++) {
    const { run } = await handle.start(project, plan);
    await handle.transact((ctx) => controlRun(ctx, { run: run.id, action: "pause", agent: EVERYONE }));
    if ((n + 1) % REPORT_EVERY_RUNS === 0) say(`${n + 1} runs of ${paused.tasks} tasks are paused`);
  }
  for (let n = 0; n < open.runs; n++) await handle.start(project, plan);
  return project;
}

/** One agent for each demand, and one that can take everything. */
async function registerWorkers(handle: EngineHandle): Promise<void> {
  const demands = Array.from({ length: DEMANDS }, (_, demand) => demand);
  await handle.transact(function* (ctx) {
    yield* registerAgent(ctx, { name: EVERYONE, roles: demands.map(roleOf) });
    for (const demand of demands) yield* registerAgent(ctx, { name: workerOf(demand), roles: [roleOf(demand)] });
  });
}
