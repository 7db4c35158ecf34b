import { PROJECT_STATUSES, type ProjectStatus } from "../../base/statuses.js";
import {
  chunksOf,
  many,
  flag,
  hit,
  int,
  intOrNull,
  json,
  one,
  oneOf,
  only,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx, TxContext } from "../tx.js";

export interface SupervisionMap {
  readonly lead?: readonly string[] | undefined;
  readonly architect?: readonly string[] | undefined;
}

/** Settings of a project for all work in it. */
export interface ProjectConfig {
  /** Whether linked git worktrees share their main working tree's paths, or are a scope each. */
  readonly worktrees: "per_worktree" | "shared";
  /** Default number of a run's tasks that may run at once. */
  readonly max_parallel?: number | undefined;
  /** The parties that not_by tells apart; absent: connections. */
  readonly reviewers?: "connection" | "handle" | undefined;
  /** How long finished runs stay. */
  readonly retention_days?: number | undefined;
  /** How many times a dead letter is replayed automatically. */
  readonly dead_letter_replays?: number | undefined;
  /** Roles of the supervising tiers; a tier that is not named has its default ones, and all other roles execute. */
  readonly supervision?: SupervisionMap | undefined;
  /** Whether a lead reviews the work of each step for an agent that names no review itself. */
  readonly require_lead_approval?: boolean | undefined;
}

const FIELDS = {
  id: text,
  name: text,
  /** An absolute, real path; null for a project without files. */
  root: textOrNull,
  status: oneOf(PROJECT_STATUSES),
  description: textOrNull,
  /** Author of the description; null without one, and for one that is older than this column. */
  describedBy: textOrNull,
  config: json<ProjectConfig>,
  /** Whether the file system at its root ignores case. */
  caseInsensitive: flag,
  /** Identity of the root's git directory in the file system, which a move keeps; null where the root is no git root. */
  gitDirectory: textOrNull,
  /** Identity of the git directory that the worktrees of its repository share. */
  repository: textOrNull,
  /** The outermost project that it lies in, or itself where others lie in it; null for a project that stands alone. */
  outermost: textOrNull,
  createdAt: int,
  updatedAt: int,
};
export const PROJECTS = table("projects", FIELDS);
export interface Project extends RowOf<typeof PROJECTS> {}

/** Finds a project by id, or else by name. */
export function findProjectByReference(reference: string): Tx<Project | undefined> {
  return one(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE id = $1 OR name = $1 ORDER BY id <> $1 LIMIT 1`,
    [reference],
  ]);
}

export function* findProjectByRoot(root: string): Tx<Project | undefined> {
  return yield* one(PROJECTS.read, [`SELECT ${PROJECTS.columns} FROM projects WHERE root = $1`, [root]]);
}

/** Returns the active project with the longest of these roots. */
export function* findDeepestProject(roots: readonly string[]): Tx<Project | undefined> {
  if (roots.length === 0) return undefined;
  return yield* one(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE status = 'active' AND root IN (${placeholders(roots.length)})
     ORDER BY length(root) DESC LIMIT 1`,
    roots,
  ]);
}

/** Returns the active project whose root had this git directory when it was last seen. */
export function* findProjectByGitDirectory(gitDirectory: string): Tx<Project | undefined> {
  return yield* one(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE status = 'active' AND git_directory = $1 ORDER BY id LIMIT 1`,
    [gitDirectory],
  ]);
}

/** Returns the active projects at worktrees of a repository. */
export function* findProjectsOfRepository(repository: string): Tx<Project[]> {
  return yield* many(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE status = 'active' AND repository = $1 ORDER BY id`,
    [repository],
  ]);
}

/** The active projects with one of these roots, the longest root first. */
export function* findProjectsAt(roots: readonly string[]): Tx<Project[]> {
  if (roots.length === 0) return [];
  return yield* many(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE status = 'active' AND root IN (${placeholders(roots.length)})
     ORDER BY length(root) DESC`,
    roots,
  ]);
}

/** The active projects whose roots begin with a text, in their order. */
export function* findProjectsBelow(prefix: string): Tx<Project[]> {
  const last = prefix.charCodeAt(prefix.length - 1);
  const end = prefix.slice(0, -1) + String.fromCharCode(last + 1);
  return yield* many(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE status = 'active' AND root > $1 AND root < $2 ORDER BY root`,
    [prefix, end],
  ]);
}

const RELATIVE = { id: text, root: text, caseInsensitive: flag };
const RELATIVES = table("projects", RELATIVE);
/** A project as far as its files meet those of others. */
export interface Relative extends RowOf<typeof RELATIVES> {}

// Far more than lie inside of each other, and a bound all the same.
const RELATIVES_MAX = 500;

/** Returns the active projects that lie in the same outermost project, this one among them; none where it stands alone. */
export function relatives(id: string): Tx<Relative[]> {
  return many(RELATIVES.read, [
    `SELECT ${RELATIVES.columnsOf("f")} FROM projects p JOIN projects f ON f.outermost = p.outermost
     WHERE p.id = $1 AND f.status = 'active' AND f.root IS NOT NULL ORDER BY f.root LIMIT ${RELATIVES_MAX}`,
    [id],
  ]);
}

/** Notes the outermost of projects that lie inside of each other. */
export function* saveOutermost(ids: readonly string[], outermost: string): Tx<void> {
  for (const chunk of chunksOf(ids)) {
    yield [`UPDATE projects SET outermost = $1 WHERE id IN (${placeholders(chunk.length, 2)})`, [outermost, ...chunk]];
  }
}

// The retention stands beside the configuration too, so that an index finds what is past it.
const INSERT = insertInto(
  table("projects", { ...FIELDS, retentionMs: intOrNull }),
  "ON CONFLICT DO NOTHING RETURNING id",
);

/** Returns false when another project has the id, the name or the root. */
export function insertProject(project: Project): Tx<boolean> {
  return hit(INSERT([{ ...project, retentionMs: retentionMs(project.config) }]));
}

export function* setProjectStatus(
  ctx: TxContext,
  project: string,
  change: { readonly from: ProjectStatus; readonly to: ProjectStatus },
): Tx<boolean> {
  return yield* hit([
    "UPDATE projects SET status = $1, updated_at = $2 WHERE id = $3 AND status = $4 RETURNING id",
    [change.to, ctx.now, project, change.from],
  ]);
}

export type ProjectPlace = Pick<Project, "root" | "caseInsensitive" | "gitDirectory" | "repository">;

/** Writes where a project lies. */
export function* saveProjectPlace(ctx: TxContext, project: string, place: ProjectPlace): Tx<void> {
  yield [
    `UPDATE projects SET root = $1, case_insensitive = $2, git_directory = $3, repository = $4, updated_at = $5
     WHERE id = $6`,
    [place.root, place.caseInsensitive ? 1 : 0, place.gitDirectory, place.repository, ctx.now, project],
  ];
}

export function* saveProjectText(
  ctx: TxContext,
  project: Pick<Project, "id" | "description" | "describedBy" | "config">,
): Tx<void> {
  yield [
    `UPDATE projects SET description = $1, described_by = $2, config = $3, retention_ms = $4, updated_at = $5
     WHERE id = $6`,
    [
      project.description,
      project.describedBy,
      JSON.stringify(project.config),
      retentionMs(project.config),
      ctx.now,
      project.id,
    ],
  ];
}

const DAY_MS = 86_400_000;

function retentionMs({ retention_days: days }: ProjectConfig): number | null {
  return days === undefined ? null : Math.round(days * DAY_MS);
}

/** The names that come first, for hints. */
export function* someProjectNames(limit: number): Tx<string[]> {
  return yield* many(only("name", text), ["SELECT name FROM projects ORDER BY name LIMIT $1", [limit]]);
}

export interface ProjectFilter {
  readonly status?: ProjectStatus | undefined;
  /** Projects with a name after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** In order of their names. */
export function* listProjects({ status, after, limit }: ProjectFilter): Tx<Project[]> {
  return yield* many(PROJECTS.read, [
    `SELECT ${PROJECTS.columns} FROM projects WHERE name > $1 AND ($2 = '' OR status = $2) ORDER BY name LIMIT $3`,
    [after ?? "", status ?? "", limit],
  ]);
}
