import { APPROVAL_STATUSES } from "../../base/statuses.js";
import { conditionsOf, hit, int, intOrNull, list, many, one, oneOf, only, sole, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const APPROVALS = table("approvals", {
  id: text,
  project: text,
  run: textOrNull,
  task: textOrNull,
  /** Null where the result of a task is approved. */
  artifact: textOrNull,
  scope: textOrNull,
  name: textOrNull,
  version: intOrNull,
  /** The hash of what the approver is shown: it holds for nothing else. */
  hash: text,
  /** Role whose agents decide, or human. */
  role: text,
  reason: textOrNull,
  status: oneOf(APPROVAL_STATUSES),
  askedBy: text,
  /** The agents that asked or made it and their connections, in the form of `Demand.notBy`: none of them decides. */
  parties: list<string>,
  createdAt: int,
  decidedAt: intOrNull,
  decidedBy: textOrNull,
  conditions: list<string>,
  note: textOrNull,
});
/** A request that another agent, or a person, approves an artifact or the result of a task. */
export interface Approval extends RowOf<typeof APPROVALS> {}

const INSERT = insertInto(APPROVALS);

export function* insertApproval(approval: Approval): Tx<void> {
  yield INSERT([approval]);
}

export function* findApproval(id: string): Tx<Approval | undefined> {
  return yield* one(APPROVALS.read, [`SELECT ${APPROVALS.columns} FROM approvals WHERE id = $1`, [id]]);
}

/** Counts the open approvals that an agent has asked for in a project. */
export function* countOpenApprovals(project: string, askedBy: string): Tx<number> {
  return yield* sole(only("open", int), [
    "SELECT count(*) AS open FROM approvals WHERE decided_at IS NULL AND project = $1 AND asked_by = $2",
    [project, askedBy],
  ]);
}

export interface ApprovalFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

const NEWER = `EXISTS (SELECT 1 FROM artifacts a WHERE a.scope = approvals.scope AND a.name = approvals.name
  AND a.superseded = 0 AND a.version > approvals.version AND a.hash <> approvals.hash)`;

/** Lists approvals that wait for a decision, oldest first, without those of an artifact that has a newer version. */
export function* listOpenApprovals({ limit, ...filter }: ApprovalFilter): Tx<Approval[]> {
  const { where, params } = conditionsOf([
    ["project =", filter.project],
    ["run =", filter.run],
    ["id >", filter.after],
  ]);
  const open = `${where === "" ? "WHERE" : "AND"} decided_at IS NULL AND NOT ${NEWER}`;
  return yield* many(APPROVALS.read, [
    // sql: the comparisons are those above.
    `SELECT ${APPROVALS.columns} FROM approvals ${where} ${open} ORDER BY id LIMIT $${params.length + 1}`,
    [...params, limit],
  ]);
}

/** Lists the approvals of a project, newest first. */
export function* recentApprovals(project: string, limit: number): Tx<Approval[]> {
  return yield* many(APPROVALS.read, [
    `SELECT ${APPROVALS.columns} FROM approvals WHERE project = $1 ORDER BY id DESC LIMIT $2`,
    [project, limit],
  ]);
}

/** Lists the approvals that were asked for under a name of a run or project, newest first. */
export function* approvalsOfName(scope: string, name: string, limit: number): Tx<Approval[]> {
  return yield* many(APPROVALS.read, [
    `SELECT ${APPROVALS.columns} FROM approvals WHERE scope = $1 AND name = $2 ORDER BY id DESC LIMIT $3`,
    [scope, name, limit],
  ]);
}

/** Lists the approvals of the result of a task, newest first. */
export function* approvalsOfResult(task: string, limit: number): Tx<Approval[]> {
  return yield* many(APPROVALS.read, [
    `SELECT ${APPROVALS.columns} FROM approvals WHERE task = $1 AND artifact IS NULL ORDER BY id DESC LIMIT $2`,
    [task, limit],
  ]);
}

/** Writes the decision of an open approval; false where another came first. */
export function* decideOpenApproval(after: Approval): Tx<boolean> {
  const { id, status, decidedAt, decidedBy, conditions, note } = after;
  const stated = conditions.length === 0 ? null : JSON.stringify(conditions);
  return yield* hit([
    `UPDATE approvals SET status = $1, decided_at = $2, decided_by = $3, conditions = $4, note = $5
     WHERE id = $6 AND decided_at IS NULL RETURNING id`,
    [status, decidedAt, decidedBy, stated, note, id],
  ]);
}

/** Removes decided approvals of no run that were decided before an instant. */
export function* deleteOldApprovals(before: number): Tx<void> {
  yield ["DELETE FROM approvals WHERE run IS NULL AND decided_at IS NOT NULL AND decided_at < $1", [before]];
}

/** Approvals about a run, or about one of its tasks, decided or not, newest first. */
export function* approvalsAbout({
  run,
  task,
  limit,
}: {
  run: string;
  task?: string | undefined;
  limit: number;
}): Tx<Approval[]> {
  return yield* many(APPROVALS.read, [
    `SELECT ${APPROVALS.columns} FROM approvals WHERE run = $1 AND ($2 = '' OR task = $2) ORDER BY id DESC LIMIT $3`,
    [run, task ?? "", limit],
  ]);
}
