import { appendEvents } from "../../store/events/events.js";
import { lockRun } from "../../store/lock-order.js";
import type { Budget } from "../../store/cost/budgets.js";
import { addToCounters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import { findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { dollarsOf } from "../../base/money.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import type { RunUsage } from "../effect.js";
import { noSuchTask, requireRun, taskId } from "../lookup.js";
import { requireProject } from "../projects/creation.js";
import { type PricedUsage, pricedUsage, type Usage } from "../usage/usage.js";
import { BatonError } from "../../base/errors.js";
import { budgetState, budgetView, type BudgetView, closeOverBudget } from "./budget-state.js";
import { charge } from "./charges.js";

export interface UsageReport {
  readonly task?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  /** Default: that of the task. */
  readonly role?: string | undefined;
  readonly usage: Usage;
  readonly agent?: string | undefined;
}

export interface RecordedUsage {
  readonly usage: PricedUsage;
  /** The agent that pays. */
  readonly agent: string;
  readonly run: string | null;
  readonly task: string | null;
  /** The budgets that hold for it, as they are then. */
  readonly budgets: readonly BudgetView[];
}

/**
 * Records the use of a model at any time, also for a task or a run that has ended, and charges it like that of an attempt. Errors:
 * `not_found`; `invalid_input` where the report has neither tokens nor a cost.
 */
export function* recordUsage(ctx: EngineContext, report: UsageReport): Tx<RecordedUsage> {
  const { name: agent } = yield* actingAgent(ctx, report.agent);
  const usage = requireUsage(ctx, report.usage);
  const { task, run, project } = yield* subjectOfReport(ctx, report);
  const role = report.role ?? task?.role ?? null;
  const taskOf = task?.id ?? null;
  const subject = { project, run: run?.id ?? null, task: taskOf, attempt: null };
  const spent = yield* payFor(ctx, run, { ...usage, ...subject, agent, role, exported: false });
  return { usage, agent, run: subject.run, task: taskOf, budgets: spent.map(budgetView) };
}

/** Writes a record of a run that is locked, or of none, and charges it. Returns the budgets that hold for it, as they are then. */
export function* payFor(ctx: EngineContext, run: Run | null, record: RunUsage): Tx<readonly Budget[]> {
  const { project, task, agent, model, price, cost, exported } = record;
  if (run && cost > 0) yield* addToCounters({ run: run.id, now: ctx.now, by: {}, workMs: 0, doneMs: 0, cost });
  const { events, spent } = yield* charge(ctx, { project, run }, [record]);
  if (run?.endedAt === null && spent.some((one) => one.scope === "run" && budgetState(one) === "blocked"))
    yield* closeOverBudget(run.id);
  const data = { model, cost: dollarsOf(cost), price, ...(exported && { exported }) };
  yield* appendEvents(ctx, [{ type: "usage.recorded", project, run: record.run, task, agent, data }, ...events]);
  return spent;
}

function requireUsage(ctx: EngineContext, report: Usage): PricedUsage {
  const usage = pricedUsage(ctx, report);
  if (usage) return usage;
  const message =
    "The report has neither tokens nor a cost: give input_tokens and output_tokens, or cost in US dollars. Nothing was recorded.";
  throw new BatonError("invalid_input", message, { details: { path: "input_tokens" } });
}

/** Returns the subject of a report; its run is locked. */
function* subjectOfReport(ctx: EngineContext, report: UsageReport) {
  const task = report.task === undefined ? undefined : yield* findTask(report.task);
  const id = task?.run ?? (report.run === undefined ? undefined : (yield* requireRun(report.run)).id);
  const run = (id === undefined ? undefined : yield* lockRun(id)) ?? null;
  return { task, run, project: run?.project ?? (yield* requireProject(ctx, report.project)).id };
}

function* findTask(reference: string): Tx<Task> {
  const id = yield* taskId(reference);
  const found = yield* findTaskAndSpec(id);
  if (!found) throw noSuchTask(id);
  return found.task;
}
