import { detachTasks } from "../../store/tasks/dependencies.js";
import { type Carried, carryAttempts, lastUsed } from "../../store/tasks/attempts.js";
import type { NewEvent } from "../../store/events/events.js";
import * as snapshots from "../../store/snapshots/run-snapshots.js";
import { int, text } from "../../store/rows.js";
import type { Row, SqlValue, Tx } from "../../store/tx.js";
import { SERVER, type EngineContext } from "../context.js";
import type { OpenSnapshot } from "../snapshots/run-snapshot.js";
import { countedIn, idOf, isOver, restoredRow, statusOf } from "./restored-tasks.js";

/** The rows to write so that the tasks of a run stand as in a copy, and the events of it. */
export interface Restoration {
  /** Of every task of the copy, as it is then. */
  readonly rows: Row[];
  /** The rows among them that differ by more than their token. */
  readonly changed: Row[];
  /** Ids of open ones that differ by it alone. */
  readonly sameButToken: string[];
  readonly specs: (readonly [task: string, spec: string])[];
  readonly needs: { id: string; needs: readonly string[] }[];
  readonly carried: Carried[];
  /** Tasks that the copy does not have. */
  readonly superseded: Row[];
  readonly events: Omit<NewEvent, "project" | "run">[];
}

export interface Comparison {
  readonly snapshot: OpenSnapshot;
  readonly present: OpenSnapshot;
  /** Ids of tasks whose open attempt has just been ended. */
  readonly fenced: ReadonlySet<string>;
  readonly checkpoint: string;
}

/** Compares a run's tasks with a copy. Reads nothing but the attempts of tasks that are gone. */
export function* restorationOf(ctx: EngineContext, comparison: Comparison): Tx<Restoration> {
  const { snapshot, present } = comparison;
  const made: Restoration = {
    rows: [],
    changed: [],
    sameButToken: [],
    specs: [],
    needs: [],
    carried: [],
    superseded: [],
    events: [],
  };
  const interval = { takenAt: snapshot.takenAt, now: ctx.now };
  const left = new Map(present.tasks.map((task) => [idOf(task.row), task]));
  for (const task of snapshot.tasks) {
    const id = idOf(task.row);
    const row = restoredRow(task, interval);
    const now = left.get(id);
    left.delete(id);
    if (now === undefined) yield* bringBack(made, task, row);
    else compare(made, { task, row, now, fenced: comparison.fenced.has(id) });
  }
  for (const { row } of left.values()) {
    if (!isSuperseded(row)) supersede(made, row, { now: ctx.now, checkpoint: comparison.checkpoint });
  }
  return made;
}

interface Compared {
  readonly task: snapshots.SnapshotTask;
  /** The row it becomes, but for token and attempt, which are added here. */
  readonly row: Record<string, SqlValue>;
  readonly now: snapshots.SnapshotTask;
  readonly fenced: boolean;
}

function compare(made: Restoration, { task, row, now, fenced }: Compared): void {
  const id = idOf(row);
  const [attempt, token] = [int(now.row, "attempt"), int(now.row, "token")];
  const counted = countedIn(task);
  // A fenced attempt counts as lost where no other attempt counts.
  const inVain = counted === undefined && (fenced || attempt === 0);
  const carries = !inVain && attempt !== counted;
  const same = !carries && sameRow(row, now.row);
  row["attempt"] = carries ? attempt + 1 : attempt;
  row["token"] = same && isOver(row) ? token : token + 1;
  made.rows.push(row);
  if (carries) {
    const from = counted === undefined ? null : { task: id, number: counted };
    made.carried.push({ task: id, number: attempt + 1, token: token + 1, from });
  }
  if (task.spec !== now.spec) made.specs.push([id, task.spec]);
  if (!sameList(task.needs, now.needs)) made.needs.push({ id, needs: task.needs });
  if (same) {
    if (!isOver(row)) made.sameButToken.push(id);
    return;
  }
  made.changed.push(row);
  made.events.push({
    type: "task.restored",
    task: id,
    data: {
      key: text(row, "key"),
      from: statusOf(now.row),
      to: statusOf(row),
      ...(carries ? { attempt: attempt + 1 } : {}),
    },
  });
}

function sameRow(row: Row, now: Row): boolean {
  // Without a list of columns made anew for each row. Ours has no others than its own.
  for (const column in row) {
    if (row[column] !== now[column] && column !== "token" && column !== "attempt") return false;
  }
  return true;
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}

/** A task whose row is gone. Its attempts tell what has been used of numbers and tokens. */
function* bringBack(made: Restoration, task: snapshots.SnapshotTask, row: Record<string, SqlValue>): Tx<void> {
  const id = idOf(row);
  const used = yield* lastUsed(id);
  row["attempt"] = used.number;
  row["token"] = Math.max(used.token, int(row, "token")) + 1;
  made.rows.push(row);
  made.changed.push(row);
  made.specs.push([id, task.spec]);
  made.needs.push({ id, needs: task.needs });
  made.events.push({ type: "task.restored", task: id, data: { key: text(row, "key"), from: null, to: statusOf(row) } });
}

/** `KEY~ID`: no step can be called so. */
function supersededKey(row: Row): string {
  const id = idOf(row);
  return `${text(row, "key")}~${id.slice(id.indexOf("_") + 1)}`;
}

/** An earlier return has taken it out of the graph already. */
function isSuperseded(row: Row): boolean {
  const id = idOf(row);
  return text(row, "key").endsWith(`~${id.slice(id.indexOf("_") + 1)}`);
}

/** A task that was made since: it ends, out of the graph, and its key is free for whatever is made instead. */
function supersede(made: Restoration, row: Row, { now, checkpoint }: { now: number; checkpoint: string }): void {
  const [id, key] = [idOf(row), text(row, "key")];
  const detail = `it was made after ${checkpoint}, to which the run was taken back`;
  made.superseded.push({
    ...row,
    key: supersededKey(row),
    status: "cancelled",
    token: int(row, "token") + 1,
    deps_total: 0,
    deps_succeeded: 0,
    deps_failed: 0,
    deps_skipped: 0,
    dependents: 0,
    // It counts for nothing in what is left to do, and in what is done.
    estimate_ms: 0,
    reserved_for: null,
    reserved_until: null,
    available_at: null,
    due_at: null,
    reasons: JSON.stringify([{ kind: "superseded", detail, blocking: [] }]),
    ended_at: row["ended_at"] ?? now,
  });
  made.events.push({ type: "task.superseded", task: id, data: { key, was: statusOf(row) } });
}

/** Errors: a plain one where an attempt that counted is gone, which rolls all of it back. */
export function* writeRestoration(ctx: EngineContext, made: Restoration, note: string): Tx<void> {
  yield* snapshots.writeRows("tasks", made.superseded);
  yield* detachTasks(made.superseded.map(idOf));
  yield* snapshots.writeRows("tasks", made.changed);
  yield* snapshots.growTokens(made.sameButToken);
  yield* snapshots.writeSpecs(made.specs);
  yield* snapshots.replaceNeeds(made.needs);
  const found = yield* carryAttempts(made.carried, { by: SERVER, at: ctx.now, note });
  if (found !== made.carried.length) throw new Error(`${made.carried.length - found} attempts that counted are gone`);
}
