import { int, json, placeholders, text, textOrNull } from "../rows.js";
import { first, type Row, type Tx, type TxContext } from "../tx.js";

export type ProjectStatus = "active" | "archived";

/** What a project sets for all that happens in it. */
export interface ProjectConfig {
  /** Whether linked git worktrees share their main working tree's paths, or are a scope each. */
  readonly worktrees: "per_worktree" | "shared";
  /** Of a run that does not say: how many of its tasks may run at once. */
  readonly max_parallel?: number | undefined;
  /** How long finished runs stay. */
  readonly retention_days?: number | undefined;
  /** How many times a dead letter is replayed automatically. */
  readonly dead_letter_replays?: number | undefined;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  /** An absolute, real path; null for a project without files. */
  readonly root: string | null;
  readonly status: ProjectStatus;
  readonly description: string | null;
  readonly config: ProjectConfig;
  /** Of the file system at its root. */
  readonly caseInsensitive: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const COLUMNS = [
  "id",
  "name",
  "root",
  "status",
  "description",
  "config",
  "case_insensitive",
  "created_at",
  "updated_at",
].join(", ");

export function projectOf(row: Row): Project {
  return {
    id: text(row, "id"),
    name: text(row, "name"),
    root: textOrNull(row, "root"),
    // The table's CHECK holds it to the union.
    status: text(row, "status") as ProjectStatus,
    description: textOrNull(row, "description"),
    config: json<ProjectConfig>(row, "config"),
    caseInsensitive: int(row, "case_insensitive") === 1,
    createdAt: int(row, "created_at"),
    updatedAt: int(row, "updated_at"),
  };
}

/** By id, or else by name. */
export function* findProjectByReference(reference: string): Tx<Project | undefined> {
  const rows = yield [`SELECT ${COLUMNS} FROM projects WHERE id = $1 OR name = $1 LIMIT 2`, [reference]];
  const row = rows.find((one) => one["id"] === reference) ?? rows[0];
  return row && projectOf(row);
}

export function* findProjectByRoot(root: string): Tx<Project | undefined> {
  const row = yield* first([`SELECT ${COLUMNS} FROM projects WHERE root = $1`, [root]]);
  return row && projectOf(row);
}

/** Of the active projects with one of these roots, the one whose root is the longest. */
export function* findDeepestProject(roots: readonly string[]): Tx<Project | undefined> {
  if (roots.length === 0) return undefined;
  const row = yield* first([
    `SELECT ${COLUMNS} FROM projects WHERE status = 'active' AND root IN (${placeholders(roots.length)})
     ORDER BY length(root) DESC LIMIT 1`,
    roots,
  ]);
  return row && projectOf(row);
}

/** The active projects with one of these roots, the longest root first. */
export function* findProjectsAt(roots: readonly string[]): Tx<Project[]> {
  if (roots.length === 0) return [];
  const rows = yield [
    `SELECT ${COLUMNS} FROM projects WHERE status = 'active' AND root IN (${placeholders(roots.length)})
     ORDER BY length(root) DESC`,
    roots,
  ];
  return rows.map(projectOf);
}

/** The active projects whose roots begin with a text, in their order. */
export function* findProjectsBelow(prefix: string): Tx<Project[]> {
  const last = prefix.charCodeAt(prefix.length - 1);
  const end = prefix.slice(0, -1) + String.fromCharCode(last + 1);
  const rows = yield [
    `SELECT ${COLUMNS} FROM projects WHERE status = 'active' AND root > $1 AND root < $2 ORDER BY root`,
    [prefix, end],
  ];
  return rows.map(projectOf);
}

/** False when another has the id, the name or the root. */
export function* insertProject(project: Project): Tx<boolean> {
  const rows = yield [
    `INSERT INTO projects (${COLUMNS}, retention_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      project.id,
      project.name,
      project.root,
      project.status,
      project.description,
      JSON.stringify(project.config),
      project.caseInsensitive ? 1 : 0,
      project.createdAt,
      project.updatedAt,
      retentionMs(project.config),
    ],
  ];
  return rows.length === 1;
}

export function* setProjectStatus(
  ctx: TxContext,
  project: string,
  change: { readonly from: ProjectStatus; readonly to: ProjectStatus },
): Tx<boolean> {
  const rows = yield [
    "UPDATE projects SET status = $1, updated_at = $2 WHERE id = $3 AND status = $4 RETURNING id",
    [change.to, ctx.now, project, change.from],
  ];
  return rows.length === 1;
}

export function* saveProjectText(ctx: TxContext, project: Pick<Project, "id" | "description" | "config">): Tx<void> {
  yield [
    "UPDATE projects SET description = $1, config = $2, retention_ms = $3, updated_at = $4 WHERE id = $5",
    [project.description, JSON.stringify(project.config), retentionMs(project.config), ctx.now, project.id],
  ];
}

const DAY_MS = 86_400_000;

/** Beside the configuration, so that what is past it can be found by an index. */
function retentionMs({ retention_days: days }: ProjectConfig): number | null {
  return days === undefined ? null : Math.round(days * DAY_MS);
}

/** The names that come first, for hints. */
export function* someProjectNames(limit: number): Tx<string[]> {
  const rows = yield ["SELECT name FROM projects ORDER BY name LIMIT $1", [limit]];
  return rows.map((row) => text(row, "name"));
}

export interface ProjectFilter {
  readonly status?: ProjectStatus | undefined;
  /** Projects with a name after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** In order of their names. */
export function* listProjects({ status, after, limit }: ProjectFilter): Tx<Project[]> {
  const rows = yield [
    `SELECT ${COLUMNS} FROM projects WHERE name > $1 AND ($2 = '' OR status = $2) ORDER BY name LIMIT $3`,
    [after ?? "", status ?? "", limit],
  ];
  return rows.map(projectOf);
}
