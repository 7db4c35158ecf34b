import { pageOf } from "../../base/lists/paging.js";
import { HINTS_FROM_MAX } from "../../base/limits.js";
import { dirname, sep } from "node:path";
import { appendEvents } from "../../store/events/events.js";
import { projectStats, type ProjectStats } from "../../store/system/stats.js";
import { lockProject } from "../../store/lock-order.js";
import { countMilestones, type MilestoneStats } from "../../store/milestones/milestones.js";
import * as projects from "../../store/projects/projects.js";
import { costsOfProjects } from "../../store/usage/sums.js";
import type { Tx } from "../../store/tx.js";
import { dollarsOf } from "../../base/money.js";
import type { EngineContext, Workplace } from "../context.js";
import type { PathSpace } from "../paths/paths.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { hint } from "../../base/names.js";

export type Project = projects.Project;

export const DEFAULT_CONFIG: projects.ProjectConfig = { worktrees: "per_worktree" };

/** The project of the main work tree, where the caller works in a linked one. A query. */
export function* projectOfMainWorktree({ worktreeOf }: Workplace): Tx<Project | undefined> {
  return isFilled(worktreeOf) ? yield* projects.findDeepestProject(ancestors(worktreeOf)) : undefined;
}

/**
 * The project of a reference (an id or a name, archived ones too); without one the active project whose root is the
 * longest that contains the caller's directory, or undefined. Errors: `not_found` for a reference that is none, with
 * the nearest name.
 */
export function* findProject(ctx: EngineContext, reference?: string): Tx<Project | undefined> {
  if (reference === undefined) return yield* projectAround(ctx.caller.workplace);
  const project = yield* projects.findProjectByReference(reference);
  if (project === undefined) throw yield* noSuchProject(reference);
  return project;
}

/** A linked worktree ends the search at its own root: it is a scope of its own, also inside its repository. */
function* projectAround(workplace: Workplace): Tx<Project | undefined> {
  const { cwd, gitRoot, worktreeOf, gitDirectory, repository } = workplace;
  const isLinked = isFilled(worktreeOf) && gitRoot !== null;
  const around = yield* projects.findDeepestProject(
    isLinked ? ancestors(cwd).filter((directory) => directory.length >= gitRoot.length) : ancestors(cwd),
  );
  const isInside = gitRoot !== null && around !== undefined && (around.root?.length ?? 0) >= gitRoot.length;
  if (isInside || gitRoot === null) return around;
  // The repository itself may be a project whose directory has moved.
  const moved = isFilled(gitDirectory) ? yield* projects.findProjectByGitDirectory(gitDirectory) : undefined;
  if (moved !== undefined || around !== undefined || !isFilled(worktreeOf)) return moved ?? around;
  const main = yield* projects.findDeepestProject(ancestors(worktreeOf));
  if (main?.config.worktrees === "shared") return main;
  // A bare repository has no main working tree: any worktree of it may be the one that shares.
  const others = isFilled(repository) ? yield* projects.findProjectsOfRepository(repository) : [];
  return others.find(({ config }) => config.worktrees === "shared");
}

function isFilled(text: string | null | undefined): text is string {
  return text !== undefined && text !== null;
}

/** The paths of a project, as they lie on disk where the context can tell. */
export function spaceOnDisk({ findPath }: Pick<EngineContext, "findPath">, project: Project): PathSpace {
  const { root, caseInsensitive, config } = project;
  if (root === null || findPath === undefined) return project;
  const place = { root, sharesWorktrees: config.worktrees === "shared" };
  return { root, caseInsensitive, onDisk: (written) => findPath(place, written) };
}

/** The active projects in whose roots a directory lies, the nearest first. */
export function* projectsOver(directory: string): Tx<Project[]> {
  return yield* projects.findProjectsAt(ancestors(directory));
}

/** The active projects whose roots lie in a directory, at any depth. */
export function* projectsWithin(directory: string): Tx<Project[]> {
  return yield* projects.findProjectsBelow(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

/** Notes which is the outermost of the projects that a root lies in, or that lie in it. */
export function* relate(root: string | null): Tx<void> {
  if (root === null) return;
  const outermost = (yield* projectsOver(root)).at(-1);
  if (outermost?.root === undefined || outermost.root === null) return;
  const inside = yield* projectsWithin(outermost.root);
  if (inside.length === 0) return;
  const changed = [outermost, ...inside].filter((project) => project.outermost !== outermost.id);
  yield* projects.saveOutermost(
    changed.map(({ id }) => id),
    outermost.id,
  );
}

function ancestors(directory: string): string[] {
  const list = [directory];
  for (let at = directory; dirname(at) !== at; at = dirname(at)) list.push(dirname(at));
  return list;
}

/** A description as it is stored: an empty one is none. */
export function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

export interface ProjectLine {
  readonly project: Project;
  /** In US dollars. */
  readonly cost: number;
  /** Undefined for one without runs. */
  readonly figures: ProjectStats | undefined;
  /** Undefined for one without milestones. */
  readonly milestones: MilestoneStats | undefined;
}

/** A page of projects by name. */
export function* listProjects(ctx: Pick<EngineContext, "now">, filter: projects.ProjectFilter) {
  const found = yield* projects.listProjects({ ...filter, limit: filter.limit + 1 });
  const { page, next } = pageOf(found, filter.limit, ({ name }) => name);
  const ids = page.map(({ id }) => id);
  const figures = yield* projectStats(ids);
  const milestones = yield* countMilestones(ids, ctx.now);
  const costs = yield* costsOfProjects(ids);
  const lines = page.map((project): ProjectLine => ({
    project,
    cost: dollarsOf(costs.get(project.id) ?? 0),
    figures: figures.get(project.id),
    milestones: milestones.get(project.id),
  }));
  return { lines, next };
}

/** The project of a run or task that is there. */
export function* ownProject({ project: id }: { readonly project: string }): Tx<Project> {
  const project = yield* projects.findProjectByReference(id);
  if (!project) throw new Error(`project ${id} is gone while it has runs`);
  return project;
}

/**
 * Locks a project's row and reads it again before work begins in it: archiving locks the row too, and then sees what
 * has begun. Errors: `invalid_transition`.
 */
export function* requireUnarchived(id: string): Tx<void> {
  const project = yield* lockProject(id);
  if (project === undefined) throw yield* noSuchProject(id);
  if (project.status === "archived") throw archived(project);
}

/** The project of a reference with its row locked, read again under the lock. */
export function* lockedProject(ctx: EngineContext, reference: string): Tx<Project> {
  const found = yield* findProject(ctx, reference);
  const project = found && (yield* lockProject(found.id));
  if (project === undefined) throw yield* noSuchProject(reference);
  return project;
}

/** Restores an archived project; one that is active stays as it is. */
export function* restoreProject(ctx: EngineContext, reference: string): Tx<Project> {
  const project = yield* lockedProject(ctx, reference);
  if (project.status === "active") return project;
  return yield* setStatus(ctx, project, "active");
}

/** Writes the new status of a project whose row is locked. */
export function* setStatus(ctx: EngineContext, project: Project, to: Project["status"]): Tx<Project> {
  yield* projects.setProjectStatus(ctx, project.id, { from: project.status, to });
  const type = to === "archived" ? "project.archived" : "project.restored";
  yield* appendEvents(ctx, [{ type, project: project.id, agent: ctx.caller.agent }]);
  if (to === "active") yield* relate(project.root);
  return { ...project, status: to, updatedAt: ctx.now };
}

export function archived(project: Project): BatonError {
  const message = `The project "${project.name}" is archived: restore it first, or choose another.`;
  return new BatonError("invalid_transition", message, {
    details: { project: project.id, status: project.status },
    next: [callOperation("restore_project", { project: project.name })],
  });
}

function* noSuchProject(reference: string): Tx<BatonError> {
  const names = yield* projects.someProjectNames(HINTS_FROM_MAX);
  return new BatonError("not_found", `There is no project "${reference}"${hint(reference, names)}.`, {
    details: { project: reference, ...(names.length > 0 ? { known: names.slice(0, 10) } : {}) },
    next: [{ tool: "query_operation", arguments: { name: "list_projects", arguments: {} } }],
  });
}
