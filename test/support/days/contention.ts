import type { Backend } from "../databases/databases.js";
import type { Settings } from "../../../src/base/settings.js";
import { startAppOn } from "../servers/app.js";
import { Crew, type Step } from "../fixtures/plan.js";

export const HOUR = 3_600_000;

/** Three agents, a run of these steps in a project, and the calls about their conflicts. */
export async function contention(backend: Backend, steps: readonly Step[], settings: Partial<Settings> = {}) {
  const app = await startAppOn(backend, { settings });
  const crew = new Crew(app);
  const { call } = app;
  await call("create_project", { name: "shop", root: app.cwd });
  for (const name of ["ann", "ben", "eve"]) await call("register_agent", { name });
  const start = async (more: readonly Step[]) => (await crew.start(more, { project: "shop" })).run.id;
  const run = await start(steps);
  const detect = async () => (await call("detect_conflicts", { project: "shop" })).conflicts;
  const conflicts = async () => (await call("list_conflicts", { project: "shop" })).conflicts;
  const resolve = async (strategy: "prioritize_critical" | "queue" | "share" | "shortest_first" | "rebalance") =>
    call("resolve_conflicts", { all: true, project: "shop", strategy });
  const lock = async (agent: string, paths: string[], more: { mode?: "shared"; wait_seconds?: number } = {}) =>
    call("acquire_file_lock", { project: "shop", agent, paths, ...more });
  return { app, crew, call, start, run, detect, conflicts, resolve, lock };
}

/** A step of an hour that writes a file. */
export function writes(key: string, path: string, more: Partial<Step> = {}): Step {
  return { key, estimate_ms: HOUR, files: { write: [path] }, ...more };
}
