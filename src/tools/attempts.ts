import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { defined, isObject } from "../base/json.js";
import { iso } from "../base/time.js";
import type { TxResult } from "../store/tx.js";
import type { EngineContext } from "../engine/context.js";
import { holdsUntaskedLocks, releaseUntaskedLocks } from "../engine/locks/expiry.js";
import type { MadeDiff } from "../engine/reviews/diffs.js";
import { preparePlan, stepsOfPlan } from "../engine/tasks/plans.js";
import { completeTask, failTask, releaseTask, reportProgress } from "../engine/tasks/tasks.js";
import { prepared } from "../engine/engine.js";
import { loadPrices, needsPrice } from "../engine/usage/usage.js";
import { leaseView, taskLine } from "../engine/tasks/views.js";
import { changeView, moreView, runLine } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { storedWith } from "./artifact-contents.js";
import { isReviewTask, requireUnchanged, withDiff } from "./review-diffs.js";
import { unpricedNote } from "./usage.js";
import { afterwards, noteOf, noteOfMerges, noteOfWideLocks } from "./notes.js";
import { outputLine, outputLines, OUTPUTS_MAX, readOutputs } from "./task-outputs.js";

// Calls of a task's holder: each names the token of its attempt.

/** Resources that an attempt used; its cost counts against budgets. */
const usage = z.record(z.string(), z.unknown()).optional();

const report = defineOperation({
  name: "report_progress",
  title: "Report progress",
  description:
    "Tells how far a task is; returns orders: continue, cancel_requested, preempted, paused or deadline_passed. 15 min without a call: you count as silent.",
  area: "tasks",
  effect: "write",
  listed: true,
  inLoop: true,
  words: ["heartbeat", "keep alive", "renew the lease", "leave a note", "comment"],
  input: z.object({
    task: params.task,
    token: params.token,
    percent: z.int().min(0).max(100).optional(),
    note: z.string().max(4_000).optional(),
    ...params.acting,
  }),
  output: z.object({
    orders: z.enum(["continue", "cancel_requested", "preempted", "paused", "deadline_passed"]),
    lease: shapes.lease,
    messages: shapes.waitingMessages,
  }),
  *run(ctx, input) {
    const { orders, task, lease, messages } = yield* reportProgress(ctx, input);
    return { orders, lease: leaseView(task.token, lease), ...(messages && { messages }) };
  },
});

/** `success: true` says what the call itself says; with false the call would be another. */
function withoutSuccess({ success, ...given }: Record<string, unknown>): Record<string, unknown> {
  if (success === undefined || success === true) return given;
  const message = "A task that did not succeed is not completed: call fail_task with its error. Nothing was done.";
  throw new BatonError("invalid_input", message, {
    next: [
      {
        tool: "fail_task",
        arguments: { task: given["task"], token: given["token"], error: { type: "…", message: "…" } },
      },
    ],
  });
}

const complete = defineOperation({
  name: "complete_task",
  title: "Complete a task",
  description: "Completes a claimed task: its result goes to its dependents. Returns what became ready.",
  area: "tasks",
  effect: "write",
  listed: true,
  inLoop: true,
  aliases: ["report_task_completion"],
  translate: withoutSuccess,
  words: ["finish", "done", "submit a result", "update task status"],
  example: { task: "task_…", token: 1, result: { summary: "…" } },
  input: z.object({
    task: params.task,
    token: params.token,
    result: params.json.optional().describe("For dependents."),
    artifacts: z
      .array(z.record(z.string(), z.unknown()))
      .max(OUTPUTS_MAX)
      .optional()
      .describe("{name, path or content}"),
    usage: usage.describe("Cost in US$."),
    ...params.acting,
  }),
  output: z.object({
    ...shapes.change,
    messages: shapes.waitingMessages,
    artifacts: z.array(outputLine).optional(),
    note: z.string().optional(),
  }),
  needs: ["contents", "files"],
  async perform(host, input) {
    const steps = stepsOfPlan(input.result);
    const reading = steps && (await prepared(host, (ctx) => preparePlan(ctx, { task: input.task, steps })));
    if (input.usage && needsPrice(input.usage)) await prepared(host, (ctx) => loadPrices(ctx, input.usage ?? {}));
    const outputs = await readOutputs(host, input);
    const { artifacts: _, ...completion } = input;
    const isApproval = isObject(input.result) && input.result["verdict"] === "approve";
    if (isApproval && (await isReviewTask(host, input.task))) await requireUnchanged(host, input);
    const given = { ...completion, ...outputs.given, reading, makesDiffs: true };
    const store = (diff: MadeDiff | undefined) =>
      function* (ctx: EngineContext) {
        const completed = yield* completeTask(ctx, { ...given, diff });
        const { messages, artifacts, freed } = completed;
        const view = { ...changeView(completed), ...(messages && { messages }), ...outputLines(artifacts) };
        return { ...view, ...defined({ note: unpricedNote(ctx, input.usage), freed }) };
      };
    const completing = (diff: MadeDiff | undefined) => host.transact(store(diff), "run");
    const completed = await storedWith(host, outputs.contents, () => withDiff(host, input.task, completing));
    const { freed, note, ...view } = completed;
    const notes = [
      note,
      await afterwards(noteOfMerges(host, input.task)),
      await afterwards(noteOfWideLocks(host, input, freed)),
    ];
    return { ...view, ...noteOf(notes) };
  },
});

/** An error as a text, without a type, or under the keys `error_message` and `stack_trace`, as an error of the type "error". */
function withErrorObject(given: Record<string, unknown>): Record<string, unknown> {
  const { error_message: said, stack_trace: stack, ...others } = given;
  const error = given["error"] ?? said;
  if (isObject(error) && error["type"] === undefined) return { ...given, error: { type: "error", ...error } };
  if (typeof error !== "string" || error.trimStart().startsWith("{")) return given;
  return { ...others, error: { type: "error", message: error, ...(stack === undefined ? {} : { stack }) } };
}

/** A failed task, and its holder where that holds locks without a task too. */
function* failed(ctx: EngineContext, input: Parameters<typeof failTask>[1]) {
  const failure = yield* failTask(ctx, input);
  const { more = [], ...change } = changeView(failure);
  const left = [...more, ...(moreView(failure.run.id, { blocked: failure.blockedMore }).more ?? [])];
  const answer = {
    ...change,
    outcome: failure.outcome,
    ...(failure.retryAt === null ? {} : { retry_at: iso(failure.retryAt) }),
    blocked: failure.blocked,
    ...(left.length === 0 ? {} : { more: left }),
    ...othersFirst(ctx, failure),
  };
  const holds = failure.holder !== null && (yield* holdsUntaskedLocks(ctx, failure.holder));
  return { answer, holder: holds ? failure.holder : null };
}

/** Says that the task is other agents' first, so that its holder does not wait for it. */
function othersFirst({ settings }: EngineContext, { retryAt, holder, task }: TxResult<ReturnType<typeof failTask>>) {
  const { exclusion_ms: exclusion } = settings;
  if (retryAt === null || holder === null || exclusion === 0 || task.reservedFor !== null) return {};
  const until = iso(retryAt + exclusion);
  return {
    note: `Where another agent at work has room, the retry is its first: your claims pass over it until ${until} (excluded).`,
  };
}

const fail = defineOperation({
  name: "fail_task",
  title: "Fail a task",
  description: "Fails a claimed task: it is retried with backoff, or becomes a dead letter, blocking its dependents.",
  area: "tasks",
  effect: "write",
  quota: "nothing",
  listed: true,
  inLoop: true,
  aliases: ["report_task_failure", "mark_task_failed"],
  translate: withErrorObject,
  words: ["update task status", "report an error"],
  input: z.object({
    task: params.task,
    token: params.token,
    error: z.strictObject({
      type: z.string().min(1).max(200),
      message: z.string().min(1).max(8_000),
      stack: z.string().max(32_000).optional(),
    }),
    partial_result: params.json.optional(),
    retryable: z.boolean().optional().describe("false: do not try again."),
    usage,
    ...params.acting,
  }),
  output: z.object({
    ...shapes.change,
    outcome: z.enum(["retry", "dead_letter", "cancelled"]),
    retry_at: z.string().optional(),
    blocked: z.array(z.string()).readonly(),
    released: z.array(z.string()).optional(),
    note: z.string().optional(),
  }),
  // Locks without a task may lie in any project, and are locked before runs: they are released in a transaction of their own.
  async perform(host, input) {
    const { answer, holder } = await host.transact((ctx) => failed(ctx, input), "run");
    if (holder === null) return answer;
    const released = await host.transact((ctx) => releaseUntaskedLocks(ctx, holder), "locks");
    return { ...answer, ...(released.length === 0 ? {} : { released }) };
  },
});

const release = defineOperation({
  name: "release_task",
  title: "Release a task",
  description:
    "Gives a claimed task back unharmed: no attempt is counted, another agent can claim it. Use it when you cannot continue.",
  area: "tasks",
  effect: "write",
  quota: "nothing",
  listed: true,
  words: ["give back", "hand back", "stop working on a task", "leave a note"],
  input: z.object({
    task: params.task,
    token: params.token,
    note: z.string().max(4_000).optional().describe("For the next holder."),
    usage,
    ...params.acting,
  }),
  output: z.object({ task: shapes.taskLine, run: shapes.runLine }),
  *run(ctx, input) {
    const released = yield* releaseTask(ctx, input);
    return { task: taskLine(released.task), run: runLine(released.run, released.counters) };
  },
});

/** In the order of the tool list, between the other operations of tasks. */
export const attemptOperations = [report, complete, fail, release] as const;
