import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { WORKER } from "./places.js";

/** The work of a worker process. */
export const errandSchema = z.object({
  /** `raw` is the queue by hand, with SQLite's own busy wait. */
  by: z.enum(["engine", "raw"]),
  file: z.string(),
  synchronous: z.enum(["FULL", "NORMAL"]),
  project: z.string(),
  agent: z.string(),
  forMs: z.number(),
  tasks: z.number(),
  /** So many tasks are done before, unmeasured. */
  warmUp: z.number(),
});
export type Errand = z.output<typeof errandSchema>;

const reportSchema = z.object({
  done: z.number(),
  slowestMs: z.number(),
  p99Ms: z.number(),
  /** Processor time of the process and the system for it, meanwhile. */
  cpuMs: z.number(),
  rssMb: z.number(),
});
/** A worker's result: calls are claims and completions, each timed by itself. */
export type Report = z.output<typeof reportSchema>;

/** Lets processes do their errands at the same time: they begin once all are ready. */
export async function sendOut(errands: readonly Errand[]): Promise<Report[]> {
  const workers = errands.map((errand) => fork(WORKER, [JSON.stringify(errand)]));
  await Promise.all(workers.map((worker) => heard(worker)));
  const reports = workers.map((worker) => heard(worker));
  for (const worker of workers) worker.send("go");
  const answers = await Promise.all(reports);
  await Promise.all(workers.map(ended));
  return answers.map((answer) => reportSchema.parse(answer));
}

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode === null) await once(worker, "exit");
}

async function heard(worker: ChildProcess): Promise<unknown> {
  const failed = once(worker, "exit").then(([code]) => {
    throw new Error(`a worker process ended with ${String(code)}`);
  });
  const message = once(worker, "message").then(([said]: unknown[]) => said);
  return Promise.race([message, failed]);
}
