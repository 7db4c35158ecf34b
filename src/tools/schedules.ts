import { defined } from "../base/json.js";
import { MISSED_POLICIES, RUN_MODES, STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { prepared } from "../engine/engine.js";
import { projectAtHand, requireProject } from "../engine/projects/creation.js";
import { prepareRun } from "../engine/runs/preparation.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, nextPage, run } from "../dispatch/shapes.js";
import { budgetLimit } from "./cost.js";
import { overrides, startedView } from "./executions.js";

// Calendars are loaded where one is asked for.
const engine = () => import("../engine/schedules/schedules.js");

const scheduleShape = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  workflow: z.string(),
  cron: z.string(),
  timezone: z.string(),
  paused: z.boolean(),
  upcoming: z.array(instant),
  missed: z.enum(MISSED_POLICIES),
  overlap: z.boolean(),
  inputs: z.record(z.string(), z.unknown()),
  with: z.record(z.string(), z.unknown()),
  last_at: instant.nullable(),
  last_run: z.string().nullable(),
  last_error: z.string().nullable(),
  failures: count,
  created_at: instant,
  created_by: z.string(),
});
const schedule = z.string().min(1).max(300).describe("Name or id, from list_schedules.");

const set = defineOperation({
  name: "schedule_workflow",
  title: "Schedule a workflow",
  description:
    "Starts a stored workflow again and again, by a cron expression in a time zone. Use it for work that recurs, such as a nightly check. The same name again changes the schedule. Returns it with its next starts; list_schedules shows what came of the last.",
  area: "workflows",
  effect: "write",
  words: ["cron", "every night", "recurring run"],
  example: { workflow: "nightly", cron: "0 3 * * *", timezone: "Europe/Berlin" },
  input: z.object({
    workflow: z.string().min(1).max(300).describe("From list_workflows."),
    cron: z.string().min(1).max(200).describe("Five fields: minute hour day month weekday."),
    timezone: z.string().min(1).max(100).optional().describe("Such as Europe/Berlin. Default: that of this machine."),
    name: params.name.optional().describe("Default: the workflow's."),
    inputs: z.record(z.string(), z.unknown()).optional(),
    missed: z
      .enum(MISSED_POLICIES)
      .default("once")
      .describe("Starts missed while no process of Baton ran: none, one for all, or each, at most 100."),
    overlap: z.boolean().optional().describe("Starts while the last run is open. Default: only with missed: all."),
    version: z.int().min(1).optional().describe("Default: the newest at each start."),
    mode: z.enum(RUN_MODES).optional(),
    ...overrides,
    budget: budgetLimit.optional().describe("US$, for each run."),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({ schedule: scheduleShape, created: z.boolean() }),
  async perform(host, given) {
    const { chosenBy } = await import("../engine/schedules/starting.js");
    const { scheduleView, setSchedule } = await engine();
    const { max_parallel, priority, deadline, version, mode, budget } = given;
    const options = { ...defined({ version, mode, budget }), overrides: defined({ max_parallel, priority, deadline }) };
    const wanted = {
      name: given.name ?? given.workflow,
      workflow: given.workflow,
      cron: given.cron.trim(),
      timezone: given.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      missed: given.missed,
      mayOverlap: given.overlap ?? given.missed === "all",
      inputs: given.inputs ?? {},
      options,
    };
    const before = await prepared(host, function* (ctx) {
      const project = yield* projectAtHand(ctx, given.project);
      return project && (yield* prepareRun(ctx, yield* chosenBy(ctx, project, wanted), project));
    });
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, given.agent);
      const project = yield* requireProject(acting, given.project);
      const { schedule: made, created } = yield* setSchedule(acting, project, { wanted, before });
      return { schedule: yield* scheduleView(acting, made), created };
    }, "schedule");
  },
});

const list = defineOperation({
  name: "list_schedules",
  title: "List schedules",
  description:
    "Lists a project's schedules by name, with their next starts, their last run, and why a start failed or a schedule is paused.",
  area: "workflows",
  effect: "read",
  input: z.object({ project: params.project, ...params.paging }),
  output: z.object({ schedules: z.array(scheduleShape), ...nextPage }),
  async perform(host, { project: wanted, limit, cursor }) {
    const { listSchedules, scheduleViews } = await engine();
    return host.read(function* (ctx) {
      const project = yield* projectAtHand(ctx, wanted);
      if (project === undefined) return { schedules: [] };
      const { page, next } = yield* listSchedules(project, { limit, after: cursor });
      return { schedules: yield* scheduleViews(ctx, page), ...next };
    });
  },
});

const pause = defineOperation({
  name: "pause_schedule",
  title: "Pause a schedule",
  description:
    "Pauses a schedule, or with paused: false lets it go on from its next instant. Runs under way continue. Returns the schedule.",
  area: "workflows",
  effect: "write",
  permission: STEERING_ROLES,
  words: ["resume a schedule"],
  input: z.object({ schedule, paused: z.boolean().default(true), project: params.project, ...params.acting }),
  output: z.object({ schedule: scheduleShape }),
  async perform(host, { schedule: name, paused, agent, project: reference }) {
    const { pauseSchedule, scheduleView } = await engine();
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      const project = yield* requireProject(acting, reference);
      return { schedule: yield* scheduleView(acting, yield* pauseSchedule(acting, project, { name, paused })) };
    }, "schedule");
  },
});

const runNow = defineOperation({
  name: "run_schedule",
  title: "Run a schedule now",
  description:
    "Starts a run of a schedule now, even of a paused one, and leaves its next start as it is. Returns the run and its ready tasks.",
  area: "workflows",
  effect: "write",
  quota: "tasks",
  input: z.object({ schedule, project: params.project, ...params.acting }),
  output: z.object({
    schedule: scheduleShape,
    run,
    ready: z.array(z.unknown()),
    warnings: z.array(z.string()).optional(),
  }),
  async perform(host, { schedule: name, agent, project: reference }) {
    const { prepareRunNow, runSchedule, scheduleView } = await engine();
    const before = await prepared(host, function* (ctx) {
      return yield* prepareRunNow(ctx, yield* projectAtHand(ctx, reference), name);
    });
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      const project = yield* requireProject(acting, reference);
      const { schedule: after, ...started } = yield* runSchedule(acting, project, { name, before });
      return { schedule: yield* scheduleView(acting, after), ...startedView(started) };
    }, "start");
  },
});

const remove = defineOperation({
  name: "delete_schedule",
  title: "Delete a schedule",
  description:
    "Deletes a schedule; its runs go on. Use pause_schedule where it may be wanted again. Returns the schedule.",
  area: "workflows",
  effect: "write",
  permission: STEERING_ROLES,
  input: z.object({ schedule, project: params.project, ...params.acting }),
  output: z.object({ schedule: scheduleShape }),
  async perform(host, { schedule: name, agent, project: reference }) {
    const { removeSchedule, scheduleView } = await engine();
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      const project = yield* requireProject(acting, reference);
      return { schedule: yield* scheduleView(acting, yield* removeSchedule(acting, project, name)) };
    }, "schedule");
  },
});

export const scheduleOperations = [set, list, pause, runNow, remove] as const;
