import { startOf } from "../base/texts/stored-values.js";
import { z } from "zod";
import { ARTIFACT_VERDICTS, MESSAGE_TYPES, VERDICTS } from "../base/statuses.js";
import {
  ARTIFACTS_SHOWN_MAX,
  type Brief,
  INPUT_REPEATED_MAX,
  isLongText,
  MESSAGES_SHOWN_MAX,
  resultCharsShown,
} from "../engine/claims/brief.js";
import { conflictsOf } from "../engine/locks/views.js";
import { BatonError, callOperation, type NextCall } from "../base/errors.js";
import { defined } from "../base/json.js";
import { iso, isoOrNull } from "../base/time.js";
import { NO_WORK_REASONS } from "../engine/claims/no-work.js";
import { PART_BYTES_MAX } from "../engine/tasks/queries.js";
import { startThatFits } from "../base/texts/shown-text.js";
import { PLAN_EXAMPLE } from "../engine/tasks/plans.js";
import { attemptView, leaseView, taskLine } from "../engine/tasks/views.js";
import { exampleResult } from "../engine/steps/example-result.js";
import { defineOperation, type HostWith } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { choiceOf } from "../engine/routing/routes.js";
import { afterwards } from "./notes.js";
import { ClaimCall, type Decided } from "./claim-call.js";
import { noteWorkBegins } from "./review-diffs.js";
import { FINDING_EXAMPLE, reviewFields, reviewFieldsOf } from "./review-briefs.js";

const claimInput = z.object({
  run: params.run.optional(),
  roles: z.array(z.string()).optional().describe("Roles you offer now."),
  requires: z.array(z.string()).optional().describe("Capabilities."),
  fresh: z.boolean().optional().describe("Only new work."),
  wait_seconds: z.number().min(0).max(600).optional(),
  ...params.acting,
  project: params.project,
});

const dependency = z.object({
  key: z.string(),
  status: z.string(),
  /** The agent that did it. */
  agent: z.string().optional(),
  result: z.unknown().optional(),
  truncated: z.boolean().optional(),
  resource: z.string().optional(),
  rest: shapes.call.optional(),
});

const dependencyArtifact = z.object({
  id: z.string(),
  name: z.string(),
  version: z.int(),
  type: z.string(),
  bytes: z.int(),
  /** Key of the dependency. */
  of: z.string(),
  from: z.string(),
  verdict: z.enum(ARTIFACT_VERDICTS).optional(),
});

/** A task or files that went to another agent while this one was silent. */
const loss = z.object({
  task: z.string().optional(),
  key: z.string().optional(),
  paths: z.array(z.string()).readonly().optional(),
  to: z.string(),
  at: shapes.instant,
});

const routing = z.object({
  by: z.string(),
  candidates: z.array(z.object({ agent: z.string(), score: z.number() })),
  read: shapes.call,
});

const boundMessage = z.object({
  id: z.string(),
  from: z.string(),
  type: z.enum(MESSAGE_TYPES),
  subject: z.string().optional(),
  body: z.string(),
  at: shapes.instant,
});

export const claimOutput = z.object({
  note: z.string().optional(),
  lost: z.array(loss).optional(),
  messages: shapes.waitingMessages,
  outcome: z.enum(["claimed", "none"]),
  resumed: z.boolean().optional(),
  task: z
    .object({
      ...shapes.taskLine.omit({ from: true }).shape,
      // Beside the prompt, which is data from its author.
      from: z.string().optional(),
      prompt: z.string().optional(),
      prompt_rest: shapes.call.optional(),
      criteria: z.array(z.string()).readonly().optional(),
      output: z.unknown().optional(),
      inputs: z.record(z.string(), z.unknown()).optional(),
      /** Allocated with the claim, for as long as the attempt lasts. */
      resources: z.record(z.string(), z.record(z.string(), z.number())).optional(),
      attempt: z.int(),
      started_at: shapes.instant.nullable(),
      dependencies: z.array(dependency),
      /** The newest artifacts of the dependencies. */
      artifacts: z.array(dependencyArtifact).optional(),
      artifacts_read: shapes.call.optional(),
      artifacts_rest: shapes.call.optional(),
      progress_note: z.string().optional(),
      /** Messages bound to the task. */
      messages: z.array(boundMessage).optional(),
      messages_rest: shapes.call.optional(),
      ...reviewFields,
      previous: shapes.attempt.extend({ partial_result: z.unknown().optional() }).optional(),
      /** The call that sums up what happened before, where others worked on it. */
      brief_read: shapes.call.optional(),
    })
    .optional(),
  lease: shapes.lease.optional(),
  locks: z.array(shapes.lockLine).optional(),
  /** Intents of others on its files. */
  beside: z.array(shapes.lockConflict).optional(),
  /** The strategy by which the task was kept for the agent, and the best candidates. */
  routing: routing.optional(),
  next: z.array(shapes.call).optional(),
  reason: z.enum(NO_WORK_REASONS).optional(),
  detail: z.string().optional(),
  ...shapes.waitBound,
  retry_after_ms: z.int().optional(),
});

/** A claim of one certain task is two calls: it is reserved, so that no other agent gets it, and claimed when its turn comes. */
function withoutTask(given: Record<string, unknown>): Record<string, unknown> {
  const task = given["task"] ?? given["task_id"];
  if (typeof task !== "string" || task === "") return given;
  const message =
    "claim_task takes no task: it returns the next one that you can do. So that no other agent gets a certain one, reserve it for your handle with assign_task; then claim. Nothing was done.";
  const { run, agent = "YOUR-HANDLE" } = given;
  const reference = typeof run === "string" && !task.startsWith("task_") ? `${run}/${task}` : task;
  throw new BatonError("invalid_input", message, {
    next: [
      { tool: "call_operation", arguments: { name: "assign_task", arguments: { task: reference, agent } } },
      { tool: "claim_task", arguments: { ...defined({ run, agent: given["agent"] }) } },
    ],
  });
}

export const claim = defineOperation({
  name: "claim_task",
  title: "Claim a task",
  description:
    "Returns the next task you can do, its files locked, with a token and a lease: prompt, criteria, results of its dependencies. If you hold a live task, that one is returned. none: why, and when to ask again; wait_seconds waits for work.",
  area: "tasks",
  effect: "write",
  listed: true,
  inLoop: true,
  aliases: ["next_task", "get_next_task"],
  words: ["get work", "what should I do next"],
  example: { run: "run_…", wait_seconds: 50 },
  translate: withoutTask,
  input: claimInput,
  output: claimOutput,
  needs: ["background", "files"],
  async perform(host, given) {
    const claimer = new ClaimCall(host, given);
    const first = await claimer.claimOrCatchUp();
    if (first.outcome === "claimed") await noteWorkBegins(host, first.brief);
    if (first.outcome === "claimed" || (given.wait_seconds ?? 0) === 0 || claimer.over(first))
      return withChoice(host, first);
    let last: Decided = first;
    const found = await host.waitFor(
      async () => {
        if (!(await claimer.worthTrying())) return undefined;
        last = await claimer.claim();
        return last.outcome === "claimed" || claimer.over(last) ? last : undefined;
      },
      given.wait_seconds ?? 0,
      () => claimer.nextLookMs(),
    );
    const decided = found ?? (await claimer.atEnd()) ?? last;
    if (decided.outcome === "claimed") await noteWorkBegins(host, decided.brief);
    return {
      ...(await withChoice(host, decided)),
      ...(found === undefined && (await host.waitBound(given.wait_seconds ?? 0))),
    };
  },
});

/** The answer to a claim, whichever operation made it. */
export function claimAnswer(found: Decided): z.input<typeof claimOutput> {
  const lost = (found.lost ?? []).map((one) => ({ ...one, at: iso(one.at) }));
  const { messages } = found;
  return { ...(lost.length === 0 ? {} : { lost }), ...(messages && { messages }), ...outcomeOf(found) };
}

function outcomeOf(found: Decided): z.input<typeof claimOutput> {
  if (found.outcome === "none") {
    // Zero would read as "ask again at once", and of a finished run nothing more comes.
    const later = found.retryAfterMs > 0 ? { retry_after_ms: found.retryAfterMs } : {};
    return { outcome: "none", ...defined({ reason: found.reason, detail: found.detail }), ...later };
  }
  const { brief } = found;
  return {
    ...noteOf(brief),
    outcome: "claimed",
    ...(brief.resumed ? { resumed: true } : {}),
    task: briefView(brief),
    lease: leaseView(brief.task.token, brief.lease),
    locks: brief.locks.map((lock) => ({ ...lock })),
    ...(found.met && { beside: conflictsOf(found.met).slice(0, BESIDE_SHOWN_MAX) }),
    next: endings(brief),
  };
}

const CANDIDATES_SHOWN_MAX = 5;

/** The best candidates of the choice by which the task came to its agent; get_task shows them all, with the parts of their scores. */
async function withChoice(host: HostWith<"background">, found: Decided): Promise<z.input<typeof claimOutput>> {
  const answer = claimAnswer(found);
  if (found.outcome !== "claimed") return answer;
  const { id, run, agent } = found.brief.task;
  const reserved = found.reserved === true;
  const kept = reserved ? await afterwards(host.read(() => choiceOf({ id, run }, agent ?? ""))) : undefined;
  const choice = kept ?? found.headStart;
  if (choice === undefined) return answer;
  const candidates = choice.candidates
    .slice(0, CANDIDATES_SHOWN_MAX)
    .map(({ agent: name, score }) => ({ agent: name, score }));
  const read = { tool: "get_task", arguments: { task: id, include: ["routing"] } };
  return { ...answer, routing: { by: choice.by, candidates, read } };
}

const BESIDE_SHOWN_MAX = 20;

/** The first sentence of the answer, where there is more to say than that the task is held. */
function noteOf(brief: Brief): { note?: string } {
  const { key, orders } = brief.task;
  const stop =
    orders === null
      ? undefined
      : `Stop now: task ${key} ${orders === "preempted" ? "gives way to another" : "is cancelled"}. Leave its files in a state others can use and call release_task.`;
  const notes = [stop, brief.shared ? sharedNote(brief) : undefined].filter((note) => note !== undefined);
  return notes.length === 0 ? {} : { note: notes.join(" ") };
}

function sharedNote({ task }: Brief): string {
  return `Another agent on this connection may be working on task ${task.key}: it is held under the shared handle ${task.agent ?? "?"}. If that is not you, claim with a handle of your own and pass it in every call: {"agent": "YOUR-NAME"}.`;
}

/** Facts that the previous attempt left for this one: its note, its error, its progress. */
function previousView(attempt: NonNullable<Brief["previous"]>) {
  const { result } = attempt;
  return { ...attemptView(attempt), ...(result === null ? {} : { partial_result: result }) };
}

const BODY_SHOWN_MAX = 1_000;

/** Messages bound to the task, the start of each, with the call that shows the rest. */
function messagesView({ task, messages }: Brief) {
  if (messages.length === 0) return {};
  const shown = messages.slice(-MESSAGES_SHOWN_MAX);
  const lines = shown.map(({ id, sender, type, subject, body, at }) => ({
    id,
    from: sender,
    type,
    body: startOf(body, BODY_SHOWN_MAX),
    at: iso(at),
    ...(subject === null ? {} : { subject }),
  }));
  const isWhole =
    shown.length === messages.length && shown.every(({ body, data }) => body.length <= BODY_SHOWN_MAX && data === null);
  const rest = { tool: "read_messages", arguments: { channel: `task:${task.id}`, unread: false } };
  return { messages: lines, ...(isWhole ? {} : { messages_rest: rest }) };
}

function briefView(brief: Brief) {
  const { task, spec, run, dependencies, previous, knowsInputs, resources } = brief;
  const { prompt, criteria, output } = spec;
  const inputs = { ...(knowsInputs ? repeatedInputs(run) : run.inputs), ...spec.inputs };
  const { from = run.kind === "standing" ? undefined : run.createdBy, ...line } = taskLine(task);
  return {
    ...line,
    ...defined({ from }),
    ...promptView(task.id, prompt),
    ...defined({ criteria, output, resources }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    attempt: task.attempt,
    started_at: isoOrNull(task.startedAt),
    ...(task.progressNote === null ? {} : { progress_note: task.progressNote }),
    ...messagesView(brief),
    ...reviewFieldsOf(brief),
    dependencies: dependencies.map((one) => dependencyView(one, resultCharsShown(task.depsTotal))),
    ...artifactsView(brief),
    ...(previous === undefined ? {} : { previous: previousView(previous), brief_read: briefCall(task.id) }),
  };
}

/** The call that sums up earlier attempts, with what was decided, said and changed meanwhile. */
function briefCall(task: string): NextCall {
  return { tool: "query_operation", arguments: { name: "get_brief", arguments: { task } } };
}

/** The artifacts of the dependencies by name, with the call that reads the first of them, and the one that lists all where there are more. */
function artifactsView({ run, artifacts, dependencies }: Brief) {
  const [first] = artifacts;
  if (!first) return {};
  const keys = new Map(dependencies.map(({ task, key }) => [task, key]));
  const call = (name: string, args: Record<string, unknown>) => ({
    tool: "query_operation",
    arguments: { name, arguments: args },
  });
  return {
    artifacts: artifacts.slice(0, ARTIFACTS_SHOWN_MAX).map(({ id, name, version, type, bytes, ...artifact }) => ({
      id,
      name,
      version,
      type,
      bytes,
      of: keys.get(artifact.task ?? "") ?? "",
      from: artifact.createdBy,
      ...(artifact.verdict === null ? {} : { verdict: artifact.verdict }),
    })),
    artifacts_read: call("get_artifact", { artifact: first.id }),
    ...(artifacts.length > ARTIFACTS_SHOWN_MAX ? { artifacts_rest: call("list_artifacts", { run: run.id }) } : {}),
  };
}

/** Inputs for an agent that has been told them: the goal of a run need not stand in each of its briefs. */
function repeatedInputs({ id, inputs }: Brief["run"]): Record<string, unknown> {
  const repeated = (input: unknown) =>
    isLongText(input)
      ? `${startOf(input, INPUT_REPEATED_MAX)}… (as in your first brief of this run; whole: get_run ${JSON.stringify({ run: id })})`
      : input;
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, repeated(input)]));
}

/** A prompt as far as an answer can hold it, with the call that shows the rest. */
function promptView(task: string, prompt: string | undefined) {
  const shown = prompt && startThatFits(prompt, PART_BYTES_MAX);
  if (prompt === undefined || shown === undefined || shown.length === prompt.length) return defined({ prompt });
  const rest = { tool: "get_task", arguments: { task, include: ["prompt"], offset: shown.length } };
  const said = `… (${shown.length} of ${prompt.length} characters; read the rest before you begin: get_task ${JSON.stringify(rest.arguments)})`;
  return { prompt: `${shown}\n${said}`, prompt_rest: rest };
}

/** A dependency's result where it is short, else its start and the call that shows all of it. */
function dependencyView({ task, key, status, agent, result }: Brief["dependencies"][number], chars: number) {
  const about = { key, status, ...(agent === null ? {} : { agent }) };
  if (result === null) return about;
  if (result.length > chars) {
    return {
      ...about,
      result: startOf(result, chars),
      truncated: true,
      resource: `baton://tasks/${task}`,
      rest: { tool: "get_task", arguments: { task, include: ["result"], offset: 0 } },
    };
  }
  return { ...about, result: JSON.parse(result) as unknown };
}

/** The exact calls that end the task, for a model to copy. */
function endings({ task, spec }: Brief) {
  const result = task.kind === "plan" ? PLAN_EXAMPLE : exampleResult(spec.output);
  const held = { task: task.id, token: task.token };
  if (task.orders !== null) return [{ tool: "release_task", arguments: held }];
  return [
    spec.review_of === undefined
      ? { tool: "complete_task", arguments: { ...held, result } }
      : callOperation("submit_review", {
          ...held,
          verdict: VERDICTS.join(" | "),
          critique: "…",
          findings: [FINDING_EXAMPLE],
        }),
    { tool: "fail_task", arguments: { ...held, error: { type: "…", message: "…" } } },
    { tool: "report_progress", arguments: { ...held, percent: 50 } },
    { tool: "release_task", arguments: held },
  ];
}
