import { sep } from "node:path";
import { appendEvents } from "../../store/events/events.js";
import { lockProject } from "../../store/lock-order.js";
import { locksByPrefix } from "../../store/locks/locks.js";
import * as projects from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import { isAllowedRoot, requireAllowedRoot, type RootPlace, taken } from "./creation.js";
import { type Project, projectsWithin, relate } from "./projects.js";

export interface ProjectChange {
  readonly name: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Whether `settleProject` would change nothing. A query. */
export function* isSettled(ctx: EngineContext): Tx<boolean> {
  const { gitRoot, gitDirectory = null, repository = null } = ctx.caller.workplace;
  if (gitRoot === null || gitDirectory === null) return true;
  const here = yield* projects.findProjectByRoot(gitRoot);
  if (here !== undefined) return here.gitDirectory === gitDirectory && here.repository === repository;
  return (yield* projects.findProjectByGitDirectory(gitDirectory)) === undefined;
}

/**
 * Takes the project of the caller's repository to where the repository is now. A session does so once, as it opens: a process that
 * still has the former directory as its own must not take the project back.
 */
export function* settleProject(ctx: EngineContext): Tx<void> {
  const { gitRoot, gitDirectory = null, repository = null, caseInsensitive } = ctx.caller.workplace;
  if (gitRoot === null || gitDirectory === null || (yield* isSettled(ctx))) return;
  const place = { path: gitRoot, caseInsensitive, repository: { gitDirectory, repository } };
  const here = yield* projects.findProjectByRoot(gitRoot);
  if (here !== undefined) return yield* projects.saveProjectPlace(ctx, here.id, { ...here, gitDirectory, repository });
  const moved = yield* projects.findProjectByGitDirectory(gitDirectory);
  if (moved === undefined || !isAllowedRoot(ctx, gitRoot)) return;
  const project = yield* lockProject(moved.id);
  // Another session may have moved or archived it meanwhile.
  if (project?.status !== "active" || project.root !== moved.root) return;
  if (yield* keysWouldChange(ctx, project, place)) return;
  yield* moveTo(ctx, project, place);
}

/** Changes the root of a project whose row is locked. Errors: `conflict`, `not_permitted`, `invalid_input`. */
export function* changeRoot(ctx: EngineContext, project: Project, place: RootPlace): Tx<ProjectChange[]> {
  if (project.root === null) throw withoutFiles(project);
  requireAllowedRoot(ctx, place.path);
  const other = yield* projects.findProjectByRoot(place.path);
  if (other !== undefined && other.id !== project.id) throw taken(project.name, place.path, other);
  if (project.root === place.path) return [];
  if (yield* keysWouldChange(ctx, project, place)) throw locksInTheWay(project);
  return yield* moveTo(ctx, project, place);
}

/** Moves a project, and those in directories below it that have no repository of their own to be found by. */
function* moveTo(ctx: EngineContext, project: Project, place: RootPlace): Tx<ProjectChange[]> {
  const from = project.root ?? "";
  const below = (yield* projectsWithin(from)).filter(({ gitDirectory }) => gitDirectory === null);
  const { path: root, caseInsensitive, repository = {} } = place;
  const ids = { gitDirectory: repository.gitDirectory ?? null, repository: repository.repository ?? null };
  const changed = yield* saveMove(ctx, project, { root, caseInsensitive, ...ids });
  for (const inner of below) {
    const to = root + (root.endsWith(sep) ? "" : sep) + (inner.root ?? "").slice(from.length + 1);
    if ((yield* projects.findProjectByRoot(to)) === undefined) yield* saveMove(ctx, inner, { ...inner, root: to });
  }
  return changed;
}

function* saveMove(ctx: EngineContext, project: Project, place: projects.ProjectPlace): Tx<ProjectChange[]> {
  yield* projects.saveProjectPlace(ctx, project.id, place);
  yield* relate(place.root);
  const changed = [{ name: "root", from: project.root, to: place.root }];
  const { agent } = ctx.caller;
  yield* appendEvents(ctx, [{ type: "project.updated", project: project.id, agent, data: { changed } }]);
  return changed;
}

/** Locks are found by keys in which case is folded or not, so they must be gone before that changes. */
function* keysWouldChange(ctx: EngineContext, project: Project, { caseInsensitive }: RootPlace): Tx<boolean> {
  if (caseInsensitive === project.caseInsensitive) return false;
  return (yield* locksByPrefix(ctx.now, { project: project.id, exactly: [], under: [""] })).length > 0;
}

function withoutFiles({ id, name }: Project): BatonError {
  const message = `The project "${name}" has no root and gets none: create a project with create_project {root}.`;
  return new BatonError("invalid_input", message, { details: { project: id } });
}

function locksInTheWay({ id, name, root }: Project): BatonError {
  const message = `The new root's file system tells names apart by other rules of case than ${root}, and files of "${name}" are locked: try again when they are released.`;
  return new BatonError("conflict", message, {
    details: { project: id, root },
    next: [{ tool: "query_operation", arguments: { name: "list_file_locks", arguments: { project: name } } }],
  });
}
