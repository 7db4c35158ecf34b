import { BatonError } from "../../base/errors.js";
import { lockProject, lockRun } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireRun, requireTask, taskId } from "../lookup.js";
import { projectAtHand, requireProject } from "../projects/creation.js";
import { ownProject, type Project } from "../projects/projects.js";
import type { ArtifactPlace } from "./artifacts.js";

/** The subject of an artifact as a call names it: a task, else a run, else a project. */
export interface GivenPlace {
  readonly task?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
}

/** Locks the place of a new artifact: its run, else its project, which is made at need. Errors: `not_found`. */
export function* lockPlace(ctx: EngineContext, given: GivenPlace): Tx<ArtifactPlace> {
  const { task, run, project } = given;
  if (task !== undefined) {
    const found = yield* requireTask(task);
    yield* lockRun(found.task.run);
    // Read again under the run's lock: whether it is running, and who holds it.
    const locked = yield* requireTask(found.task.id);
    return { project: locked.task.project, run: locked.task.run, task: locked.task };
  }
  if (run !== undefined) {
    const found = yield* requireRun(run);
    yield* lockRun(found.id);
    return { project: found.project, run: found.id, task: null };
  }
  const found = yield* requireProject(ctx, project);
  yield* lockProject(found.id);
  return { project: found.id, run: null, task: null };
}

/** The ids that a filter by place means. Errors: `not_found`. */
export function* placeWanted(ctx: EngineContext, { task, run, project }: GivenPlace): Tx<GivenPlace> {
  if (task !== undefined) return { task: yield* taskId(task) };
  if (run !== undefined) return { run: (yield* requireRun(run)).id };
  return { project: (yield* projectAtHand(ctx, project))?.id ?? "" };
}

/** The directory below which files are read for a place: the caller's own worktree where all of them mean the same files. */
export function* rootOf(ctx: EngineContext, given: GivenPlace): Tx<string> {
  const project = yield* projectOf(ctx, given);
  const { gitRoot, worktreeOf } = ctx.caller.workplace;
  if (project === undefined && gitRoot !== null) return gitRoot;
  const isShared = project?.config.worktrees === "shared" && worktreeOf === project.root;
  const root = isShared ? gitRoot : (project?.root ?? null);
  if (root !== null) return root;
  throw new BatonError(
    "invalid_input",
    "A path needs a project with a root directory, and there is none here. Give the content itself, or name the project.",
    { details: { path: "path" } },
  );
}

/** The same; undefined where there is none. Errors: `not_found`. */
export function* rootIfAny(ctx: EngineContext, given: GivenPlace): Tx<string | undefined> {
  try {
    return yield* rootOf(ctx, given);
  } catch (error) {
    if (error instanceof BatonError && error.code === "invalid_input") return undefined;
    throw error;
  }
}

function* projectOf(ctx: EngineContext, { task, run, project }: GivenPlace): Tx<Project | undefined> {
  if (task !== undefined) return yield* ownProject((yield* requireTask(task)).task);
  if (run !== undefined) return yield* ownProject(yield* requireRun(run));
  return yield* projectAtHand(ctx, project);
}
