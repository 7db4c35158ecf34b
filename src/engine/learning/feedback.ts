import { BatonError } from "../../base/errors.js";
import { appendEvents } from "../../store/events/events.js";
import { type Feedback, findFeedback, insertFeedback } from "../../store/learning/feedback.js";
import { attemptsOf } from "../../store/tasks/attempts.js";
import type { TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent, requireAgent, RESERVED_HANDLES } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { requireTask } from "../lookup.js";
import { taskType } from "../steps/task-type.js";
import { learn, learnedAs } from "./observing.js";

export interface GivenFeedback {
  readonly task?: string | undefined;
  readonly agent?: string | undefined;
  readonly score: number;
  readonly note?: string | undefined;
  /** The handle of its author. */
  readonly by?: string | undefined;
}

/** Feedback as it was recorded, and the type of task that it counts for; empty for an agent as a whole. */
export interface RecordedFeedback extends Feedback {
  readonly type: string;
}

/**
 * Records how good an agent's work was: on a task that has ended, or on the agent. Each author counts once for a task, and once a day for
 * an agent. Errors: `invalid_input` unless one of both is named; `not_found`; `invalid_transition` for a task that has not ended or that no agent
 * worked on; `not_permitted` for one's own work; `conflict` for feedback given before.
 */
export function* giveFeedback(ctx: EngineContext, given: GivenFeedback): Tx<RecordedFeedback> {
  if ((given.task === undefined) === (given.agent === undefined)) {
    const message = "Feedback is about a task or about an agent: name one of both. Nothing was recorded.";
    throw new BatonError("invalid_input", message, { details: { path: "task" } });
  }
  const { name: author } = yield* actingAgent(ctx, given.by);
  const about =
    given.task === undefined
      ? yield* aboutAgent(ctx, given.agent ?? "")
      : yield* aboutTask(yield* requireTask(given.task));
  const { subject, agent, type } = about;
  requireOther(about, author);
  const known = yield* findFeedback({ subject, author });
  if (known) throw givenBefore(about, known);
  const feedback = { subject, author, agent, score: given.score, note: given.note ?? null, at: ctx.now };
  yield* insertFeedback(feedback);
  if (ctx.settings.learning_enabled) yield* learn(ctx, [{ agent, type, success: (given.score + 1) / 2, judged: true }]);
  const { task } = about;
  const data = { about: agent, ...(type !== "" && { type }), score: given.score };
  yield* appendEvents(ctx, [
    {
      type: "feedback.given",
      project: task?.project ?? null,
      run: task?.run ?? null,
      task: task?.id ?? null,
      agent: author,
      data,
    },
  ]);
  return { ...feedback, type };
}

interface Subject extends Pick<RecordedFeedback, "subject" | "agent" | "type"> {
  readonly task?: TaskAndSpec["task"];
}

function* aboutAgent(ctx: EngineContext, name: string): Tx<Subject> {
  const { name: agent } = yield* requireAgent(name);
  const day = new Date(ctx.now).toISOString().slice(0, 10);
  return { subject: `agent:${agent}:${day}`, agent, type: "" };
}

function* aboutTask({ task, spec }: TaskAndSpec): Tx<Subject> {
  if (task.endedAt === null) {
    const message = `Task ${task.key} (${task.id}) is ${task.status}: feedback is about a task that has ended. Nothing was recorded.`;
    throw new BatonError("invalid_transition", message, {
      details: { task: task.id, status: task.status },
      next: [{ tool: "get_task", arguments: { task: task.id } }],
    });
  }
  const attempts = yield* attemptsOf(task.id);
  const last = attempts.findLast(({ agent }) => agent !== "" && !RESERVED_HANDLES.has(agent));
  if (!last) {
    const message = `No agent has worked on task ${task.key} (${task.id}), which is ${task.status}. Nothing was recorded.`;
    throw new BatonError("invalid_transition", message, { details: { task: task.id, status: task.status } });
  }
  return { subject: task.id, agent: learnedAs(last.agent), type: taskType(task, spec), task };
}

function requireOther({ agent, subject }: Subject, author: string): void {
  if (agent !== author) return;
  const message = `${author} gives no feedback on its own work. Nothing was recorded: another agent or a person does.`;
  throw new BatonError("not_permitted", message, { details: { agent, subject } });
}

function givenBefore({ agent, task }: Subject, { author, score }: Feedback): BatonError {
  const about = task === undefined ? `${agent} today` : `task ${task.key} (${task.id})`;
  const message = `${author} has given feedback on ${about} already, with score ${score}, which stands. Nothing was recorded.`;
  return new BatonError("conflict", message, { details: { agent, ...(task && { task: task.id }), score } });
}
