import { isDeepStrictEqual } from "node:util";
import { BatonError, callOperation } from "../../base/errors.js";
import { isName, NAME_RULE, nameFrom } from "../../base/names.js";
import { appendEvents } from "../../store/events/events.js";
import * as projects from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext, Workplace } from "../context.js";
import { liesWithin } from "../../base/directories.js";
import { parseProjectConfig } from "./config.js";
import { requireOwnRetention } from "./retention.js";
import { archived, DEFAULT_CONFIG, findProject, type Project, relate, textOrNull } from "./projects.js";

/** The project of work that happens outside any repository. It has no root. */
export const PERSONAL = "personal";

// Directories of the same name get a number; beyond this many a person should choose a name.
const NUMBERED_MAX = 100;
const ID_FORM = /^project_[0-9a-z]{16}$/;

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

/** The project that `requireProject` returns, where it is there already. A query. Errors: `not_found`. */
export function* projectAtHand(ctx: EngineContext, reference?: string): Tx<Project | undefined> {
  return (yield* findProject(ctx, reference)) ?? (yield* personalAtHand(ctx));
}

/** The project of callers outside any repository, where it is there already. A query. */
export function* personalAtHand(ctx: EngineContext): Tx<Project | undefined> {
  return ctx.caller.workplace.gitRoot === null ? yield* projects.findProjectByReference(PERSONAL) : undefined;
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
  /** Default: that of the caller's git root, where that is the root. */
  readonly repository?: RepositoryIdentity | undefined;
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
  { name, root, caseInsensitive, repository, description, config }: NewProject,
): Tx<{ made?: Project; inTheWay?: Project | undefined }> {
  requireAllowedRoot(ctx, root);
  const project: Project = {
    id: ctx.newId("project"),
    name,
    root,
    caseInsensitive,
    ...identityAt(ctx.caller.workplace, root, repository),
    outermost: null,
    status: "active",
    description: textOrNull(description),
    describedBy: textOrNull(description) === null ? null : ctx.caller.agent,
    config: config ?? DEFAULT_CONFIG,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  if (yield* projects.insertProject(project)) {
    yield* appendEvents(ctx, [
      { type: "project.created", project: project.id, agent: ctx.caller.agent, data: { name, root } },
    ]);
    yield* relate(root);
    return { made: project };
  }
  const other = yield* clashing(name, root);
  return other?.root === root ? { made: other } : { inTheWay: other };
}

type RepositoryIdentity = Pick<Workplace, "gitDirectory" | "repository">;

function identityAt(workplace: Workplace, root: string | null, given: RepositoryIdentity = {}) {
  const known = root !== null && root === workplace.gitRoot ? workplace : given;
  return { gitDirectory: known.gitDirectory ?? null, repository: known.repository ?? null };
}

/** Whether the person who started this server lets it make projects at a root. */
export function isAllowedRoot({ caller }: Pick<EngineContext, "caller">, root: string): boolean {
  const { allowedRoots } = caller.workplace;
  return allowedRoots === undefined || allowedRoots.some((directory) => liesWithin(directory, root));
}

/** Errors: `not_permitted` for a root outside the directories that the person who started this server allowed. */
export function requireAllowedRoot({ caller }: Pick<EngineContext, "caller">, root: string | null): void {
  const { allowedRoots = [] } = caller.workplace;
  if (root === null || isAllowedRoot({ caller }, root)) return;
  const message = `${root} is outside the directories in which this server makes projects: ${allowedRoots.join(", ")}. Only the person who starts it changes them (BATON_ALLOWED_ROOTS).`;
  throw new BatonError("not_permitted", message, { details: { root, allowed_roots: allowedRoots } });
}

function* clashing(name: string, root: string | null): Tx<Project | undefined> {
  const byRoot = root === null ? undefined : yield* projects.findProjectByRoot(root);
  return byRoot ?? (yield* projects.findProjectByReference(name));
}

/** A directory that was looked up on disk. */
export interface RootPlace {
  /** Real. */
  readonly path: string;
  readonly caseInsensitive: boolean;
  /** Where it is a git root. */
  readonly repository?: RepositoryIdentity | undefined;
}

export interface CreateProject {
  readonly name: string;
  /** A real path that was looked up on disk; null for none. Undefined: the caller's git root, if no project has it. */
  readonly root?: RootPlace | undefined;
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
  const repository = place?.repository;
  const made = { name, root, caseInsensitive, repository, description, ...(config === undefined ? {} : { config }) };
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
  const asGiven = description === undefined || textOrNull(description) === known.description;
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

/** The refusal of a name or a root that belongs to another project, which may be the same one before it was moved. */
export function taken(name: string, root: string | null, other: Project | undefined): BatonError {
  const what =
    other === undefined ? "The name or the root" : other.name === name ? `The name "${name}"` : `The root ${root}`;
  const whose = other === undefined ? "another project" : `the project "${other.name}" at ${other.root ?? "no root"}`;
  if (other === undefined) return new BatonError("conflict", `${what} belongs to ${whose}.`);
  const mayHaveMoved = other.name === name && other.root !== null && root !== null && other.root !== root;
  const moved = mayHaveMoved ? " If that directory is now here, move the project: update_project with root." : "";
  return new BatonError("conflict", `${what} belongs to ${whose}.${moved}`, {
    details: { project: other.id, name: other.name, root: other.root, status: other.status },
    ...(mayHaveMoved ? { next: [callOperation("update_project", { project: other.name, root })] } : {}),
  });
}
