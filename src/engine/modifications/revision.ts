import { saveDemands } from "../../store/scheduling/lanes.js";
import * as store from "../../store/tasks/revisions.js";
import type { Run } from "../../store/runs/runs.js";
import { type Task, NO_DEADLINE } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { reservedDemand, withUnreserved } from "../scheduling/demands.js";
import { draftStep, taskOfStep } from "../steps/instantiate.js";
import { ageingBucket, PRIORITIES, type Priority } from "../scheduling/order.js";
import type { Project } from "../projects/projects.js";
import { allBlockedBehind, reopen } from "../lifecycle/reopening.js";
import type { RunChange } from "../lifecycle/run-change.js";
import type { RunGraph, Vertex } from "../graph/run-graph.js";
import type { Replanned } from "./replan.js";
import { saveFileSets } from "../paths/file-sets.js";
import { settledAmong } from "../lifecycle/dependents.js";
import { judge } from "../scheduling/triggers.js";

/** A run with its changed graph. */
export interface Revision {
  readonly project: Project;
  readonly run: Run;
  /** The author of what is new. */
  readonly agent: string;
  readonly graph: RunGraph;
  readonly replanned: Replanned;
  /** Upward ranks in ms, by key. */
  readonly ranks: ReadonlyMap<string, number>;
}

/** Existing tasks that the revision releases. */
export interface Loose {
  /** They were ready and wait again, to be judged afresh. */
  readonly held: readonly Task[];
  /** They were blocked, and what they depend on or say is another now. */
  readonly unblocked: readonly Task[];
  /** Keys of those that say something else than before. */
  readonly updated: readonly string[];
}

type Known = Vertex & { readonly task: Task };

/** Writes the new step and place of unstarted tasks. */
export function* reviseOpenTasks(change: RunChange, revision: Revision, rewired: readonly string[]): Tx<Loose> {
  const { graph } = revision;
  const other = new Set(rewired);
  const open = [...graph.all()].filter((one): one is Known => one.task !== undefined && one.mutability === "open");
  const changed = open.filter(({ key, written }) => written !== undefined || other.has(key));
  const held = changed.filter((vertex) => vertex.task.status === "ready" && !staysReady(graph, vertex));
  // A task waiting for its retry has had its dependencies; it starts over where they or its step have changed.
  const retrying = changed.filter(({ task }) => task.status === "pending" && task.availableAt !== null);
  yield* store.forgetRetries(retrying.map(({ task }) => task.id));
  yield* store.holdTasks(held.map(({ task }) => task.id));
  for (const { task } of held) change.move(task, "pending");
  const moved = new Set(held.map(({ key }) => key));
  const updated: string[] = [];
  for (const vertex of open) {
    const rank = revision.ranks.get(vertex.key) ?? -vertex.task.rankOrder;
    const known: Task = moved.has(vertex.key) ? { ...vertex.task, status: "pending" } : vertex.task;
    const before = vertex.written === undefined ? known : yield* rewrite(change, revision, { ...vertex, task: known });
    const after = placed(change, { ...vertex, task: before }, rank);
    if (vertex.written !== undefined || vertex.priority !== undefined) updated.push(vertex.key);
    if (samePlace(before, after)) continue;
    yield* store.setPlace(after);
    if (after.status === "ready") change.relane(before, after);
  }
  const unblocked = changed.filter(({ task }) => task.status === "blocked").map(({ task }) => task);
  return { held: held.map(({ task }) => task), unblocked, updated };
}

/** A changed task is made ready anew, under its new step. */
function staysReady(graph: RunGraph, { task, needs, written }: Known): boolean {
  if (written !== undefined) return false;
  const known = [...needs].flatMap((need) => graph.find(need)?.task ?? []);
  return judge(task.trigger, { total: needs.size, ...settledAmong(known) }) === "ready";
}

function* rewrite(change: RunChange, { replanned, project, run, agent }: Revision, vertex: Known): Tx<Task> {
  const { task, key } = vertex;
  const step = replanned.steps.get(key);
  if (step === undefined) throw new Error(`"${key}" was changed and has no step`);
  const planned = { step, id: task.id, dependencies: [], dependents: task.dependents, upwardRankMs: -task.rankOrder };
  const draft = draftStep(change.ctx, project, step);
  const revised = taskOfStep(change.ctx, run, { planned, draft });
  const demand = task.reservedFor === null ? draft.demand : reservedDemand(draft.demand, task.reservedFor);
  if (draft.scope !== "") yield* saveFileSets(project, new Map([[draft.scope, draft.paths]]));
  yield* saveDemands(withUnreserved(demand));
  const { title, role, scope, trigger, estimateMs, readsSpecOnStart, phase } = revised;
  const latestStart = step.deadline === undefined ? task.latestStart : revised.latestStart;
  const after = {
    ...task,
    title,
    role,
    demand: demand.id,
    scope,
    trigger,
    estimateMs,
    readsSpecOnStart,
    latestStart,
    phase,
    author: agent,
  };
  change.reestimate(task, after);
  yield* store.reviseTask(after, draft.spec);
  return after;
}

/** Where a task stands in the order from now on. */
function placed({ ctx }: RunChange, { task, priority: said }: Known, rankMs: number): Task {
  const priority = said === undefined ? task.priority : PRIORITIES[said as Priority];
  const bucket =
    task.status === "ready" && priority !== task.priority
      ? ageingBucket(task.readyAt ?? ctx.now, priority, ctx.settings.ageing_ms)
      : task.bucket;
  const earlierBy = rankMs + task.rankOrder;
  const latestStart = task.latestStart >= NO_DEADLINE ? task.latestStart : task.latestStart - earlierBy;
  return { ...task, priority, bucket, rankOrder: -rankMs, latestStart };
}

function samePlace(a: Task, b: Task): boolean {
  return a.priority === b.priority && a.bucket === b.bucket && a.rankOrder === b.rankOrder;
}

/** Opens blocked tasks again, and all that is blocked behind them, to be judged afresh. */
export function* reopenAllBehind(change: RunChange, blocked: readonly Task[]): Tx<Task[]> {
  const ids = blocked.map(({ id }) => id);
  const tasks = [...new Set([...ids, ...(yield* allBlockedBehind(ids))])];
  return yield* reopen(change, { tasks, from: "blocked" });
}
