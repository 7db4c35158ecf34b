import { z } from "zod";
import type { BatonError } from "../../base/errors.js";
import type { JsonObject } from "../../base/json.js";
import { RUN_MODES } from "../../base/statuses.js";
import { iso } from "../../base/time.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockProject } from "../../store/lock-order.js";
import { findRun } from "../../store/runs/runs.js";
import { findSchedule, recordStart, type Schedule } from "../../store/schedules/schedules.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { ownProject, type Project } from "../projects/projects.js";
import { executeWorkflow, type Started } from "../runs/executions.js";
import {
  type ChosenDefinition,
  chooseDefinition,
  type Preparation,
  preparedFor,
  prepareRun,
} from "../runs/preparation.js";
import { modeOf, settingsIn } from "../scheduling/run-modes.js";
import { type DueStart, dueStart } from "./occurrences.js";

const optionsSchema = z.object({
  version: z.int().optional(),
  mode: z.enum(RUN_MODES).optional(),
  /** In US dollars, for each run. */
  budget: z.number().optional(),
  /** Keys of the definition that its runs have differently. */
  overrides: z.custom<JsonObject>(),
});
export type ScheduleOptions = z.infer<typeof optionsSchema>;

export const optionsOf = ({ options }: Schedule): ScheduleOptions => optionsSchema.parse(options);

/** Failed starts in a row after which a schedule is paused: the hundredth error would say no more than the fifth. */
export const FAILURES_MAX = 5;

/** The definition that a schedule's runs are of. Errors: those of `chooseDefinition`. */
export function chosenBy(
  ctx: EngineContext,
  project: Project,
  { workflow, options: { version, mode, overrides } }: { workflow: string; options: ScheduleOptions },
): Tx<ChosenDefinition> {
  const settings = settingsIn(modeOf({ mode }, ctx.settings), ctx.settings);
  return chooseDefinition({ ...ctx, settings }, project, { workflow, version, overrides });
}

/** A start that was prepared by reading alone, since definitions are long and calendars slow. */
export interface PreparedStart {
  readonly dueAt: number;
  readonly due: DueStart;
  readonly run: Preparation;
}

/** Prepares the start of a schedule that is due; undefined where it is not any more. Errors: those of `prepareRun`. */
export function* prepareDue(ctx: EngineContext, id: string): Tx<PreparedStart | undefined> {
  const schedule = yield* findSchedule(id);
  if (!schedule || !isDue(ctx, schedule)) return undefined;
  const run = yield* prepareStart(ctx, schedule);
  return { dueAt: schedule.nextAt, due: dueOf(ctx, schedule), run };
}

/** Reads and checks the definition of a schedule's next run. */
export function* prepareStart(ctx: EngineContext, schedule: Schedule): Tx<Preparation> {
  const project = yield* ownProject(schedule);
  const chosen = yield* chosenBy(ctx, project, { workflow: schedule.workflow, options: optionsOf(schedule) });
  return yield* prepareRun(ctx, chosen, project);
}

type Due = Schedule & { readonly nextAt: number };

function isDue(ctx: EngineContext, schedule: Schedule): schedule is Due {
  return schedule.nextAt !== null && schedule.nextAt <= ctx.now;
}

const dueOf = ({ now }: EngineContext, schedule: Due): DueStart =>
  dueStart(schedule, schedule.missed, { dueAt: schedule.nextAt, now });

/** The schedule, where it is due still under the lock of its project: one process starts its run. */
function* lockDue(ctx: EngineContext, id: string): Tx<Due | undefined> {
  const seen = yield* findSchedule(id);
  if (!seen || !isDue(ctx, seen)) return undefined;
  yield* lockProject(seen.project);
  const schedule = yield* findSchedule(id);
  return schedule && isDue(ctx, schedule) ? schedule : undefined;
}

/**
 * Starts what a schedule is due for, or leaves it out: what was missed by its policy, and what would overlap its last run. It is due again at its next
 * instant, in the same transaction. Errors: those of `executeWorkflow`.
 */
export function* startDue(ctx: EngineContext, id: string, before: PreparedStart | undefined): Tx<boolean> {
  const schedule = yield* lockDue(ctx, id);
  if (!schedule) return false;
  const { due, run } = preparedNow(ctx, schedule, before);
  const { nextAt, startsFor, skippedFrom } = due;
  if (skippedFrom !== null) {
    const data = { from: iso(skippedFrom), ...(startsFor !== null && { until: iso(startsFor) }) };
    yield* tell(ctx, schedule, {
      type: "schedule.skipped",
      data: { ...data, reason: "no process of Baton was there then" },
    });
  }
  const open = startsFor === null || schedule.mayOverlap ? undefined : yield* openRunOf(schedule);
  if (startsFor !== null && open !== undefined) {
    const data = { from: iso(startsFor), run: open, reason: `its last run, ${open}, is open` };
    yield* tell(ctx, schedule, { type: "schedule.skipped", data });
  }
  if (startsFor === null || open !== undefined) {
    yield* recordStart({ ...schedule, nextAt });
    return true;
  }
  const started = yield* startRun(ctx, schedule, run);
  yield* recordStart({ ...schedule, nextAt, lastAt: startsFor, lastRun: started.run.id, lastError: null, failures: 0 });
  yield* tell(ctx, schedule, { type: "schedule.started", run: started.run.id, data: { due_at: iso(startsFor) } });
  return true;
}

function preparedNow(
  ctx: EngineContext,
  schedule: Due,
  before: PreparedStart | undefined,
): { readonly due: DueStart; readonly run: Preparation | undefined } {
  if (before?.dueAt === schedule.nextAt) return before;
  return { due: dueOf(ctx, schedule), run: undefined };
}

function* openRunOf({ lastRun }: Schedule): Tx<string | undefined> {
  const run = lastRun === null ? undefined : yield* findRun(lastRun);
  return run?.endedAt === null ? run.id : undefined;
}

/** Starts a run as a schedule says, for the agent that made it. Errors: those of `executeWorkflow`. */
export function* startRun(ctx: EngineContext, schedule: Schedule, before: Preparation | undefined): Tx<Started> {
  const project = yield* ownProject(schedule);
  const options = optionsOf(schedule);
  const chosen = yield* chosenBy(ctx, project, { workflow: schedule.workflow, options });
  const { parsed, draft } = preparedFor(chosen, before);
  const workflow = chosen.stored && { id: chosen.stored.workflow.id, version: chosen.stored.version.version };
  const { mode, budget } = options;
  const { inputs, createdBy } = schedule;
  return yield* executeWorkflow(ctx, { project, parsed, draft, workflow, mode, budget, inputs, createdBy });
}

/** Notes that a schedule's run could not be started. After several in a row the schedule is paused. */
export function* recordFailure(ctx: EngineContext, id: string, error: BatonError): Tx<void> {
  const schedule = yield* lockDue(ctx, id);
  if (!schedule) return;
  const failures = schedule.failures + 1;
  const pauses = failures >= FAILURES_MAX;
  const { nextAt } = dueOf(ctx, schedule);
  yield* recordStart({ ...schedule, nextAt: pauses ? null : nextAt, lastError: error.message, failures });
  yield* tell(ctx, schedule, { type: "schedule.failed", data: { due_at: iso(schedule.nextAt), error: error.message } });
  if (!pauses) return;
  const reason = `${failures} starts in a row failed`;
  yield* tell(ctx, schedule, { type: "schedule.paused", data: { reason } });
}

/** Writes an event of a schedule into the history of its project. */
export function* tell(
  ctx: EngineContext,
  schedule: Schedule,
  event: Pick<NewEvent, "type" | "run" | "agent" | "data">,
): Tx<void> {
  const data = { schedule: schedule.id, name: schedule.name, ...event.data };
  yield* appendEvents(ctx, [{ ...event, project: schedule.project, data }]);
}
