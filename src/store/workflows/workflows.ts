import { int, intOrNull, placeholders, text } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

export interface Workflow {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  /** The newest. */
  readonly version: number;
  /** Of the newest version. */
  readonly steps: number;
  readonly archivedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface WorkflowVersion {
  readonly workflow: string;
  readonly version: number;
  /** As it was handed in, as JSON text. */
  readonly definition: string;
  /** Equal for equal definitions. */
  readonly hash: string;
  readonly createdAt: number;
  readonly createdBy: string;
}

const COLUMNS = "id, project, name, version, steps, archived_at, created_at, updated_at";

function workflowOf(row: Row): Workflow {
  return {
    id: text(row, "id"),
    project: text(row, "project"),
    name: text(row, "name"),
    version: int(row, "version"),
    steps: int(row, "steps"),
    archivedAt: intOrNull(row, "archived_at"),
    createdAt: int(row, "created_at"),
    updatedAt: int(row, "updated_at"),
  };
}

/** By name within a project, archived or not. */
export function* findWorkflowByName(project: string, name: string): Tx<Workflow | undefined> {
  const row = yield* first([`SELECT ${COLUMNS} FROM workflows WHERE project = $1 AND name = $2`, [project, name]]);
  return row && workflowOf(row);
}

export function* findWorkflow(id: string): Tx<Workflow | undefined> {
  const row = yield* first([`SELECT ${COLUMNS} FROM workflows WHERE id = $1`, [id]]);
  return row && workflowOf(row);
}

export function* findVersion(workflow: string, version: number): Tx<WorkflowVersion | undefined> {
  const row = yield* first([
    "SELECT workflow, version, definition, hash, created_at, created_by FROM workflow_versions WHERE workflow = $1 AND version = $2",
    [workflow, version],
  ]);
  if (row === undefined) return undefined;
  return {
    workflow: text(row, "workflow"),
    version: int(row, "version"),
    definition: text(row, "definition"),
    hash: text(row, "hash"),
    createdAt: int(row, "created_at"),
    createdBy: text(row, "created_by"),
  };
}

/** Inserts a workflow, or brings the one of its id up to date. */
export function* saveWorkflow(workflow: Workflow): Tx<void> {
  yield [
    `INSERT INTO workflows (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, steps = excluded.steps,
       archived_at = excluded.archived_at, updated_at = excluded.updated_at`,
    [
      workflow.id,
      workflow.project,
      workflow.name,
      workflow.version,
      workflow.steps,
      workflow.archivedAt,
      workflow.createdAt,
      workflow.updatedAt,
    ],
  ];
}

export function* insertVersion(version: WorkflowVersion): Tx<void> {
  yield [
    `INSERT INTO workflow_versions (workflow, version, definition, hash, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [version.workflow, version.version, version.definition, version.hash, version.createdAt, version.createdBy],
  ];
}

export interface WorkflowFilter {
  readonly project: string;
  /** Workflows with a name after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Those that are not archived, in order of their names. */
export function* listWorkflows({ project, after, limit }: WorkflowFilter): Tx<Workflow[]> {
  const rows = yield [
    `SELECT ${COLUMNS} FROM workflows WHERE project = $1 AND name > $2 AND archived_at IS NULL ORDER BY name LIMIT $3`,
    [project, after ?? "", limit],
  ];
  return rows.map(workflowOf);
}

export interface FinishedRun {
  readonly succeeded: boolean;
  readonly durationMs: number;
}

/** How the newest finished runs of a workflow went, newest first. A cancelled run says nothing of its workflow. */
export function* recentRuns(workflow: string, limit: number): Tx<FinishedRun[]> {
  const rows = yield [
    `SELECT status, ended_at - created_at AS duration FROM runs
     WHERE workflow = $1 AND status IN ('succeeded', 'failed') ORDER BY id DESC LIMIT $2`,
    [workflow, limit],
  ];
  return rows.map((row) => ({ succeeded: row["status"] === "succeeded", durationMs: int(row, "duration") }));
}

export interface RunTally {
  readonly total: number;
  readonly active: number;
}

/** How many runs each workflow has had. Those without any are not in the map. */
export function* countRunsOf(workflows: readonly string[]): Tx<Map<string, RunTally>> {
  if (workflows.length === 0) return new Map();
  const rows = yield [
    `SELECT workflow, count(*) AS total, count(*) - count(ended_at) AS active FROM runs
     WHERE workflow IN (${placeholders(workflows.length)}) GROUP BY workflow`,
    workflows,
  ];
  return new Map(rows.map((row) => [text(row, "workflow"), { total: int(row, "total"), active: int(row, "active") }]));
}
