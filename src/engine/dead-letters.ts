import * as letters from "../store/dead-letters.js";
import { attemptsOf } from "../store/attempts.js";
import { isCompensation } from "../store/compensations.js";
import type { Run } from "../store/runs.js";
import { saveSpec } from "../store/task-begin.js";
import { findTasks } from "../store/task-lists.js";
import type { Reopening } from "../store/task-changes.js";
import { findTaskAndSpec, type RetryPolicy, type Task, type TaskSpec } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { reserveTask } from "./assignments.js";
import { concludeTask, refuseTask } from "./conclude.js";
import type { EngineContext } from "./context.js";
import { BatonError } from "./errors.js";
import { type Locked, lockTask } from "./holding.js";
import { iso } from "./instants.js";
import { findProject, requireUnarchived } from "./projects.js";
import { allBlockedBehind, judgeAfresh, reopen, takeUp } from "./reopening.js";
import { type ChangedRun, RunChange } from "./run-change.js";
import { settleDependents } from "./settle.js";
import { listed, unfitness } from "./step-output.js";
import { noSuchTask, requireRun } from "./task-lookup.js";
import { failAttempt } from "./tasks.js";
import { taskLine } from "./views.js";

export type { DeadLetter } from "../store/dead-letters.js";

export interface LetterQuery {
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  readonly status?: letters.LetterStatus | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A page of dead letters, newest first, each with its task. Errors: `not_found`. */
export function* listLetterPage(ctx: EngineContext, query: LetterQuery) {
  if (query.run !== undefined) yield* requireRun(query.run);
  const project = query.project === undefined ? undefined : (yield* findProject(ctx, query.project))?.id;
  const { run, status, cursor: before, limit } = query;
  const found = yield* letters.listLetters({ run, project, status, before, limit: limit + 1 });
  const tasks = new Map((yield* findTasks(found.map(({ task }) => task))).map((task) => [task.id, task]));
  const page = found.slice(0, limit).flatMap((letter) => {
    const task = tasks.get(letter.task);
    return task === undefined ? [] : [{ letter, task }];
  });
  return { page, next: found.length > limit ? page.at(-1)?.letter.id : undefined };
}

/** What nobody has dealt with yet, in short, newest first. */
export function* pendingLetters(ctx: EngineContext, limit: number) {
  const { page } = yield* listLetterPage(ctx, { status: "pending", limit });
  return {
    dead_letters: page.map(({ letter, task }) => ({
      id: letter.id,
      task: taskLine(task),
      error: letter.error,
      created_at: iso(letter.createdAt),
    })),
  };
}

/** A dead letter with all that was known when its task ended. Errors: `not_found`. */
export function* letterInFull(id: string) {
  const letter = yield* requireLetter(id);
  const found = yield* findTaskAndSpec(letter.task);
  if (!found) throw noSuchTask(letter.task);
  const run = yield* requireRun(letter.run);
  return {
    letter,
    ...found,
    run,
    attempts: yield* attemptsOf(letter.task),
    blocked: yield* allBlockedBehind(letter.task),
  };
}

function* requireLetter(id: string): Tx<letters.DeadLetter> {
  const letter = yield* letters.findLetter(id);
  if (letter) return letter;
  throw new BatonError("not_found", `There is no dead letter ${id}.`, {
    details: { id },
    next: [{ tool: "query_operation", arguments: { name: "list_dead_letters", arguments: {} } }],
  });
}

/** A pending letter with its task locked. Errors: `not_found`, `invalid_transition` for one that was dealt with. */
function* lockLetter(id: string): Tx<{ letter: letters.DeadLetter; locked: Locked }> {
  const { project, task } = yield* requireLetter(id);
  yield* requireUnarchived(project);
  const locked = yield* lockTask(task);
  const letter = yield* requireLetter(id);
  if (letter.status === "pending" && locked.task.status === "dead_letter") return { letter, locked };
  const message = `Dead letter ${id} is ${letter.status}, and its task ${locked.task.key} is ${locked.task.status}: there is nothing to do about it.`;
  throw new BatonError("invalid_transition", message, {
    details: { id, status: letter.status, task: locked.task.id, task_status: locked.task.status },
    next: [{ tool: "get_task", arguments: { task: locked.task.id } }],
  });
}

export interface LetterHandled extends ChangedRun {
  readonly letter: string;
  readonly task: Task;
  readonly ready: readonly Task[];
}

export interface ReplayChanges {
  readonly prompt?: string | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly agent?: string | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

export interface Replay {
  readonly id: string;
  readonly changes?: ReplayChanges | undefined;
  readonly note?: string | undefined;
  readonly by: string;
}

/** Opens the task again in its run, with what is to be different, and what it blocked. Errors: as `lockLetter`. */
export function* replayLetter(ctx: EngineContext, { id, changes = {}, note, by }: Replay): Tx<LetterHandled> {
  const { locked } = yield* lockLetter(id);
  yield* saveSpec(locked.task.id, changedSpec(locked.spec, changes));
  const handled = yield* reopenLetter(ctx, { id, locked, note, by });
  if (changes.agent !== undefined) {
    yield* reserveTask(ctx, { ...locked, task: handled.task, run: handled.run }, changes.agent);
  }
  return handled;
}

export interface Reopened {
  readonly id: string;
  /** Its task. */
  readonly locked: Locked;
  readonly note?: string | undefined;
  readonly by: string;
  /** Where nobody has asked for it: which of how many times. */
  readonly automatic?: { readonly replay: number; readonly of: number };
}

/** Opens the task of a pending letter again, and what it blocked. */
export function* reopenLetter(ctx: EngineContext, reopened: Reopened): Tx<LetterHandled> {
  const { id, locked, note, by, automatic } = reopened;
  const { task } = locked;
  const blocked = yield* blockedBy(locked);
  const change = yield* takeUp(ctx, locked.run);
  const opened = [
    ...(yield* reopen(change, { tasks: [task.id], from: "dead_letter" })),
    ...(yield* reopen(change, blocked)),
  ];
  const closing = {
    id,
    to: "replayed",
    at: ctx.now,
    by,
    note: note ?? null,
    automatic: automatic !== undefined,
  } as const;
  yield* letters.closeLetter(closing);
  const data = { key: task.key, dead_letter: id, ...(automatic && { automatic: true, ...automatic }) };
  change.record({ type: "task.replayed", task: task.id, agent: by, data });
  const ready = yield* judgeAfresh(change, opened);
  const changed = yield* change.flush();
  const after = (yield* findTaskAndSpec(task.id))?.task ?? task;
  return { letter: id, task: after, ready, ...changed };
}

/** What a failed task keeps from going on: in a run that stopped on it, all that had not begun. */
function* blockedBy({ task, run }: Locked): Tx<Reopening> {
  requireUndoable(task, run);
  if (run.stage === "stopping") return { run: run.id, from: "blocked" };
  return { tasks: yield* allBlockedBehind(task.id), from: "blocked" };
}

/** Whether what a task was part of is undone, or about to be: then it cannot go on. */
export function isUndone(task: Task, run: Run): boolean {
  if (run.status !== "compensating" && run.stage !== "undoing") return false;
  return run.stage !== "undoing" || !isCompensation(task);
}

/** Errors: `invalid_transition` where what the task was part of is being undone. */
function requireUndoable(task: Task, run: Run): void {
  if (!isUndone(task, run)) return;
  const message = `Run ${run.id} is ${run.status}: what it did is undone, so ${task.key} cannot go on in it. Start another run.`;
  throw new BatonError("invalid_transition", message, {
    details: { run: run.id, status: run.status, task: task.id },
    next: [{ tool: "get_run", arguments: { run: run.id } }],
  });
}

/** A changed prompt is text as it stands: an expression in it has been filled in already. */
function changedSpec(spec: TaskSpec, { prompt, inputs, retry }: ReplayChanges): TaskSpec {
  const { dynamic, ...rest } = spec;
  const step = dynamic && {
    ...dynamic.step,
    ...(prompt === undefined ? {} : { prompt: `\${{ ${JSON.stringify(prompt)} }}` }),
    ...(retry === undefined ? {} : { retry: { ...spec.retry, ...retry } }),
  };
  return {
    ...rest,
    ...(prompt === undefined ? {} : { prompt }),
    ...(inputs === undefined ? {} : { inputs: { ...spec.inputs, ...inputs } }),
    retry: { ...spec.retry, ...retry },
    ...(dynamic && step ? { dynamic: { ...dynamic, step } } : {}),
  };
}

export interface Resolution {
  readonly id: string;
  readonly notes: string;
  readonly result?: unknown;
  readonly by: string;
}

/** Ends the task well with a result that somebody else came to, and lets what it blocked go on. Errors: `invalid_input` too. */
export function* resolveLetter(ctx: EngineContext, { id, notes, result, by }: Resolution): Tx<LetterHandled> {
  const { locked } = yield* lockLetter(id);
  const { task, spec } = locked;
  requirePerson(ctx, task, id);
  const problems = unfitness(spec, result);
  if (problems.length > 0) {
    const message = `The result is not what the step's output schema asks: ${listed(problems)}.`;
    throw new BatonError("invalid_input", message, { details: { problems, output: spec.output } });
  }
  const blocked = yield* blockedBy(locked);
  const change = yield* takeUp(ctx, locked.run);
  const settled = yield* concludeTask(change, task, { result, by });
  const reopened = yield* reopen(change, blocked);
  yield* letters.closeLetter({ id, to: "resolved", at: ctx.now, by, note: notes });
  const ready = yield* judgeAfresh(change, reopened);
  return { letter: id, task: settled.task, ready, ...(yield* change.flush()) };
}

/** The result of a human step is a person's decision, which only a person's channel can give. */
function requirePerson(ctx: EngineContext, { kind, key }: Task, letter: string): void {
  if (kind !== "human" || ctx.caller.channel === "human") return;
  const message = `Task ${key} asks a person: its result can only be given at a terminal or in a form. Replayed, the question is asked anew.`;
  throw new BatonError("not_permitted", message, {
    details: { letter, kind, allowed: ["human"] },
    next: [{ tool: "call_operation", arguments: { name: "replay_dead_letter", arguments: { id: letter } } }],
  });
}

/** Says that nothing will be done about it. The task stays as it is. */
export function* discardLetter(ctx: EngineContext, { id, notes, by }: Omit<Resolution, "result">): Tx<Task> {
  const { locked } = yield* lockLetter(id);
  yield* letters.closeLetter({ id, to: "discarded", at: ctx.now, by, note: notes });
  const change = new RunChange(ctx, locked.run);
  change.record({ type: "task.discarded", task: locked.task.id, agent: by, data: { key: locked.task.key, notes } });
  yield* change.writeHistory();
  return locked.task;
}

export interface Burial {
  readonly task: string;
  readonly reason: string;
  readonly by: string;
}

/** Ends a task badly by hand, whoever holds it. Errors: `invalid_transition` for one that has ended. */
export function* sendToDeadLetters(ctx: EngineContext, { task: reference, reason, by }: Burial): Tx<Task> {
  const locked = yield* lockTask(reference);
  const error = { type: "sent_by_hand", message: reason };
  if (locked.task.status === "running") {
    const failed = yield* failAttempt(ctx, locked, { error, outcome: "failed", fenced: true, retryable: false });
    return failed.task;
  }
  const change = new RunChange(ctx, locked.run);
  const settled = yield* refuseTask(change, locked.task, { error, by });
  yield* settleDependents(change, [settled]);
  yield* change.flush();
  return settled.task;
}
