import { pageOf } from "../../base/paging.js";
import { HINTS_FROM_MAX } from "../../base/limits.js";
import { isDeepStrictEqual } from "node:util";
import { dirname, sep } from "node:path";
import { appendEvents } from "../../store/events/events.js";
import { projectStats, type ProjectStats } from "../../store/system/stats.js";
import { lockProject } from "../../store/lock-order.js";
import { countMilestones, type MilestoneStats } from "../../store/milestones/milestones.js";
import * as projects from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext, Workplace } from "../context.js";
import { liesWithin } from "../paths/directories.js";
import { requirePerson } from "../person.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { hint, isName, NAME_RULE, nameFrom } from "../../base/names.js";
import { withPresentNames } from "../../base/settings.js";
import { parseProjectConfig } from "./config.js";

export type Project = projects.Project;

/** The project of work that happens outside any repository. It has no root. */
export const PERSONAL = "personal";

// Directories of the same name get a number; beyond this many a person should choose a name.
const NUMBERED_MAX = 100;
const ID_FORM = /^project_[0-9a-z]{16}$/;

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

/**
 * As `findProject`, for a write: without a reference the project is made at need, at the git root of the caller's
 * directory, or outside git as the rootless `personal`. Errors: `not_found`; `invalid_transition` for an archived one.
 */
export function* requireProject(ctx: EngineContext, reference?: string): Tx<Project> {
  const found = yield* findProject(ctx, reference);
  const { workplace } = ctx.caller;
  const project =
    found ?? (yield* workplace.gitRoot === null ? personalProject(ctx) : projectOfRepository(ctx, workplace.gitRoot));
  if (project.status === "archived") throw archived(project);
  return project;
}

/** A linked worktree ends the search at its own root: it is a scope of its own, also inside its repository. */
function* projectAround({ cwd, gitRoot, worktreeOf }: Workplace): Tx<Project | undefined> {
  const isLinked = worktreeOf !== undefined && worktreeOf !== null && gitRoot !== null;
  const around = yield* projects.findDeepestProject(
    isLinked ? ancestors(cwd).filter((directory) => directory.length >= gitRoot.length) : ancestors(cwd),
  );
  if (around !== undefined || worktreeOf === undefined || worktreeOf === null) return around;
  const main = yield* projects.findDeepestProject(ancestors(worktreeOf));
  return main?.config.worktrees === "shared" ? main : undefined;
}

/** The active projects in whose roots a directory lies, the nearest first. */
export function* projectsOver(directory: string): Tx<Project[]> {
  return yield* projects.findProjectsAt(ancestors(directory));
}

/** The active projects whose roots lie in a directory, at any depth. */
export function* projectsWithin(directory: string): Tx<Project[]> {
  return yield* projects.findProjectsBelow(directory.endsWith(sep) ? directory : `${directory}${sep}`);
}

function ancestors(directory: string): string[] {
  const list = [directory];
  for (let at = directory; dirname(at) !== at; at = dirname(at)) list.push(dirname(at));
  return list;
}

function* personalProject(ctx: EngineContext): Tx<Project> {
  const known = yield* projects.findProjectByReference(PERSONAL);
  return known ?? (yield* makeProject(ctx, { name: PERSONAL, root: null, caseInsensitive: false }));
}

function* projectOfRepository(ctx: EngineContext, root: string): Tx<Project> {
  const { caseInsensitive } = ctx.caller.workplace;
  const base = nameFrom(root.split(/[\\/]/).at(-1) ?? "", "project");
  for (let number = 1; number <= NUMBERED_MAX; number++) {
    // Another agent there may have made it, just now or before it was archived.
    const known = yield* projects.findProjectByRoot(root);
    if (known !== undefined) return known;
    const name = number === 1 && base !== PERSONAL ? base : `${base.slice(0, 90)}-${number}`;
    if ((yield* projects.findProjectByReference(name)) !== undefined) continue;
    const { made } = yield* tryToMake(ctx, { name, root, caseInsensitive });
    if (made) return made;
  }
  const message = `${NUMBERED_MAX} projects are called "${base}" already: give this one a name with create_project.`;
  throw new BatonError("conflict", message, { next: [{ tool: "create_project", arguments: { name: "…", root } }] });
}

interface NewProject extends Pick<Project, "name" | "root" | "caseInsensitive"> {
  readonly description?: string | undefined;
  readonly config?: projects.ProjectConfig;
}

/** Makes it, or gives the same one that another process has made at the same time. Errors: `conflict`. */
function* makeProject(ctx: EngineContext, wanted: NewProject): Tx<Project> {
  const { made, inTheWay } = yield* tryToMake(ctx, wanted);
  if (made?.name === wanted.name) return made;
  throw taken(wanted.name, wanted.root, made ?? inTheWay);
}

/** The project, or the one that another process has made of the same root at the same time, or one that has its name. */
function* tryToMake(
  ctx: EngineContext,
  { name, root, caseInsensitive, description, config }: NewProject,
): Tx<{ made?: Project; inTheWay?: Project | undefined }> {
  requireAllowedRoot(ctx, root);
  const project: Project = {
    id: ctx.newId("project"),
    name,
    root,
    caseInsensitive,
    status: "active",
    description: description ?? null,
    config: config ?? parseProjectConfig({}),
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  if (yield* projects.insertProject(project)) {
    const event = { type: "project.created", project: project.id, agent: ctx.caller.agent, data: { name, root } };
    yield* appendEvents(ctx, [event]);
    return { made: project };
  }
  const other = yield* clashing(name, root);
  return other?.root === root ? { made: other } : { inTheWay: other };
}

/** Errors: `not_permitted` for a root outside the directories that the person who started this server allowed. */
export function requireAllowedRoot({ caller }: EngineContext, root: string | null): void {
  const { allowedRoots } = caller.workplace;
  if (root === null || allowedRoots === undefined) return;
  if (allowedRoots.some((directory) => liesWithin(directory, root))) return;
  const message = `${root} is outside the directories in which this server makes projects: ${allowedRoots.join(", ")}. Only the person who starts it changes them (BATON_ALLOWED_ROOTS).`;
  throw new BatonError("not_permitted", message, { details: { root, allowed_roots: allowedRoots } });
}

function* clashing(name: string, root: string | null): Tx<Project | undefined> {
  const byRoot = root === null ? undefined : yield* projects.findProjectByRoot(root);
  return byRoot ?? (yield* projects.findProjectByReference(name));
}

export interface CreateProject {
  readonly name: string;
  /** A real path that was looked up on disk; null for none. Undefined: the caller's git root, if no project has it. */
  readonly root?: { readonly path: string; readonly caseInsensitive: boolean } | undefined;
  readonly description?: string | undefined;
  readonly config?: unknown;
}

/**
 * Makes a project. The same name and root again give the same project. Errors: `invalid_input`; `conflict` where the
 * name or the root is another's, or the same project has other settings.
 */
export function* createProject(ctx: EngineContext, input: CreateProject): Tx<{ project: Project; created: boolean }> {
  const { known, place, config } = yield* projectWanted(ctx, input);
  if (known !== undefined) return { project: known, created: false };
  const { name, description } = input;
  const caseInsensitive = place?.caseInsensitive ?? false;
  const root = place?.path ?? null;
  const made = { name, root, caseInsensitive, description, ...(config === undefined ? {} : { config }) };
  if (config?.retention_days !== undefined) requireOwnRetention(ctx, name);
  return { project: yield* makeProject(ctx, made), created: true };
}

interface Wanted {
  /** The project that is meant, if it is there. */
  readonly known?: Project;
  /** Where a new one would be. */
  readonly place: CreateProject["root"];
  readonly config: Project["config"] | undefined;
}

/** Looks up the project that `createProject` would return or make. Errors: those of `createProject`. */
export function* projectWanted(ctx: EngineContext, input: CreateProject): Tx<Wanted> {
  const { name } = input;
  checkName(input);
  const config = input.config === undefined ? undefined : parseProjectConfig(input.config);
  const named = yield* projects.findProjectByReference(name);
  const place = input.root ?? (yield* freeRoot(ctx, name));
  const root = place?.path ?? null;
  const known = named ?? (root === null ? undefined : yield* projects.findProjectByRoot(root));
  return known === undefined ? { place, config } : { known: sameProject(known, input, config), place, config };
}

function checkName({ name, root }: CreateProject): void {
  if (!isName(name) || ID_FORM.test(name)) {
    const message = `"${name}" cannot be the name of a project: it needs ${NAME_RULE}, and may not look like an id.`;
    throw new BatonError("invalid_input", message);
  }
  if (name === PERSONAL && root !== undefined) {
    throw new BatonError("invalid_input", `"${PERSONAL}" is the project without a root: choose another name.`);
  }
}

/** The project that is there, if it is the one that was asked for. */
function sameProject(
  known: Project,
  { name, root, description }: CreateProject,
  config: Project["config"] | undefined,
): Project {
  if (known.name !== name || (root !== undefined && known.root !== root.path)) {
    throw taken(name, root?.path ?? known.root, known);
  }
  if (known.status === "archived") throw archived(known);
  const asGiven = description === undefined || description === known.description;
  if (asGiven && (config === undefined || isDeepStrictEqual(config, known.config))) return known;
  const message = `The project "${name}" is there already, with other settings: change them with update_project.`;
  throw new BatonError("conflict", message, {
    details: { project: known.id, description: known.description, config: known.config },
    next: [callOperation("update_project", { project: name, description, config })],
  });
}

/** Returns the git root around the caller, unless a project has it already. */
function* freeRoot(ctx: EngineContext, name: string): Tx<CreateProject["root"]> {
  const { gitRoot, caseInsensitive } = ctx.caller.workplace;
  if (gitRoot === null || name === PERSONAL) return undefined;
  const holder = yield* projects.findProjectByRoot(gitRoot);
  return holder === undefined ? { path: gitRoot, caseInsensitive } : undefined;
}

export interface UpdateProject {
  readonly project: string;
  readonly description?: string | undefined;
  /** The whole configuration, or only some of its keys; a key that is null goes back to its default. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

export interface ProjectChange {
  readonly name: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Changes what is given, checks the configuration as a whole, and says what is different now. */
export function* updateProject(
  ctx: EngineContext,
  input: UpdateProject,
): Tx<{ project: Project; changed: ProjectChange[] }> {
  const project = yield* lockedProject(ctx, input.project);
  if (project.status === "archived") throw archived(project);
  const merged = Object.entries({ ...project.config, ...withPresentNames(input.config ?? {}) }).filter(
    ([, value]) => value !== null,
  );
  const config = parseProjectConfig(Object.fromEntries(merged));
  const description = input.description ?? project.description;
  const changed = [
    ...changesOf("config.", { ...project.config }, { ...config }),
    ...changesOf("", { description: project.description }, { description }),
  ];
  if (changed.length === 0) return { project, changed };
  if (config.retention_days !== project.config.retention_days) requireOwnRetention(ctx, project.name);
  yield* projects.saveProjectText(ctx, { id: project.id, description, config });
  yield* appendEvents(ctx, [
    { type: "project.updated", project: project.id, agent: ctx.caller.agent, data: { changed } },
  ]);
  return { project: { ...project, description, config, updatedAt: ctx.now }, changed };
}

/** Errors: `not_permitted` for every caller but a person, since finished runs are removed by it. */
function requireOwnRetention(ctx: EngineContext, project: string): void {
  requirePerson(ctx, {
    matter: `retention_days is for a person to set: finished runs of "${project}" are removed by it. Nothing was changed.`,
    way: "A person sets it at a terminal: baton call update_project (or create_project) with config.retention_days. Leave it out here.",
    details: { project, setting: "config.retention_days" },
  });
}

type Values = Readonly<Record<string, unknown>>;

function changesOf(prefix: string, before: Values, after: Values): ProjectChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({ name: `${prefix}${name}`, from: before[name] ?? null, to: after[name] ?? null }));
}

export interface ProjectLine {
  readonly project: Project;
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
  const lines = page.map((project): ProjectLine => ({
    project,
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
  return { ...project, status: to, updatedAt: ctx.now };
}

function archived(project: Project): BatonError {
  const message = `The project "${project.name}" is archived: restore it first, or choose another.`;
  return new BatonError("invalid_transition", message, {
    details: { project: project.id, status: project.status },
    next: [callOperation("restore_project", { project: project.name })],
  });
}

function taken(name: string, root: string | null, other: Project | undefined): BatonError {
  const what =
    other === undefined ? "The name or the root" : other.name === name ? `The name "${name}"` : `The root ${root}`;
  const whose = other === undefined ? "another project" : `the project "${other.name}" at ${other.root ?? "no root"}`;
  return new BatonError("conflict", `${what} belongs to ${whose}.`, {
    details: other === undefined ? {} : { project: other.id, name: other.name, root: other.root, status: other.status },
  });
}

function* noSuchProject(reference: string): Tx<BatonError> {
  const names = yield* projects.someProjectNames(HINTS_FROM_MAX);
  return new BatonError("not_found", `There is no project "${reference}"${hint(reference, names)}.`, {
    details: { project: reference, ...(names.length > 0 ? { known: names.slice(0, 10) } : {}) },
    next: [{ tool: "query_operation", arguments: { name: "list_projects", arguments: {} } }],
  });
}
