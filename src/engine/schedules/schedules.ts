import { BatonError } from "../../base/errors.js";
import type { JsonObject } from "../../base/json.js";
import { hint, isName, NAME_RULE } from "../../base/names.js";
import { problemsError } from "../../base/problems.js";
import type { MissedPolicy } from "../../base/statuses.js";
import { iso, isoOrNull } from "../../base/time.js";
import * as schedules from "../../store/schedules/schedules.js";
import { findWorkflow } from "../../store/workflows/workflows.js";
import { together, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { bindInputs } from "../definitions/inputs.js";
import { pageOf } from "../../base/lists/paging.js";
import { type Project, requireUnarchived } from "../projects/projects.js";
import type { Started } from "../runs/executions.js";
import { type Preparation, preparedFor } from "../runs/preparation.js";
import { nextAfter, recurrenceProblem, upcoming } from "./occurrences.js";
import { chosenBy, optionsOf, prepareStart, type ScheduleOptions, startRun, tell } from "./starting.js";

export type Schedule = schedules.Schedule;

/** Schedules of a project. */
export const SCHEDULES_MAX = 100;

export interface WantedSchedule {
  readonly name: string;
  /** Name or id of a stored workflow. */
  readonly workflow: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: MissedPolicy;
  readonly mayOverlap: boolean;
  readonly inputs: JsonObject;
  readonly options: ScheduleOptions;
}

/**
 * Makes a schedule, or changes the one of that name. A paused one stays paused. Errors: `invalid_input` for a name, an expression, a zone and inputs that
 * do not fit; `not_found` for the workflow; `limit_exceeded`.
 */
export function* setSchedule(
  ctx: EngineContext,
  project: Project,
  { wanted, before }: { wanted: WantedSchedule; before: Preparation | undefined },
): Tx<{ schedule: Schedule; created: boolean }> {
  requireUsable(wanted, ctx.now);
  yield* requireUnarchived(project.id);
  const chosen = yield* chosenBy(ctx, project, wanted);
  bindInputs(preparedFor(chosen, before).parsed.definition, wanted.inputs);
  const workflow = chosen.stored?.workflow.id ?? wanted.workflow;
  const known = yield* schedules.findScheduleByName(project.id, wanted.name);
  const { name, cron, timezone, missed, mayOverlap, inputs, options } = wanted;
  const said = { name, workflow, cron, timezone, missed, mayOverlap, inputs, options: { ...options } };
  const nextAt = nextAfter(wanted, ctx.now);
  if (known) {
    const schedule = { ...known, ...said, nextAt: known.nextAt === null ? null : nextAt, failures: 0, lastError: null };
    yield* schedules.saveSchedule(schedule);
    yield* tell(ctx, schedule, { type: "schedule.updated", agent: ctx.caller.agent, data: { cron, timezone } });
    return { schedule, created: false };
  }
  if ((yield* schedules.countSchedules(project.id)) >= SCHEDULES_MAX) throw tooMany(project);
  const schedule: Schedule = {
    ...said,
    id: ctx.newId("schedule"),
    project: project.id,
    nextAt,
    lastAt: null,
    lastRun: null,
    lastError: null,
    failures: 0,
    createdAt: ctx.now,
    createdBy: ctx.caller.agent,
  };
  yield* schedules.insertSchedule(schedule);
  yield* tell(ctx, schedule, { type: "schedule.created", agent: ctx.caller.agent, data: { cron, timezone } });
  return { schedule, created: true };
}

function requireUsable(wanted: WantedSchedule, now: number): void {
  if (!isName(wanted.name))
    throw new BatonError("invalid_input", `"${wanted.name}" cannot be the name of a schedule: it needs ${NAME_RULE}.`);
  const problem = recurrenceProblem(wanted, now);
  if (problem) throw problemsError("The schedule cannot be used", [problem]);
}

function tooMany({ name }: Project): BatonError {
  return new BatonError(
    "limit_exceeded",
    `The project "${name}" has ${SCHEDULES_MAX} schedules, which is as many as it may have: delete one first.`,
    { next: [{ tool: "query_operation", arguments: { name: "list_schedules", arguments: {} } }] },
  );
}

/** Pauses a schedule, or lets it go on: from its next instant, whatever was due meanwhile. Errors: `not_found`. */
export function* pauseSchedule(
  ctx: EngineContext,
  project: Project,
  { name, paused }: { name: string; paused: boolean },
): Tx<Schedule> {
  const known = yield* lockedSchedule(project, name);
  if ((known.nextAt === null) === paused) return known;
  const schedule = { ...known, nextAt: paused ? null : nextAfter(known, ctx.now), failures: 0 };
  yield* schedules.recordStart(schedule);
  yield* tell(ctx, schedule, { type: paused ? "schedule.paused" : "schedule.resumed", agent: ctx.caller.agent });
  return schedule;
}

/** Starts a run of a schedule now, paused or not; when it starts next stays. Errors: `not_found`; those of `executeWorkflow`. */
export function* runSchedule(
  ctx: EngineContext,
  project: Project,
  { name, before }: { name: string; before: Preparation | undefined },
): Tx<Started & { schedule: Schedule }> {
  const known = yield* lockedSchedule(project, name);
  const started = yield* startRun(ctx, known, before);
  const schedule = { ...known, lastAt: ctx.now, lastRun: started.run.id, lastError: null, failures: 0 };
  yield* schedules.recordStart(schedule);
  yield* tell(ctx, schedule, { type: "schedule.started", run: started.run.id, agent: ctx.caller.agent });
  return { ...started, schedule };
}

/** Reads the definition of a schedule's run before its transaction. Errors: `not_found`; those of `prepareRun`. */
export function* prepareRunNow(ctx: EngineContext, project: Project | undefined, name: string): Tx<Preparation> {
  return yield* prepareStart(ctx, yield* requireSchedule(project, name));
}

/** Deletes a schedule; its runs go on. Errors: `not_found`. */
export function* removeSchedule(ctx: EngineContext, project: Project, name: string): Tx<Schedule> {
  const schedule = yield* lockedSchedule(project, name);
  yield* schedules.deleteSchedule(schedule.id);
  yield* tell(ctx, schedule, { type: "schedule.deleted", agent: ctx.caller.agent });
  return schedule;
}

/** A page of a project's schedules by name. */
export function* listSchedules(
  project: Project,
  { limit, after }: { limit: number; after?: string | undefined },
): Tx<{ page: readonly Schedule[]; next: { next_cursor?: string } }> {
  const found = yield* schedules.schedulesOf(project.id, after ?? "", limit + 1);
  return pageOf(found, limit, ({ name }) => name);
}

function* lockedSchedule(project: Project, name: string): Tx<Schedule> {
  yield* requireUnarchived(project.id);
  return yield* requireSchedule(project, name);
}

function* requireSchedule(project: Project | undefined, reference: string): Tx<Schedule> {
  const named = project && (yield* schedules.findScheduleByName(project.id, reference));
  const found = named ?? (yield* schedules.findSchedule(reference));
  if (found && (project === undefined || found.project === project.id)) return found;
  const known = project ? yield* schedules.schedulesOf(project.id, "", SCHEDULES_MAX) : [];
  const names = known.map(({ name }) => name);
  const where = project ? ` in the project "${project.name}"` : "";
  throw new BatonError("not_found", `There is no schedule "${reference}"${where}${hint(reference, names)}.`, {
    details: names.length > 0 ? { known: names.slice(0, KNOWN_SHOWN_MAX) } : {},
    next: [{ tool: "query_operation", arguments: { name: "list_schedules", arguments: {} } }],
  });
}

const KNOWN_SHOWN_MAX = 10;
/** Starts that an answer shows. */
const UPCOMING_SHOWN = 3;

/** Schedules as answers show them, read in one round trip however many workflows they start. */
export function scheduleViews(ctx: EngineContext, several: readonly Schedule[]) {
  return together(several.map((one) => scheduleView(ctx, one)));
}

/** A schedule as answers show it. */
export function* scheduleView(ctx: EngineContext, schedule: Schedule) {
  const { mode, version, budget, overrides } = optionsOf(schedule);
  const workflow = yield* findWorkflow(schedule.workflow);
  return {
    id: schedule.id,
    project: schedule.project,
    name: schedule.name,
    workflow: workflow?.name ?? schedule.workflow,
    cron: schedule.cron,
    timezone: schedule.timezone,
    paused: schedule.nextAt === null,
    upcoming: schedule.nextAt === null ? [] : upcoming(schedule, ctx.now, UPCOMING_SHOWN).map(iso),
    missed: schedule.missed,
    overlap: schedule.mayOverlap,
    inputs: schedule.inputs,
    with: { version, mode, budget, ...overrides },
    last_at: isoOrNull(schedule.lastAt),
    last_run: schedule.lastRun,
    last_error: schedule.lastError,
    failures: schedule.failures,
    created_at: iso(schedule.createdAt),
    created_by: schedule.createdBy,
  };
}
