import { startOf } from "../../base/texts/stored-values.js";
import { type Carried, carryAttempts } from "../../store/tasks/attempts.js";
import { budgetsOver, insertBudget } from "../../store/cost/budgets.js";
import * as snapshots from "../../store/snapshots/run-snapshots.js";
import { isReview } from "../../store/reviews/review-key.js";
import { copyReviews } from "../../store/reviews/reviews.js";
import { text, textOrNull } from "../../store/rows.js";
import { insertCounters } from "../../store/runs/runs.js";
import type { Reason } from "../../store/tasks/tasks.js";
import { type Demand, findDemandsWithParties, saveDemands } from "../../store/scheduling/lanes.js";
import type { Row, SqlValue, Tx } from "../../store/tx.js";
import { copyArtifacts } from "../artifacts/copying.js";
import { demandOf, withUnreserved } from "../scheduling/demands.js";
import { SERVER, type EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { requireUnarchived } from "../projects/projects.js";
import { unstarted, waitsForRun } from "./restored-children.js";
import { restoreDeadLetters } from "./restored-dead-letters.js";
import { type ResumedRun, resumeRestored } from "./restored-run.js";
import { countedIn, idOf, restoredRow, statusOf, tasksToStop } from "./restored-tasks.js";
import type { Resuming } from "./resume.js";

/** Columns of a run that say how it came to be, or to whom it belongs: a fork has none of them from its origin. */
const OF_ITS_OWN = ["parent_run", "parent_task", "due_at"] as const;
const NAME_CHARS_MAX = 200;

export interface Forked extends ResumedRun {
  /** How many tasks have brought a result, or an error. */
  readonly carried: number;
}

/**
 * Makes a new run that stands where a run stood, of its own tasks, with the results that counted then. Nothing of the origin is written.
 * Errors: `not_found`, `invalid_transition`.
 */
export function* forkRun(ctx: EngineContext, { checkpoint, snapshot, agent }: Resuming): Tx<Forked> {
  yield* requireUnarchived(checkpoint.project);
  const run = yield* withOwnBudget(forkedRow(ctx, snapshot.run, agent), checkpoint.run);
  const id = idOf(run);
  const tasks = snapshot.tasks.toSorted((a, b) => (idOf(a.row) < idOf(b.row) ? -1 : 1));
  // Their order is that of the ids.
  const ids = new Map(tasks.map(({ row }) => [idOf(row), ctx.newId("task")]));
  const own = (task: string): string => ids.get(task) ?? task;
  const rows = tasks.map((task) => forkedTask(task, { run: id, own, takenAt: snapshot.takenAt, now: ctx.now }));
  yield* nameOwnTasks(rows, own);
  yield* insertCounters(ctx, id);
  yield* snapshots.writeRows("tasks", rows);
  yield* snapshots.writeSpecs(
    tasks.map(({ row, spec }) => [own(idOf(row)), waitsForRun(row) ? unstarted(spec) : spec]),
  );
  yield* snapshots.writeNeeds(tasks.map(({ row, needs }) => ({ id: own(idOf(row)), needs: needs.map(own) })));
  const carried = tasks.flatMap((task): Carried[] => {
    const [from, number] = [idOf(task.row), countedIn(task)];
    return number === undefined ? [] : [{ task: own(from), number: 1, token: 1, from: { task: from, number } }];
  });
  const found = yield* carryAttempts(carried, { by: SERVER, at: ctx.now, note: "" });
  if (found !== carried.length) throw originGone(checkpoint.run);
  yield* snapshots.replaceSignals(
    id,
    snapshot.signals.map((signal) => ({ ...signal, id: ctx.newId("signal"), run: id, task: ownOrNull(signal, own) })),
  );
  if (!(yield* copyArtifacts(ctx, snapshot.artifacts ?? [], { run: id, own }))) throw originGone(checkpoint.run);
  const reviews = tasks.map(({ row }) => row).filter((row) => isReview({ key: text(row, "key") }));
  yield* copyReviews(id, { reviews: reviews.map(idOf), own });
  const deadLetters = snapshot.letters.map((deadLetter) => ({ ...deadLetter, task: own(deadLetter.task) }));
  yield* restoreDeadLetters(ctx, { run: { id, project: checkpoint.project }, deadLetters, by: agent, note: "" });
  const forked = {
    type: "run.forked" as const,
    agent,
    data: {
      origin: checkpoint.run,
      checkpoint: checkpoint.id,
      ...(checkpoint.label !== null && { label: checkpoint.label }),
      name: run["name"],
      status: run["status"],
      tasks: rows.length,
    },
  };
  const restored = rows
    .filter(({ attempt }) => attempt === 1)
    .map((row) => ({
      type: "task.restored" as const,
      task: idOf(row),
      data: { key: text(row, "key"), from: null, to: statusOf(row), attempt: 1 },
    }));
  const resumed = yield* resumeRestored(ctx, {
    run,
    origin: checkpoint.run,
    tasks: rows,
    toStop: new Set(tasksToStop(tasks).map(({ row }) => own(idOf(row)))),
    events: [forked, ...restored],
  });
  ctx.onDue?.();
  return { ...resumed, carried: carried.length };
}

/** Tasks that demands name (`task:ID`, see `Demand.notBy`) are those of the fork: their workers are meant. */
function* nameOwnTasks(rows: readonly Record<string, SqlValue>[], own: (task: string) => string): Tx<void> {
  const ids = [...new Set(rows.map(({ demand }) => String(demand)))];
  const renamed = new Map<string, Demand>();
  for (const { id, notBy, ...content } of yield* findDemandsWithParties(ids)) {
    const named = notBy.map((party) =>
      party.replace(/^(task|handle):(.*)$/, (_, kind: string, task: string) => `${kind}:${own(task)}`),
    );
    renamed.set(id, demandOf({ ...content, notBy: named.sort() }));
  }
  if (renamed.size === 0) return;
  yield* saveDemands([...renamed.values()].flatMap(withUnreserved));
  for (const row of rows) row["demand"] = renamed.get(String(row["demand"]))?.id ?? row["demand"] ?? null;
}

interface Forking {
  readonly run: string;
  /** The id that a task of the origin has here. */
  readonly own: (task: string) => string;
  readonly takenAt: number;
  readonly now: number;
}

function forkedTask(task: snapshots.SnapshotTask, { run, own, ...interval }: Forking): Record<string, SqlValue> {
  const row = restoredRow(task, interval);
  row["id"] = own(idOf(task.row));
  row["run"] = run;
  row["created_at"] = interval.now;
  row["attempt"] = row["token"] = countedIn(task) === undefined ? 0 : 1;
  // Losses belong to the attempts of the origin.
  row["losses"] = row["losses_total"] = 0;
  row["reasons"] = reasonsOf(task.row, own);
  // The runs within the origin are its own: this one starts others.
  if (waitsForRun(row)) row["due_at"] = interval.now;
  return row;
}

function forkedRow(ctx: EngineContext, row: Row, agent: string): Row {
  const reset = OF_ITS_OWN.filter((column) => Object.hasOwn(row, column)).map((column) => [column, null] as const);
  return {
    ...row,
    ...Object.fromEntries(reset),
    depth: 0,
    id: ctx.newId("run"),
    name: `${startOf(text(row, "name"), NAME_CHARS_MAX)}-fork`,
    revision: 1,
    created_by: agent,
    created_at: ctx.now,
    ended_at: row["ended_at"] === null ? null : ctx.now,
  };
}

/** It may cost what the origin may, of which nothing is spent. */
function* withOwnBudget(row: Row, origin: string): Tx<Row> {
  const [nearest] = yield* budgetsOver(origin);
  if (nearest) yield* insertBudget({ ...nearest, id: idOf(row), spent: 0, askAt: null, askProject: null });
  return { ...row, budget_of: nearest ? idOf(row) : null, over_budget: 0 };
}

/** Reasons of a task name tasks of its own run, so their ids are mapped too. */
function reasonsOf(row: Row, own: (task: string) => string): string | null {
  const reasons = textOrNull(row, "reasons");
  if (reasons === null) return null;
  // The store's own JSON.
  const told = JSON.parse(reasons) as Reason[];
  return JSON.stringify(told.map((reason) => ({ ...reason, blocking: reason.blocking.map(own) })));
}

function ownOrNull(signal: Row, own: (task: string) => string): string | null {
  const task = textOrNull(signal, "task");
  return task === null ? null : own(task);
}

function originGone(run: string): BatonError {
  const message = `Run ${run} is being removed: its results are gone, and no run can begin from them. Nothing was changed.`;
  return new BatonError("not_found", message, { details: { run } });
}
