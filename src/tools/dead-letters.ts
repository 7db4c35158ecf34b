import { DEAD_LETTER_STATUSES, STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import {
  type DeadLetter,
  discardDeadLetter,
  deadLetterInFull,
  listDeadLetterPage,
  partialResults,
  replayDeadLetter,
  resolveDeadLetter,
} from "../engine/dead-letters/dead-letters.js";
import { deadLetterId } from "../engine/dead-letters/references.js";
import { sendToDeadLetters } from "../engine/dead-letters/sending.js";
import type { EngineContext } from "../engine/context.js";
import { BatonError } from "../base/errors.js";
import { defined } from "../base/json.js";
import { iso, isoOrNull } from "../base/time.js";
import { attemptView, taskLine } from "../engine/tasks/views.js";
import { changeView } from "../engine/runs/views.js";
import type { Tx } from "../store/tx.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const ID = "From list_dead_letters; or its task.";

const deadLetterShape = z.object({
  id: z.string(),
  status: z.enum(DEAD_LETTER_STATUSES),
  task: shapes.taskLine,
  error: shapes.attemptError,
  created_at: shapes.instant,
  closed_at: shapes.instant.nullable(),
  closed_by: z.string().nullable(),
  note: z.string().nullable(),
  replay_at: shapes.instant.optional(),
});

function deadLetterView(deadLetter: DeadLetter, task: Parameters<typeof taskLine>[0]) {
  return {
    id: deadLetter.id,
    status: deadLetter.status,
    task: taskLine(task),
    error: deadLetter.error,
    created_at: iso(deadLetter.createdAt),
    closed_at: isoOrNull(deadLetter.closedAt),
    closed_by: deadLetter.closedBy,
    note: deadLetter.note,
    ...(deadLetter.dueAt === null ? {} : { replay_at: iso(deadLetter.dueAt) }),
  };
}

const list = defineOperation({
  name: "list_dead_letters",
  title: "List dead letters",
  description:
    "Lists dead letters, tasks that failed for good, newest first, with their errors; by run, project or status: pending until it is replayed, resolved or discarded.",
  area: "dead_letters",
  effect: "read",
  words: ["failed tasks", "dlq"],
  input: z.object({
    run: params.run.optional(),
    status: z.enum(DEAD_LETTER_STATUSES).optional(),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({ dead_letters: z.array(deadLetterShape), ...shapes.nextPage }),
  *run(ctx, input) {
    const { lines, next } = yield* listDeadLetterPage(ctx, input);
    return { dead_letters: lines.map(({ deadLetter, task }) => deadLetterView(deadLetter, task)), ...next };
  },
});

const get = defineOperation({
  name: "get_dead_letter",
  title: "Get a dead letter",
  description:
    "Shows a dead letter with all that was known when its task ended: error and stack, every attempt with its partial result, prompt and inputs, and the tasks it blocks.",
  area: "dead_letters",
  effect: "read",
  input: z.object({ id: z.string().describe(ID) }),
  output: z.object({
    dead_letter: deadLetterShape,
    attempts: z.array(shapes.attempt.extend({ partial_result: z.unknown().optional() })),
    context: z.object({
      prompt: z.string().optional(),
      command: z.string().optional(),
      inputs: z.record(z.string(), z.unknown()),
      given: z.unknown().optional(),
      files: z.object({ write: z.array(z.string()).readonly(), read: z.array(z.string()).readonly() }),
    }),
    blocked: z.array(z.string()),
  }),
  *run(ctx, { id }) {
    const { deadLetter, task, spec, run, attempts, blocked } = yield* deadLetterInFull(yield* deadLetterId(id));
    const got = partialResults(attempts, ctx.settings.payload_bytes_max);
    return {
      dead_letter: deadLetterView(deadLetter, task),
      attempts: attempts.map((attempt) => {
        const partial = got.get(attempt.number);
        return { ...attemptView(attempt), ...(partial === undefined ? {} : { partial_result: partial }) };
      }),
      context: {
        ...(spec.prompt === undefined ? {} : { prompt: spec.prompt }),
        ...(spec.command === undefined ? {} : { command: spec.command.run }),
        inputs: { ...run.inputs, ...spec.inputs },
        ...defined({ given: deadLetter.error.context }),
        files: spec.files,
      },
      blocked,
    };
  },
});

type Handled = ReturnType<typeof changeView>;

const changes = z.strictObject({
  prompt: z.string().min(1).optional().describe("Taken literally: expressions in it are not evaluated."),
  inputs: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      "Added to, or in place of, those of the run when the step's texts are filled in; not for elements of for_each.",
    ),
  agent: z.string().min(1).max(100).optional().describe("Reserves it for this agent."),
  retry: z.strictObject({ max_attempts: z.int().min(1).max(1_000).optional() }).optional(),
});

const replay = defineOperation({
  name: "replay_dead_letter",
  title: "Replay dead letters",
  description:
    "Reopens the task of a dead letter in its run, with changes where given, and the tasks it blocked; a failed run continues. Returns the task and what became ready. With ids: one after the other, each on its own; returns which were replayed, and why the others were refused.",
  area: "dead_letters",
  effect: "write",
  permission: STEERING_ROLES,
  aliases: ["replay_task"],
  words: ["retry a failed task"],
  example: { id: "deadletter_…" },
  input: z.object({
    id: z.string().optional().describe(ID),
    ids: z.array(z.string()).min(1).max(100).optional().describe("Instead of id, for several."),
    changes: changes.optional(),
    notes: z.string().max(10_000).optional(),
    ...params.acting,
  }),
  output: z.object({
    ...z.object(shapes.change).partial().shape,
    replayed: z.array(z.object({ id: z.string(), ...shapes.change })).optional(),
    refused: z.array(z.object({ id: z.string(), code: z.string(), message: z.string() })).optional(),
  }),
  async perform(host, { id, ids, ...rest }) {
    const again = (deadLetter: string) =>
      host.transact((ctx) => replayOne(ctx, deadLetter, rest), `replay ${deadLetter}`);
    if (id !== undefined && ids === undefined) return again(id);
    if (ids === undefined || id !== undefined) {
      throw new BatonError("invalid_input", "Pass either id, for one dead letter, or ids, for several.", {
        next: [{ tool: "query_operation", arguments: { name: "list_dead_letters", arguments: { status: "pending" } } }],
      });
    }
    const replayed: (Handled & { id: string })[] = [];
    const refused: { id: string; code: string; message: string }[] = [];
    const unavailable = () => refused.some(({ code }) => code === "unavailable");
    for (const deadLetter of new Set(ids)) {
      if (unavailable()) {
        refused.push({ id: deadLetter, code: "unavailable", message: "Not replayed: the database was unavailable." });
        continue;
      }
      try {
        replayed.push({ id: deadLetter, ...(await again(deadLetter)) });
      } catch (failure) {
        if (!(failure instanceof BatonError)) throw failure;
        // The others would wait as long for the database.
        if (failure.code === "unavailable" && replayed.length === 0) throw failure;
        refused.push({ id: deadLetter, code: failure.code, message: failure.message });
      }
    }
    return { replayed, refused };
  },
});

interface ReplayInput {
  readonly changes?: z.output<typeof changes> | undefined;
  readonly notes?: string | undefined;
  readonly agent?: string | undefined;
}

function* replayOne(
  ctx: EngineContext,
  reference: string,
  { changes: given, notes: note, agent }: ReplayInput,
): Tx<Handled> {
  const acting = yield* actingAgent(ctx, agent);
  const { retry, ...rest } = given ?? {};
  const { max_attempts } = retry ?? {};
  const id = yield* deadLetterId(reference);
  const asked = { ...rest, ...(max_attempts === undefined ? {} : { retry: { max_attempts } }) };
  return changeView(yield* replayDeadLetter(ctx, { id, note, changes: asked, by: acting.name }));
}

const resolve = defineOperation({
  name: "resolve_dead_letter",
  title: "Resolve a dead letter",
  description:
    "Completes a dead-lettered task with a result obtained elsewhere and unblocks its dependents. Returns the task and what became ready.",
  area: "dead_letters",
  effect: "write",
  permission: STEERING_ROLES,
  aliases: ["resolve_entry"],
  input: z.object({
    id: z.string().describe(ID),
    notes: z.string().min(1).max(10_000).describe("How it was resolved."),
    result: params.json.optional(),
    ...params.acting,
  }),
  output: z.object(shapes.change),
  *run(ctx, { id: reference, notes, result, agent: handle }) {
    const agent = yield* actingAgent(ctx, handle);
    const id = yield* deadLetterId(reference);
    return changeView(yield* resolveDeadLetter(ctx, { id, notes, result, by: agent.name }));
  },
});

const discard = defineOperation({
  name: "discard_dead_letter",
  title: "Discard a dead letter",
  description: "Discards a dead letter without a retry: it leaves the list of pending ones, its task stays failed.",
  area: "dead_letters",
  effect: "destructive",
  permission: STEERING_ROLES,
  input: z.object({ id: z.string().describe(ID), notes: z.string().min(1).max(10_000), ...params.acting }),
  output: z.object({ task: shapes.taskLine }),
  *run(ctx, { id: reference, notes, agent: handle }) {
    const agent = yield* actingAgent(ctx, handle);
    const id = yield* deadLetterId(reference);
    return { task: taskLine(yield* discardDeadLetter(ctx, { id, notes, by: agent.name })) };
  },
});

/** A stack trace beside the reason, as the error's. */
function withErrorAndReason({ stack_trace: stack, ...given }: Record<string, unknown>): Record<string, unknown> {
  return stack === undefined || "error" in given
    ? { ...given, ...defined({ stack_trace: stack }) }
    : { ...given, error: { stack } };
}

const send = defineOperation({
  name: "send_to_dead_letters",
  title: "Give up a task",
  description:
    "Fails a task for good by hand, whichever agent holds it: its token becomes stale, its locks are released, its dependents are blocked. It can be replayed or resolved later.",
  area: "dead_letters",
  effect: "destructive",
  permission: STEERING_ROLES,
  aliases: ["send_to_dlq"],
  translate: withErrorAndReason,
  input: z.object({
    task: params.task,
    reason: z.string().min(1).max(10_000),
    error: z
      .strictObject({
        type: z.string().min(1).max(200).optional(),
        message: z.string().min(1).max(8_000).optional(),
        stack: z.string().max(32_000).optional(),
      })
      .optional()
      .describe("What went wrong, where more than the reason is known."),
    context: params.json
      .optional()
      .describe("What the attempt knew, such as its last response; get_dead_letter shows it."),
    ...params.acting,
  }),
  output: z.object({ task: shapes.taskLine }),
  *run(ctx, { agent: handle, ...given }) {
    const agent = yield* actingAgent(ctx, handle);
    return { task: taskLine(yield* sendToDeadLetters(ctx, { ...given, by: agent.name })) };
  },
});

export const deadLetterOperations = [list, get, replay, resolve, discard, send] as const;
