import type { Project } from "../../store/projects/projects.js";
import { markHoldsFiles } from "../../store/tasks/transitions.js";
import { findTask, runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import type { Requester } from "./conflicts.js";
import { findProject } from "../projects/projects.js";
import { personalAtHand, requireProject } from "../projects/creation.js";
import { noSuchTask, taskId } from "../lookup.js";

/** For whom a lock is asked: an agent, and the running task it is for. */
export interface Holder {
  readonly requester: Requester;
  /** The task's run. */
  readonly run: string | null;
  /** The task's. */
  readonly priority: number | null;
  readonly taskWasNamed: boolean;
  /** The key of the task, where that is asked to give way to another. */
  readonly preempted: string | null;
}

export interface HolderReference {
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
  readonly task?: string | undefined;
}

/**
 * Returns the owner and the project of a request: the one named, the task's, or that of the working directory. A lock
 * without a task goes to the agent's only running task when it has exactly one, and that is of this project. Errors:
 * `not_found`; `conflict` for a task that the agent does not hold; `invalid_input` for one of another project.
 */
export function* findHolder(ctx: EngineContext, reference: HolderReference): Tx<{ project: Project; holder: Holder }> {
  const agent = reference.agent ?? ctx.caller.agent;
  const only = yield* onlyTaskOf(agent);
  const named = reference.task === undefined ? undefined : yield* requireHeldBy(agent, reference.task);
  const known = yield* knownProject(ctx, reference, named ?? only);
  const project = yield* requireProject(ctx, known?.id);
  if (named && named.project !== project.id) throw otherProject(named, project);
  const task = named ?? (only?.project === project.id ? only : undefined);
  const requester = { agent, task: task?.id ?? null, ownsUntasked: task !== undefined && task.id === only?.id };
  const holder = {
    requester,
    run: task?.run ?? null,
    priority: task?.priority ?? null,
    taskWasNamed: named !== undefined,
    preempted: task?.orders === "preempted" ? task.key : null,
  };
  return { project, holder };
}

/**
 * The project named, the task's, that of the working directory, that of the agent's only task, and outside any
 * repository the personal one; undefined where none of them is there. A query. Errors: `not_found`.
 */
export function* knownProject(ctx: EngineContext, reference: HolderReference, task?: Task): Tx<Project | undefined> {
  if (reference.project !== undefined) return yield* findProject(ctx, reference.project);
  const around = reference.task === undefined ? yield* findProject(ctx) : undefined;
  return around ?? (yield* task ? findProject(ctx, task.project) : personalAtHand(ctx));
}

/** The agent's only running task, if it has exactly one. */
export function* onlyTaskOf(agent: string): Tx<Task | undefined> {
  const [first, second] = yield* runningTasksOf(agent, 2);
  return second ? undefined : first;
}

/**
 * Looks at the task again once its run is locked, and notes that it holds files. Errors: as `findHolder`;
 * `RestartTransaction` where the agent has lost meanwhile what it did not name.
 */
export function* confirmHolder({ requester, taskWasNamed }: Holder, holdsFiles: boolean): Tx<void> {
  if (requester.task === null) return;
  const task = yield* findTask(requester.task);
  if (task?.status !== "running" || task.agent !== requester.agent) {
    if (!taskWasNamed)
      throw new RestartTransaction(`task ${requester.task} was taken from ${requester.agent} meanwhile`);
    throw task ? notHeld(requester.agent, task) : noSuchTask(requester.task);
  }
  if (holdsFiles && !task.holdsFiles) yield* markHoldsFiles(task.id);
}

function* requireHeldBy(agent: string, reference: string): Tx<Task> {
  const id = yield* taskId(reference);
  const task = yield* findTask(id);
  if (!task) throw noSuchTask(id);
  if (task.status !== "running" || task.agent !== agent) throw notHeld(agent, task);
  return task;
}

function notHeld(agent: string, task: Task): BatonError {
  const state = task.agent === null ? `it is ${task.status} and has no holder` : `${task.agent} holds it`;
  const message = `${agent} does not hold task ${task.key} (${task.id}), so no file can be locked for it: ${state}.`;
  return new BatonError("conflict", message, {
    details: { task: task.id, status: task.status, held_by: task.agent, agent },
    next: [
      { tool: "get_task", arguments: { task: task.id } },
      { tool: "claim_task", arguments: { run: task.run } },
    ],
  });
}

function otherProject(task: Task, project: Project): BatonError {
  const message = `Task ${task.key} (${task.id}) does not belong to the project "${project.name}".`;
  return new BatonError("invalid_input", message, {
    details: { task: task.id, project: project.id, project_of_task: task.project },
  });
}
