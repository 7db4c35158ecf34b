import type { JsonObject } from "../../base/json.js";
import type { ForeignPlan } from "../../imports/foreign-plan.js";
import { findImport, type ImportedTask, type ImportRow } from "../../store/imports/imports.js";
import { findRun, type Run } from "../../store/runs/runs.js";
import { graphOfRun } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { takesWork } from "../lifecycle/run-state.js";
import { isLive, type PlannedTask, plannedTasks, type PlannedTasks } from "./planned-tasks.js";

/** A task that a plan and its run have in common. */
export interface SharedTask {
  readonly planned: PlannedTask;
  readonly task: Task;
}

/** A task that an import leaves as it is although its source says something else, and why. */
export interface LeftTask {
  readonly key: string;
  readonly title: string;
  readonly why: string;
}

/** The consequences of importing a plan, before any of them is written. */
export interface Outlook {
  readonly plan: ForeignPlan;
  readonly planned: PlannedTasks;
  /** The run that an earlier import made. Undefined where there is none, or where it has ended. */
  readonly run: Run | undefined;
  /** The run of the earlier import, which has ended. */
  readonly ended: Run | undefined;
  readonly row: ImportRow | undefined;
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>;
  /** Refs of the tasks that the run has or will have and on which work remains at the source. */
  readonly waitedFor: ReadonlySet<string>;
  readonly created: readonly PlannedTask[];
  readonly updated: readonly SharedTask[];
  /** Tasks that are done at their source and have not begun here. */
  readonly settled: readonly SharedTask[];
  /** Tasks that their source has no longer, or has dropped. */
  readonly gone: readonly Task[];
  readonly left: readonly LeftTask[];
  readonly unchanged: number;
}

/** Finds what importing a plan into a project would do. Reads alone. */
export function* outlookOf(project: string | undefined, plan: ForeignPlan): Tx<Outlook> {
  const saved = project === undefined ? undefined : yield* findImport(project, plan.source);
  const exported = project === undefined ? undefined : yield* exportedIn(project, plan);
  const earlier = saved === undefined ? exported : yield* findRun(saved.run);
  const graph = earlier && (yield* graphOfRun(earlier.id));
  const tasks = new Map((graph?.tasks ?? []).map((task) => [task.key, task]));
  const isOwn = exported !== undefined && exported.id === earlier?.id;
  const row = isOwn ? withAdded(saved ?? rowOf(exported, plan), tasks) : saved;
  const byRef = new Map((row?.tasks ?? []).map(([ref, key]) => [ref, key]));
  const planned = plannedTasks(plan, { byRef, taken: tasks.keys() });
  const common = { plan, planned, row, isExport: exported !== undefined };
  if (earlier === undefined || !takesWork(earlier)) return afresh(common, earlier, tasks);
  return { ...common, run: earlier, ended: undefined, edges: edgesByKey(graph), ...compared(common, tasks) };
}

/** The run of this project that a plan is an export of. */
function* exportedIn(project: string, plan: ForeignPlan): Tx<Run | undefined> {
  const run = plan.exportOf === undefined ? undefined : yield* findRun(plan.exportOf);
  return run?.project === project ? run : undefined;
}

/** The import that an exported run would have come from. */
function rowOf({ id, project, createdAt }: Run, { format, source }: ForeignPlan): ImportRow {
  return { run: id, project, format, source, tasks: [], createdAt, updatedAt: createdAt };
}

/** The same with the tasks that were added to the run: an export names them by their keys. */
function withAdded(row: ImportRow, tasks: ReadonlyMap<string, Task>): ImportRow {
  const known = new Set(row.tasks.map(([, key]) => key));
  const added = [...tasks.keys()].filter((key) => !known.has(key)).map((key): ImportedTask => [key, key, ""]);
  return { ...row, tasks: [...row.tasks, ...added] };
}

interface Common extends Pick<Outlook, "plan" | "planned" | "row"> {
  /** Whether the plan is an export of a run of this project, which knows its texts better. */
  readonly isExport: boolean;
}

/** The outlook of a plan that has no open run: what has succeeded in an ended one is done. */
function afresh(common: Common, ended: Run | undefined, tasks: ReadonlyMap<string, Task>): Outlook {
  const created = [...common.planned.tasks.values()].filter(
    (one) => isLive(one) && tasks.get(one.key)?.status !== "succeeded",
  );
  return {
    ...common,
    run: undefined,
    ended,
    edges: new Map(),
    waitedFor: new Set(created.map(({ ref }) => ref)),
    created,
    updated: [],
    settled: [],
    gone: [],
    left: [],
    unchanged: 0,
  };
}

type Compared = Pick<Outlook, "waitedFor" | "created" | "updated" | "settled" | "gone" | "left" | "unchanged">;

function compared({ planned, row, isExport }: Common, tasks: ReadonlyMap<string, Task>): Compared {
  const found = { created: [], updated: [], settled: [], gone: [], left: [] } as {
    created: PlannedTask[];
    updated: SharedTask[];
    settled: SharedTask[];
    gone: Task[];
    left: LeftTask[];
  };
  let unchanged = 0;
  const known = new Map((row?.tasks ?? []).map(([ref, key, digest]) => [ref, { key, digest }]));
  for (const [ref, one] of planned.tasks) {
    const earlier = known.get(ref);
    const task = tasks.get(one.key);
    const digest = isExport && earlier !== undefined ? one.digest : earlier?.digest;
    const verdict = verdictOf(one, task, digest);
    if (verdict === "create") found.created.push(one);
    else if (task === undefined || verdict === "nothing") unchanged += isLive(one) || task !== undefined ? 1 : 0;
    else if (verdict === "update") found.updated.push({ planned: one, task });
    else if (verdict === "settle") found.settled.push({ planned: one, task });
    else if (verdict === "gone") found.gone.push(task);
    else found.left.push({ key: task.key, title: task.title, why: verdict.why });
  }
  for (const [ref, { key }] of known) {
    const task = tasks.get(key);
    if (!planned.tasks.has(ref) && task !== undefined && task.endedAt === null) found.gone.push(task);
  }
  const waitedFor = [...planned.tasks.values()].filter((one) => isLive(one) && tasks.has(one.key));
  const refs = [...waitedFor, ...found.created].map(({ ref }) => ref);
  return { ...found, unchanged, waitedFor: new Set(refs) };
}

type Verdict = "create" | "update" | "settle" | "gone" | "nothing" | { readonly why: string };

function verdictOf(planned: PlannedTask, task: Task | undefined, digest: string | undefined): Verdict {
  if (digest === undefined) return isLive(planned) ? "create" : "nothing";
  // It was taken out of the run on purpose.
  if (task === undefined) return "nothing";
  const isOpen = task.status === "pending" || task.status === "ready" || task.status === "blocked";
  if (planned.state === "dropped") return task.endedAt === null || isOpen ? "gone" : "nothing";
  if (planned.state === "done") {
    if (task.status === "pending" || task.status === "ready") return "settle";
    return task.status === "succeeded" ? "nothing" : { why: `is done at its source and ${task.status} here` };
  }
  if (digest === planned.digest) return "nothing";
  return isOpen ? "update" : { why: `has changed at its source and is ${task.status} here` };
}

function edgesByKey(graph: { tasks: Task[]; edges: [string, string][] } | undefined): Map<string, Set<string>> {
  const keys = new Map((graph?.tasks ?? []).map(({ id, key }) => [id, key]));
  const needs = new Map<string, Set<string>>();
  for (const [dependency, task] of graph?.edges ?? []) {
    const [on, of] = [keys.get(dependency) ?? "", keys.get(task) ?? ""];
    const known = needs.get(of);
    if (known === undefined) needs.set(of, new Set([on]));
    else known.add(on);
  }
  return needs;
}

/** Keys of the tasks of the run that a task waits for: those on which work remains. */
export function openNeeds({ planned, waitedFor }: Outlook, task: PlannedTask): string[] {
  return task.needs.flatMap((ref) => (waitedFor.has(ref) ? (planned.tasks.get(ref)?.key ?? []) : []));
}

/** The definition of a run of the tasks that are to be created. */
export function definitionOf(outlook: Outlook, name: string): JsonObject {
  const steps = outlook.created.map((task) => ({ key: task.key, ...task.step, needs: openNeeds(outlook, task) }));
  return { name, steps };
}
