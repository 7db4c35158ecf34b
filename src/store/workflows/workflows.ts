import { many, mapIn, int, intOrNull, one, only, placeholders, sole, text } from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const WORKFLOWS = table("workflows", {
  id: text,
  project: text,
  name: text,
  /** The newest. */
  version: int,
  /** Steps of the newest version. */
  steps: int,
  archivedAt: intOrNull,
  createdAt: int,
  updatedAt: int,
});
export interface Workflow extends RowOf<typeof WORKFLOWS> {}

export const WORKFLOW_VERSIONS = table("workflow_versions", {
  workflow: text,
  version: int,
  /** The definition as it was handed in, as JSON text. */
  definition: text,
  /** Equal for equal definitions. */
  hash: text,
  createdAt: int,
  createdBy: text,
});
export interface WorkflowVersion extends RowOf<typeof WORKFLOW_VERSIONS> {}

/** By name within a project, archived or not. */
export function* findWorkflowByName(project: string, name: string): Tx<Workflow | undefined> {
  return yield* one(WORKFLOWS.read, [
    `SELECT ${WORKFLOWS.columns} FROM workflows WHERE project = $1 AND name = $2`,
    [project, name],
  ]);
}

export function* findWorkflow(id: string): Tx<Workflow | undefined> {
  return yield* one(WORKFLOWS.read, [`SELECT ${WORKFLOWS.columns} FROM workflows WHERE id = $1`, [id]]);
}

export function findVersion(workflow: string, version: number): Tx<WorkflowVersion | undefined> {
  return one(WORKFLOW_VERSIONS.read, [
    `SELECT ${WORKFLOW_VERSIONS.columns} FROM workflow_versions WHERE workflow = $1 AND version = $2`,
    [workflow, version],
  ]);
}

const SAVE = insertInto(
  WORKFLOWS,
  `ON CONFLICT (id) DO UPDATE SET version = excluded.version, steps = excluded.steps,
     archived_at = excluded.archived_at, updated_at = excluded.updated_at`,
);
const INSERT_VERSION = insertInto(WORKFLOW_VERSIONS);

/** Inserts a workflow, or brings the one of its id up to date. */
export function* saveWorkflow(workflow: Workflow): Tx<void> {
  yield SAVE([workflow]);
}

export function* insertVersion(version: WorkflowVersion): Tx<void> {
  yield INSERT_VERSION([version]);
}

export interface WorkflowFilter {
  readonly project: string;
  /** Workflows with a name after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Lists workflows that are not archived, in order of their names. */
export function* listWorkflows({ project, after, limit }: WorkflowFilter): Tx<Workflow[]> {
  return yield* many(WORKFLOWS.read, [
    `SELECT ${WORKFLOWS.columns} FROM workflows WHERE project = $1 AND name > $2 AND archived_at IS NULL ORDER BY name LIMIT $3`,
    [project, after ?? "", limit],
  ]);
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

const TALLY = columns({ total: int, active: int });
export interface WorkflowTally extends RowOf<typeof TALLY> {}

/** How many runs each workflow has had. Those without any are not in the map. */
export function* countRunsOf(workflows: readonly string[]): Tx<Map<string, WorkflowTally>> {
  return yield* mapIn(
    (row) => [text(row, "workflow"), TALLY.read(row)],
    workflows,
    (chunk) => [
      `SELECT workflow, count(*) AS total, count(*) - count(ended_at) AS active FROM runs
     WHERE workflow IN (${placeholders(chunk.length)}) GROUP BY workflow`,
      chunk,
    ],
  );
}

/** How many workflows are stored and not archived. */
export function* countWorkflows(): Tx<number> {
  return yield* sole(only("workflows", int), ["SELECT count(*) AS workflows FROM workflows WHERE archived_at IS NULL"]);
}
