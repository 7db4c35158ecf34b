import { noteAdditions } from "../steps/additions.js";
import { deleteEdges, type Edge, insertEdges } from "../../store/tasks/dependencies.js";
import { deleteTasks, setDegrees } from "../../store/tasks/revisions.js";
import { lockRun } from "../../store/lock-order.js";
import { type Run, setRevision } from "../../store/runs/runs.js";
import { recountDependencies } from "../../store/tasks/reopenings.js";
import { graphOfRun } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { buildDag, type Dag } from "../graph/dag.js";
import { estimateOf, type Step } from "../definitions/definition.js";
import { BatonError } from "../../base/errors.js";
import { finishedRun, takesWork } from "../lifecycle/run-state.js";
import type { LearnedEstimates } from "../steps/learned-estimates.js";
import { instantiate } from "../steps/instantiate.js";
import { Problems, problemsError } from "../../base/problems.js";
import { ownProject, type Project } from "../projects/projects.js";
import { requireCapacity, type ChangedRun, RunChange } from "../lifecycle/run-change.js";
import { applyChanges, isGathering } from "./edits.js";
import { RunGraph, type Vertex } from "../graph/run-graph.js";
import { replan, type Replanned } from "./replan.js";
import { shapeOf } from "../graph/shape.js";
import { settledAmong, settleWaiting } from "../lifecycle/dependents.js";
import { reopenAllBehind, reviseOpenTasks, type Revision } from "./revision.js";
import { requireRun } from "../lookup.js";

export interface Modification {
  readonly run: string;
  readonly changes: readonly unknown[];
  readonly expectedRevision?: number | undefined;
  readonly agent: string;
  /** For new tasks that name none, read before the transaction. Default: the general one. */
  readonly estimates?: LearnedEstimates | undefined;
}

export interface Modified extends ChangedRun {
  readonly added: readonly Task[];
  /** Keys. */
  readonly removed: readonly string[];
  readonly updated: readonly string[];
  readonly ready: readonly Task[];
  /** Consequences that the caller may not have meant. */
  readonly warnings: readonly string[];
}

/**
 * Changes the graph of a run under way: all changes, or none. Costs O(tasks and edges of the run). Errors: `invalid_input` with every
 * problem at its change; `invalid_transition` for a run that takes no work; `conflict` where it has another revision than was expected;
 * `limit_exceeded` where it is full.
 */
export function* modifyRun(ctx: EngineContext, modification: Modification): Tx<Modified> {
  const run = yield* lockOpenRun(modification);
  const project = yield* ownProject(run);
  const { tasks, edges } = yield* graphOfRun(run.id);
  const graph = new RunGraph(tasks, edges);
  const problems = new Problems();
  applyChanges(graph, modification.changes, problems);
  requireSound(run, problems);
  const replanned = yield* replan(ctx, { run, graph, problems, estimates: modification.estimates });
  requireSound(run, problems);
  return yield* write(ctx, { run, project, graph, replanned, before: { tasks, edges }, agent: modification.agent });
}

function* lockOpenRun({ run: id, expectedRevision }: Modification): Tx<Run> {
  yield* requireRun(id);
  const run = yield* lockRun(id);
  if (!run) throw new Error(`run ${id} is gone under its own lock`);
  if (!takesWork(run)) throw finishedRun(run);
  if (expectedRevision === undefined || expectedRevision === run.revision) return run;
  const message = `Run ${id} has revision ${run.revision} by now, not ${expectedRevision}: it has been changed since. Nothing was changed; read it and decide again.`;
  throw new BatonError("conflict", message, {
    details: { run: id, revision: run.revision, expected_revision: expectedRevision },
    next: [{ tool: "get_run", arguments: { run: id, include: ["tasks"] } }],
  });
}

function requireSound(run: Run, problems: Problems): void {
  if (problems.count === 0) return;
  const error = problemsError(`Nothing of run ${run.id} was changed`, problems.list());
  throw new BatonError(error.code, error.message, {
    details: { ...error.details, run: run.id, revision: run.revision },
    next: [{ tool: "list_tasks", arguments: { run: run.id } }],
  });
}

interface Writing {
  readonly run: Run;
  readonly project: Project;
  readonly graph: RunGraph;
  readonly replanned: Replanned;
  readonly before: { readonly tasks: readonly Task[]; readonly edges: readonly Edge[] };
  readonly agent: string;
}

function* write(ctx: EngineContext, writing: Writing): Tx<Modified> {
  const { graph, replanned, project } = writing;
  const run: Run = { ...writing.run, revision: writing.run.revision + 1 };
  const fresh = [...graph.all()].filter(({ task }) => task === undefined);
  const change = new RunChange(ctx, run);
  const dag = dagOf(graph, replanned);
  const revision: Revision = { project, run, agent: writing.agent, graph, replanned, ranks: dag.upwardRanks() };
  for (const task of graph.removed) change.remove(task);
  yield* requireCapacity(change, fresh.length);
  yield* deleteTasks(graph.removed.map(({ id }) => id));
  const rewired = yield* rewire(writing);
  const loose = yield* reviseOpenTasks(change, revision, rewired);
  const added = yield* addTasks(change, revision, fresh);
  yield* noteAdditions(ctx, { run, agent: writing.agent, tasks: added.map(({ id }) => id) });
  yield* setRevision(run.id, run.revision, shapeOf(dag));
  const removed = graph.removed.map(({ key }) => key);
  const updated = [...new Set([...loose.updated, ...rewired])].sort();
  change.record({
    type: "run.modified",
    agent: writing.agent,
    data: {
      revision: run.revision,
      added: shown(fresh.map(({ key }) => key)),
      removed: shown(removed),
      updated: shown(updated),
    },
  });
  const reopened = yield* reopenAllBehind(change, loose.unblocked);
  const judged = new Set([...loose.held, ...reopened, ...added].map(({ id }) => id));
  for (const key of updated) judged.add(graph.find(key)?.task?.id ?? "");
  const waiting = (yield* recountDependencies(run.id)).filter(({ id }) => judged.has(id));
  const ready = yield* settleWaiting(change, waiting);
  const atOnce = added.filter(({ status }) => status === "ready");
  const warnings = gatesPassed(writing);
  return { added, removed, updated, ready: [...atOnce, ...ready], warnings, ...(yield* change.flush()) };
}

/** Names the removed gates whose dependents go on without their checks, or without a person's decision. */
function gatesPassed({ graph, before }: Writing): string[] {
  const gates = graph.removed.filter(({ kind }) => kind === "gate" || kind === "human");
  const left = new Map([...graph.all()].flatMap(({ key, task }) => (task === undefined ? [] : [[task.id, key]])));
  return gates.flatMap(({ id, key, kind }) => {
    const behind = before.edges.flatMap(([dependency, task]) => (dependency === id ? (left.get(task) ?? []) : []));
    const asked = kind === "human" ? "a person's decision" : "its checks";
    const named = behind.slice(0, KEYS_WARNED_MAX).join(", ");
    const more = behind.length > KEYS_WARNED_MAX ? ` and ${behind.length - KEYS_WARNED_MAX} more` : "";
    return behind.length === 0
      ? []
      : [`${key} is removed: its dependents (${named}${more}) no longer wait for ${asked}`];
  });
}

const KEYS_WARNED_MAX = 5;

const KEYS_SHOWN_MAX = 100;

function shown(keys: readonly string[]): readonly string[] {
  return keys.slice(0, KEYS_SHOWN_MAX);
}

function dagOf(graph: RunGraph, { steps }: Replanned): Dag {
  const nodes = [...graph.all()].map(({ key, task, needs }) => {
    const step = steps.get(key);
    const estimateMs = step === undefined ? (task?.estimateMs ?? 0) : estimateOf(step);
    return { key, needs: [...needs], weightMs: isGathering({ key, needs }) ? 0 : estimateMs };
  });
  return buildDag(nodes);
}

/** Writes the edges between tasks that are there. Gives the keys of those that depend on others than before. */
function* rewire({ graph, before }: Writing): Tx<string[]> {
  const gone = new Set(graph.removed.map(({ id }) => id));
  const old = new Map<string, Set<string>>();
  for (const [dependency, task] of before.edges) {
    const needs = old.get(task);
    if (needs) needs.add(dependency);
    else old.set(task, new Set([dependency]));
  }
  const cut: Edge[] = [];
  const tied: Edge[] = [];
  const rewired: string[] = [];
  for (const { key, task, needs } of graph.all()) {
    if (task === undefined) continue;
    const was = old.get(task.id) ?? new Set<string>();
    const known = new Set([...needs].flatMap((need) => graph.find(need)?.task?.id ?? []));
    const leaving = [...was].filter((id) => !known.has(id));
    const joining = [...known].filter((id) => !was.has(id));
    cut.push(...leaving.filter((id) => !gone.has(id)).map((id): Edge => [id, task.id]));
    tied.push(...joining.map((id): Edge => [id, task.id]));
    // New tasks bring their edges with them.
    if (leaving.length > 0 || joining.length > 0 || known.size < needs.size) rewired.push(key);
    const dependents = graph.dependentsOf(key).length;
    if (task.dependents !== dependents || task.depsTotal !== needs.size)
      yield* setDegrees(task.id, { depsTotal: needs.size, dependents });
  }
  yield* deleteEdges(cut);
  yield* insertEdges(tied);
  return rewired;
}

/** Makes tasks of the steps that are new, with the edges of those that wait for them. */
function* addTasks(change: RunChange, revision: Revision, fresh: readonly Vertex[]): Tx<Task[]> {
  const { graph, replanned, ranks, run, project, agent } = revision;
  const ids = new Map(fresh.map(({ key }) => [key, change.ctx.newId("task")]));
  const idOf = (key: string): string => ids.get(key) ?? graph.find(key)?.task?.id ?? "";
  const tasks = yield* instantiate(change.ctx, {
    project,
    run,
    author: agent,
    planned: fresh.map(({ key, needs }) => ({
      step: stepOf(replanned, key),
      id: idOf(key),
      dependencies: [...needs].map(idOf),
      dependents: graph.dependentsOf(key).length,
      upwardRankMs: ranks.get(key) ?? 0,
      settled: settledAmong([...needs].flatMap((need) => graph.find(need)?.task ?? [])),
    })),
  });
  yield* insertEdges(
    fresh.flatMap(({ key }) =>
      graph.dependentsOf(key).flatMap((dependent): Edge[] => {
        const behind = graph.find(dependent)?.task;
        return behind === undefined ? [] : [[idOf(key), behind.id]];
      }),
    ),
  );
  for (const task of tasks) {
    change.add(task);
    change.recordTask(task, "task.created", { title: task.title });
    if (task.status === "ready") change.recordTask(task, "task.ready");
  }
  return tasks;
}

function stepOf({ steps }: Replanned, key: string): Step {
  const step = steps.get(key);
  if (step === undefined) throw new Error(`"${key}" is new and has no step`);
  return step;
}
