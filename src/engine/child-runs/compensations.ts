import { startOf } from "../../base/texts/stored-values.js";
import { grouped } from "../../base/lists/groups.js";
import { TITLE_CHARS_MAX } from "../../base/limits.js";
import { openDescendants } from "../../store/child-runs/child-runs.js";
import { compensable, compensationKey } from "../../store/child-runs/compensations.js";
import { findCounters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import { graphOfRun } from "../../store/tasks/lists.js";
import type { TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Step } from "../definitions/definition.js";
import { instantiate, type Planned } from "../steps/instantiate.js";
import { ownProject } from "../projects/projects.js";
import { OPEN_STATUSES } from "../lifecycle/run-counts.js";
import { RunChange } from "../lifecycle/run-change.js";
import { moveRun } from "../lifecycle/run-state.js";
import { settleWaiting } from "../lifecycle/dependents.js";

// A run with on_failure compensate undoes what it did once nothing of it is held any more: each task that succeeded and says how
// becomes a task that undoes it, behind those that undo what was built on it (Garcia-Molina & Salem, "Sagas", SIGMOD 1987).

/** Starts undoing a run whose row is locked, if it is to be undone and nothing of it is open any more. */
export function* startCompensations(ctx: EngineContext, run: Run): Tx<void> {
  if (run.status !== "compensating" || run.stage !== "stopping") return;
  const counters = yield* findCounters(run.id);
  if (OPEN_STATUSES.some((status) => counters[status] > 0)) return;
  // Child runs come to their end first; the last of them makes this one due again.
  if ((yield* openDescendants(run.id)).length > 0) return;
  const moved = yield* moveRun(run, { event: "undo", reason: run.reason, stage: "undoing" });
  const change = new RunChange(ctx, moved);
  const project = yield* ownProject(run);
  const tasks = yield* instantiate(ctx, { project, run: moved, planned: yield* planCompensations(ctx, run.id) });
  for (const task of tasks) change.add(task);
  change.record({ type: "run.compensating", data: { tasks: tasks.length } });
  yield* settleWaiting(
    change,
    tasks.filter(({ status, readsSpecOnStart }) => status === "pending" && readsSpecOnStart),
  );
  yield* change.flush();
}

function* planCompensations(ctx: EngineContext, run: string): Tx<Planned[]> {
  const done = yield* compensable(run);
  const { tasks, edges } = yield* graphOfRun(run);
  const before = undoneBefore({ tasks: tasks.map(({ id }) => id), edges, undone: new Set(done.map(idOf)) });
  const ids = new Map(done.map((one) => [idOf(one), ctx.newId("task")]));
  const newId = (task: string): string => {
    const id = ids.get(task);
    if (id === undefined) throw new Error(`task ${task} is not undone, yet something waits for that`);
    return id;
  };
  const dependents = new Map<string, number>();
  for (const task of [...before.values()].flat()) dependents.set(task, (dependents.get(task) ?? 0) + 1);
  return done.map((one) => ({
    step: compensationStep(one),
    id: newId(idOf(one)),
    dependencies: (before.get(idOf(one)) ?? []).map(newId),
    dependents: dependents.get(idOf(one)) ?? 0,
    upwardRankMs: one.task.estimateMs,
  }));
}

const idOf = ({ task }: Pick<TaskAndSpec, "task">): string => task.id;

/** The step that undoes a task, written from a Step and read back as one. */
function compensationStep({ task, spec }: TaskAndSpec): Step {
  const step = spec.compensate as unknown as Step;
  const title = step.title === task.key ? startOf(`Undo ${task.title}`, TITLE_CHARS_MAX) : step.title;
  return { ...step, key: compensationKey(task.key), title, needs: [], trigger: "all_succeeded" };
}

export interface CompensationOrder {
  readonly tasks: readonly string[];
  readonly edges: readonly (readonly [dependency: string, task: string])[];
  /** Tasks that are compensated. */
  readonly undone: ReadonlySet<string>;
}

const EDGES_MAX = 50_000;

/**
 * For each task that is undone, those that must be undone before it: the nearest among all that depends on it. Where that comes to
 * more than 50,000 pairs, they are undone one after another instead. O(V + E), and what the answers are long.
 */
export function undoneBefore({ tasks, edges, undone }: CompensationOrder): ReadonlyMap<string, readonly string[]> {
  const ties = grouped(edges, ([dependency]) => dependency);
  const dependents = new Map([...ties].map(([dependency, own]) => [dependency, own.map(([, task]) => task)]));
  const nearest = new Map<string, ReadonlySet<string>>();
  let pairs = 0;
  const order = dependentsFirst(tasks, dependents);
  for (const task of order) {
    const found = new Set<string>();
    for (const one of dependents.get(task) ?? []) {
      if (undone.has(one)) found.add(one);
      else for (const further of nearest.get(one) ?? []) found.add(further);
    }
    nearest.set(task, found);
    pairs += found.size;
    if (pairs > EDGES_MAX) return oneByOne(order.filter((one) => undone.has(one)));
  }
  return new Map([...undone].map((task) => [task, [...(nearest.get(task) ?? [])].sort()]));
}

function oneByOne(order: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(order.map((task, at) => [task, order.slice(Math.max(0, at - 1), at)]));
}

/** Every task after all that depend on it: depth-first, in post-order, with an explicit stack. */
function dependentsFirst(tasks: readonly string[], dependents: ReadonlyMap<string, readonly string[]>): string[] {
  const order: string[] = [];
  const entered = new Set<string>();
  for (const start of tasks) {
    const stack: { task: string; rest: Iterator<string> }[] = [];
    const enter = (task: string): void => {
      if (entered.has(task)) return;
      entered.add(task);
      stack.push({ task, rest: (dependents.get(task) ?? [])[Symbol.iterator]() });
    };
    enter(start);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.rest.next();
      if (next.done !== true) {
        enter(next.value);
        continue;
      }
      order.push(top.task);
      stack.pop();
    }
  }
  return order;
}
