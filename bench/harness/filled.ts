import { EngineHandle } from "./engine-handle.js";
import type { Errand } from "./errand.js";
import { RawQueue } from "../peers/raw-sqlite.js";
import { independent, RUN_TASKS_MAX } from "../loads/plans.js";

/** Makes a new file with so many tasks that anyone may claim; gives the project, which the raw queue has none of. */
export async function fill(by: Errand["by"], file: string, tasks: number): Promise<string> {
  return by === "engine" ? fillForEngine(file, tasks) : fillRaw(file, tasks);
}

async function fillForEngine(file: string, tasks: number): Promise<string> {
  const handle = await EngineHandle.onSqlite(file, "NORMAL");
  const project = await handle.project();
  for (let left = tasks; left > 0; left -= RUN_TASKS_MAX) {
    await handle.start(project, independent(Math.min(left, RUN_TASKS_MAX)));
  }
  await handle.close();
  return project.id;
}

function fillRaw(file: string, tasks: number): string {
  const raw = new RawQueue(file, "NORMAL");
  raw.fill(tasks);
  raw.close();
  return "";
}
