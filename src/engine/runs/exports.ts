import { grouped } from "../../base/lists/groups.js";
import { type Page, idOfCursor, pageOf } from "../../base/lists/paging.js";
import { iso } from "../../base/time.js";
import { priorityName } from "../scheduling/order.js";
import { findImportOfRun, type ImportRow } from "../../store/imports/imports.js";
import { lastOutcomes, neededKeys, type TaskOutcome } from "../../store/tasks/outcomes.js";
import { listTasks } from "../../store/tasks/lists.js";
import { specsOf } from "../../store/tasks/revisions.js";
import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import { findCounters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { progressOf } from "../lifecycle/run-counts.js";
import { requireRun } from "../lookup.js";

/** Characters of a task's result in an export; get_task reads a longer one in parts. */
const RESULT_CHARS_MAX = 4_000;

/** A task as an export has it. */
export type ExportedTask = ReturnType<typeof exportedTask>;
export type ExportedRun = ReturnType<typeof exportedRun>;

export interface ExportPage {
  readonly run: ExportedRun;
  readonly tasks: readonly ExportedTask[];
  /** Whether the page begins at the run's first task. */
  readonly isFirst: boolean;
}

/** A page of a run's tasks with all that tells what was done, in order of creation. Errors: `not_found`. */
export function* exportRun(query: { run: string; cursor?: string | undefined; limit: number }) {
  const run = yield* requireRun(query.run);
  const after = idOfCursor("task", query.cursor);
  const found = yield* listTasks({ run: run.id, after, limit: query.limit + 1 });
  const imported = yield* findImportOfRun(run.id);
  const tasks = yield* withTheirTexts(found.slice(0, query.limit), imported);
  const { page, next }: Page<Written> = pageOf(
    // The row beyond the page tells that there are more; its texts are not read.
    [...tasks, ...found.slice(query.limit).map((task): Written => ({ id: task.id }))],
    query.limit,
    ({ id }) => id,
  );
  const progress = progressOf(yield* findCounters(run.id));
  const written = page.flatMap(({ task }) => (task === undefined ? [] : [task]));
  return { run: exportedRun(run, progress, imported), tasks: written, isFirst: after === undefined, next };
}

interface Written {
  readonly id: string;
  readonly task?: ExportedTask;
}

function* withTheirTexts(tasks: readonly Task[], imported: ImportRow | undefined): Tx<Written[]> {
  const ids = tasks.map(({ id }) => id);
  const specs = yield* specsOf(ids);
  const outcomes = new Map((yield* lastOutcomes(ids, RESULT_CHARS_MAX)).map((one) => [one.task, one]));
  const refs = new Map((imported?.tasks ?? []).map(([ref, key]) => [key, ref]));
  const needs = grouped(
    yield* neededKeys(ids),
    ({ task }) => task,
    ({ key }) => key,
  );
  return tasks.map((task) => ({
    id: task.id,
    task: exportedTask(task, {
      spec: specs.get(task.id),
      outcome: outcomes.get(task.id),
      needs: needs.get(task.id) ?? [],
      ref: refs.get(task.key),
    }),
  }));
}

function exportedRun(run: Run, progress: number, imported: ImportRow | undefined) {
  return {
    id: run.id,
    name: run.name,
    status: run.status,
    progress,
    ...(imported === undefined ? {} : { imported_from: imported.source }),
    created_at: iso(run.createdAt),
    ...(run.endedAt === null ? {} : { ended_at: iso(run.endedAt) }),
  };
}

interface TaskTexts {
  readonly spec: TaskSpec | undefined;
  readonly outcome: TaskOutcome | undefined;
  readonly needs: readonly string[];
  /** Its id in the plan that the run was imported from. */
  readonly ref: string | undefined;
}

function exportedTask(task: Task, { spec, outcome, needs, ref }: TaskTexts) {
  const agent = task.agent ?? outcome?.agent;
  const { prompt, criteria, files } = spec ?? {};
  const isFailed = outcome !== undefined && outcome.error !== null && task.status !== "succeeded";
  return {
    key: task.key,
    ...(ref === undefined ? {} : { ref }),
    title: task.title,
    status: task.status,
    priority: priorityName(task.priority),
    kind: task.kind,
    ...(task.role === null ? {} : { role: task.role }),
    ...(task.phase === null ? {} : { phase: task.phase }),
    // Its holder, else the agent of its last attempt.
    ...(agent === undefined ? {} : { agent }),
    ...(needs.length === 0 ? {} : { needs }),
    ...(files === undefined || files.write.length + files.read.length === 0 ? {} : { files }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(criteria === undefined ? {} : { criteria }),
    ...resultOf(outcome),
    ...(isFailed ? { error: `${outcome.error.type}: ${outcome.error.message}` } : {}),
    created_at: iso(task.createdAt),
    ...(task.startedAt === null ? {} : { started_at: iso(task.startedAt) }),
    ...(task.endedAt === null ? {} : { ended_at: iso(task.endedAt) }),
  };
}

/** A result as data; the beginning of its JSON text where it is longer than an export shows. */
function resultOf(outcome: TaskOutcome | undefined): { result?: unknown; result_chars?: number } {
  if (outcome === undefined || outcome.result === null) return {};
  const { result, resultChars } = outcome;
  if (resultChars > RESULT_CHARS_MAX) return { result: `${result}…`, result_chars: resultChars };
  return { result: JSON.parse(result) as unknown };
}
