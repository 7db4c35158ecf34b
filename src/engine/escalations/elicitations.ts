import * as store from "../../store/escalations/elicitations.js";
import { appendEvents } from "../../store/events/events.js";
import { findRun } from "../../store/runs/runs.js";
import { type DefaultStepDecision, findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";

// A question is put to the person at one client at a time. Who asks is a row that lives as long as its process does, so that a
// question is neither shown twice nor lost with who showed it. What is decided about it goes through escalations.ts.

/** A question as it is put to a person: what was written, and by whom. */
export interface Question {
  /** Its task. */
  readonly id: string;
  readonly token: number;
  readonly key: string;
  readonly run: { readonly id: string; readonly name: string };
  readonly project: string;
  readonly startedBy: string;
  readonly ask: string;
  readonly form?: Readonly<Record<string, unknown>>;
  /** When its default decision is taken, in ms since the epoch. */
  readonly until: number | null;
  /** Default: reject. */
  readonly defaultDecision?: DefaultStepDecision;
}

export interface QuestionFilter {
  /** Runs that the person at this client has to do with. */
  readonly runs: readonly string[];
  /** Questions not to be asked here now, by `questionId`. */
  readonly except: ReadonlySet<string>;
}

export interface Next {
  readonly question?: Question;
  /** Time until there may be a question, where there is none now and no write comes in between. */
  readonly pollInMs?: number;
}

/** Open questions of a run that are considered at once. */
const OPEN_MAX = 200;
/** The person who started a run is asked before others are, who may only work on it. */
const HEAD_START_MS = 2_000;

/** Tells a question from the next one of the same task. */
export function questionId({ id, token }: Pick<Question, "id" | "token">): string {
  return `${id}/${token}`;
}

/** The first question that the caller's client may ask now. A query. */
export function* nextQuestion(ctx: EngineContext, { runs, except }: QuestionFilter): Tx<Next> {
  const own = ctx.caller.session?.id ?? "";
  let pollInMs: number | undefined;
  for (const open of yield* store.questionsWithin(runs, OPEN_MAX)) {
    const question = questionOf(open);
    if (except.has(questionId(question))) continue;
    const waitMs = freeAt(open, own) - ctx.now;
    if (waitMs <= 0) return { question };
    pollInMs = Math.min(pollInMs ?? waitMs, waitMs);
  }
  return pollInMs === undefined ? {} : { pollInMs };
}

/** From when on a process may ask it, in ms since the epoch. */
function freeAt({ task, elicitation, starterSession }: store.OpenQuestion, own: string): number {
  const asked = elicitation === undefined || elicitation.session === own ? 0 : elicitation.until;
  const headStart = starterSession === own ? 0 : (task.readyAt ?? task.createdAt) + HEAD_START_MS;
  return Math.max(asked, headStart);
}

function questionOf({ task, spec, run, project, startedBy }: store.OpenQuestion): Question {
  return {
    id: task.id,
    token: task.token,
    key: task.key,
    run: { id: task.run, name: run },
    project,
    startedBy,
    ask: spec.ask ?? task.title,
    ...(spec.form === undefined ? {} : { form: spec.form }),
    until: task.closeBy,
    ...(spec.default_decision === undefined ? {} : { defaultDecision: spec.default_decision }),
  };
}

/** Takes a question on, for at most so long. False where another process has, or it is no longer asked. */
export function* startElicitation(
  ctx: EngineContext,
  { id, token, forMs }: { id: string; token: number; forMs: number },
): Tx<boolean> {
  const { task } = yield* lockTask(id);
  const { session } = ctx.caller;
  if (session === null || task.status !== "waiting" || task.token !== token) return false;
  const taken = { task: id, token, session: session.id, until: ctx.now + forMs, now: ctx.now };
  if (!(yield* store.claimElicitation(taken))) return false;
  const { project, run, key } = task;
  yield* appendEvents(ctx, [{ type: "task.asked", project, run, task: id, data: { key, client: session.client } }]);
  return true;
}

/** Whether it still waits for a decision, as it was shown. A query. */
export function* awaitsDecision({ id, token }: Pick<Question, "id" | "token">): Tx<boolean> {
  const task = yield* findTask(id);
  if (task?.status !== "waiting" || task.token !== token) return false;
  return (yield* findRun(task.run))?.endedAt === null;
}

/** Ends an elicitation without an answer: other clients may ask. */
export function* endElicitation(ctx: EngineContext, { id }: Pick<Question, "id">): Tx<void> {
  if (ctx.caller.session !== null) yield* store.endElicitation(id, ctx.caller.session.id);
}
