import { APPROVAL_STATUSES } from "../../base/statuses.js";
import { conditionsOf, hit, int, intOrNull, list, many, one, oneOf, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** Role of a person: no agent decides for it. */
export const PERSON_ROLE = "human";

export const APPROVALS = table("approvals", {
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

/** Lists the open approvals that an agent has asked for in a project, oldest first, those of an earlier version too. */
export function* openApprovalsFrom(askedBy: string, project: string, limit: number): Tx<Approval[]> {
  return yield* many(APPROVALS.read, [
    `SELECT ${APPROVALS.columns} FROM approvals WHERE decided_at IS NULL AND project = $1 AND asked_by = $2 ORDER BY id LIMIT $3`,
    [project, askedBy, limit],
  ]);
}

export interface ApprovalFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  /** Whether a person is asked, or agents of a role. */
  readonly asksPerson?: boolean | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A condition on approvals of this name: the newest version of the artifact that counts has another hash, or there is none. */
export function outdated(approvals: string): string {
  // sql: the name of a table or of its alias.
  return `(${approvals}.scope IS NOT NULL AND ${approvals}.hash <> COALESCE((SELECT a.hash FROM artifacts a
  WHERE a.scope = ${approvals}.scope AND a.name = ${approvals}.name AND a.superseded = 0 ORDER BY a.version DESC LIMIT 1), ''))`;
}
const OUTDATED = outdated("approvals");

/** Lists approvals that wait for a decision, oldest first, without those of an artifact that has changed since. */
export function* listOpenApprovals({ limit, asksPerson, ...filter }: ApprovalFilter): Tx<Approval[]> {
  const { where, params } = conditionsOf([
    ["project =", filter.project],
    ["run =", filter.run],
    ["id >", filter.after],
    ["role =", asksPerson === true ? PERSON_ROLE : undefined],
    ["role <>", asksPerson === false ? PERSON_ROLE : undefined],
  ]);
  const open = `${where === "" ? "WHERE" : "AND"} decided_at IS NULL AND NOT ${OUTDATED}`;
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

/** Removes approvals of no run that were decided before an instant, and open ones from before it that cannot be decided any more. */
export function* deleteOldApprovals(before: number): Tx<void> {
  yield ["DELETE FROM approvals WHERE run IS NULL AND decided_at IS NOT NULL AND decided_at < $1", [before]];
  yield [
    `DELETE FROM approvals WHERE run IS NULL AND decided_at IS NULL AND created_at < $1 AND ${OUTDATED}`,
    [before],
  ];
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
