import { grouped } from "../../base/lists/groups.js";
import { idOfCursor, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { requireEventTypes } from "../../base/notifications/known-types.js";
import { findCounters, type Counters } from "../../store/runs/counters.js";
import { type EventFilters, type EventPage, newestEventsOf, readEvents } from "../../store/events/history.js";
import { heldLocksOfRun } from "../../store/locks/lists.js";
import { findRunShape, listRuns, type Run, type RunFilter } from "../../store/runs/runs.js";
import { edgesOfRun, graphLinesOfRun, type GraphOfRun, listTasks } from "../../store/tasks/lists.js";
import { countFailedAttempts, retriesOfRuns, type RunRetries } from "../../store/tasks/outlook.js";
import { specsOf } from "../../store/tasks/revisions.js";
import type { LineTask, Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { buildDag, findCycle } from "../graph/dag.js";
import type { EngineContext } from "../context.js";
import { iso } from "../../base/time.js";
import type { PictureNode } from "../graph/diagrams.js";
import { progressOf } from "../lifecycle/run-counts.js";
import { requireRun, requireTask } from "../lookup.js";
import { retryingIn, retryingLine } from "../tasks/outlook.js";
import { outcomeOf } from "./views.js";
import type { RunView } from "./runs.js";

export interface RunPageQuery extends Omit<RunFilter, "before">, PageQuery {}

/** A page of runs, newest first. */
export function* listRunPage(query: RunPageQuery) {
  const { project, status, workflow } = query;
  const found = yield* listRuns({
    project,
    status,
    workflow,
    before: idOfCursor("run", query.cursor),
    limit: query.limit + 1,
  });
  const { page, next } = pageOf(found, query.limit, ({ id }) => id);
  const retries = new Map((yield* retriesOfRuns(page.map(({ id }) => id))).map((one) => [one.run, one]));
  const runs: (RunView & { readonly retries: RunRetries | undefined })[] = [];
  for (const run of page) runs.push({ run, counters: yield* findCounters(run.id), retries: retries.get(run.id) });
  return { runs, next };
}

const LOCKED_FILES_SHOWN_MAX = 50;
const RETRYING_SHOWN_MAX = 20;

/** Progress as spec 03 words it: the five groups sum to total. */
export function* runProgress(ctx: EngineContext, id: string) {
  const run = yield* requireRun(id);
  const counters = yield* findCounters(id);
  const retrying = counters.pending === 0 ? [] : yield* retryingIn({ run: run.id }, RETRYING_SHOWN_MAX);
  return {
    run_id: run.id,
    status: run.status,
    progress: progressOf(counters),
    completed: counters.succeeded,
    in_progress: counters.running + counters.waiting + counters.in_review,
    pending: counters.pending + counters.ready + counters.blocked,
    failed: counters.dead_letter,
    skipped: counters.skipped + counters.cancelled,
    total: counters.total,
    ready_tasks: counters.ready,
    failed_attempts: yield* countFailedAttempts(run.id),
    retrying: retrying.map(retryingLine),
    has_cycle: findCycle(yield* edgesOfRun(run.id)) !== undefined,
    conflict_stats: { ...(yield* heldLocksOfRun(run.id, LOCKED_FILES_SHOWN_MAX)), failed_tasks: counters.dead_letter },
    eta_ms: etaMs(ctx.now, run, counters),
    critical_path: (yield* findRunShape(run.id)).criticalPath,
    updated_at: iso(counters.updatedAt),
    ...outcomeOf(run, counters),
  };
}

/** Returns the time left at the pace so far; null while no task is done yet, 0 for a run that has ended. */
function etaMs(now: number, run: Run, counters: Counters): number | null {
  if (run.endedAt !== null) return 0;
  if (counters.doneMs === 0) return null;
  const elapsed = now - run.createdAt;
  return Math.max(0, Math.round((elapsed * (counters.workMs - counters.doneMs)) / counters.doneMs));
}

/** The run's tasks as a picture's nodes. */
export function* runPicture(id: string): Tx<PictureNode[]> {
  yield* requireRun(id);
  return nodesOf(yield* graphLinesOfRun(id));
}

function nodesOf({ tasks, edges }: GraphOfRun<LineTask>): PictureNode[] {
  const keyOf = new Map(tasks.map((task) => [task.id, task.key]));
  const needs = grouped(
    edges,
    ([, task]) => task,
    ([dependency]) => keyOf.get(dependency),
  );
  return tasks.map((task) => ({
    key: task.key,
    title: task.title,
    kind: task.kind,
    status: task.status,
    needs: (needs.get(task.id) ?? []).filter((key) => key !== undefined),
  }));
}

/** The first tasks of a run, those in a branch with its condition. */
export function* conditionedTasks(run: string, limit: number) {
  const tasks = yield* listTasks({ run, limit });
  const conditions = yield* conditionsOf(tasks);
  return tasks.map((task) => ({ task, condition: conditions.get(task.id) }));
}

/** The conditions of tasks that have one, with the verdict once there is one, by task. */
function* conditionsOf(tasks: readonly Task[]) {
  const specs = yield* specsOf(tasks.filter(({ readsSpecOnStart }) => readsSpecOnStart).map(({ id }) => id));
  const conditions = tasks.flatMap((task): [string, { if: string; met?: boolean }][] => {
    const condition = specs.get(task.id)?.dynamic?.step["if"];
    if (typeof condition !== "string") return [];
    const fails = task.reasons.some(({ kind }) => kind === "condition");
    const isJudged = fails || task.readyAt !== null || task.attempt > 0 || task.status === "waiting";
    return [[task.id, { if: condition, ...(isJudged ? { met: !fails } : {}) }]];
  });
  return new Map(conditions);
}

export interface EventPageQuery extends EventFilters, PageQuery {}

/** A page of the history. A task's is read through its run's. Errors: `not_found`; `invalid_input` for what is no type of event. */
export function* listEventPage(query: EventPageQuery): Tx<EventPage> {
  const { task: reference, agent, project, types, cursor, limit } = query;
  const task = reference === undefined ? undefined : (yield* requireTask(reference)).task;
  requireEventTypes(types);
  if (query.run !== undefined) yield* requireRun(query.run);
  const run = query.run ?? task?.run;
  return yield* readEvents({ after: cursor, filters: { run, task: task?.id, agent, project, types }, limit });
}

/** The newest events of a run, oldest first. Errors: `not_found`. */
export function* latestEventsOf(id: string, limit: number) {
  yield* requireRun(id);
  return yield* newestEventsOf(id, limit);
}

/** The graph as data, its figures computed from the tasks as they are. */
export function* runGraph(id: string) {
  yield* requireRun(id);
  const graph = yield* graphLinesOfRun(id);
  const nodes = nodesOf(graph);
  const dag = buildDag(nodes.map(({ key, needs }, at) => ({ key, needs, weightMs: graph.tasks[at]?.estimateMs ?? 0 })));
  return {
    tasks: graph.tasks,
    edges: nodes.flatMap(({ key, needs }) => needs.map((from) => ({ from, to: key }))),
    depth: dag.depth,
    width: dag.maxWidth,
    critical_path: dag.criticalPath().keys,
  };
}
