import { CONFLICT_KINDS, type CONFLICT_ROLES, CONFLICT_STATUSES, CONFLICT_STRATEGIES } from "../../base/statuses.js";
import {
  conditionsOf,
  int,
  intOrNull,
  json,
  list,
  many,
  manyIn,
  one,
  oneOf,
  oneOfOrNull,
  only,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** A task or an agent that a conflict is about. */
export interface ConflictParty {
  readonly role: (typeof CONFLICT_ROLES)[number];
  readonly task?: string;
  readonly key?: string;
  readonly agent?: string;
  readonly paths?: readonly string[];
  /** Id of the request for locks that it waits with. */
  readonly request?: string;
  /** Id of the allocation that it has, or waits with. */
  readonly allocation?: string;
  readonly workTree?: string;
  /** Machine that its work tree is on. */
  readonly host?: string;
  /** Commit that its work tree is at. */
  readonly commit?: string;
  /** Whether all that the others of a cycle wait for of it is its task's own, and free when that ends. */
  readonly isOfTask?: boolean;
}

const CONFLICTS = table("conflicts", {
  id: text,
  /** Equal for the same conflict, however often it is found. */
  identity: text,
  project: text,
  run: textOrNull,
  kind: oneOf(CONFLICT_KINDS),
  status: oneOf(CONFLICT_STATUSES),
  parties: json<readonly ConflictParty[]>,
  detail: text,
  foundAt: int,
  /** When it was found last. */
  seenAt: int,
  /** When the tick looks at it: an open one is escalated, the outcome of a resolved one is taken. */
  dueAt: intOrNull,
  strategy: oneOfOrNull(CONFLICT_STRATEGIES),
  decision: textOrNull,
  reason: textOrNull,
  /** Other strategies that would have decided otherwise. */
  alternatives: list<string>,
  decidedBy: textOrNull,
  decidedAt: intOrNull,
  /** The time that the work of its tasks was to take when it was decided. */
  expectedMs: intOrNull,
  /** The time from the decision until all its tasks had ended. */
  elapsedMs: intOrNull,
  escalation: textOrNull,
  /** Task that was asked to give way, the last time that it was resolved so. */
  yields: textOrNull,
});
/** A conflict that was found, with how it was resolved and what came of it. */
export interface ConflictRecord extends RowOf<typeof CONFLICTS> {}

const INSERT = insertInto(CONFLICTS);

export function* insertConflict(conflict: ConflictRecord): Tx<void> {
  yield INSERT([conflict]);
}

export function* findConflict(id: string): Tx<ConflictRecord | undefined> {
  return yield* one(CONFLICTS.read, [`SELECT ${CONFLICTS.columns} FROM conflicts WHERE id = $1`, [id]]);
}

export function* conflictsByIdentity(identities: readonly string[]): Tx<ConflictRecord[]> {
  return yield* manyIn(CONFLICTS.read, identities, (chunk) => [
    `SELECT ${CONFLICTS.columns} FROM conflicts WHERE identity IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

export interface ConflictFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly status?: ConflictRecord["status"] | undefined;
  readonly kind?: ConflictRecord["kind"] | undefined;
  /** Before this id: newest first. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export function* listConflicts({ limit, ...filter }: ConflictFilter): Tx<ConflictRecord[]> {
  const { where, params } = conditionsOf([
    ["project =", filter.project],
    ["run =", filter.run],
    ["status =", filter.status],
    ["kind =", filter.kind],
    ["id <", filter.before],
  ]);
  // sql: the comparisons are those above.
  const sql = `SELECT ${CONFLICTS.columns} FROM conflicts ${where} ORDER BY id DESC LIMIT $${params.length + 1}`;
  return yield* many(CONFLICTS.read, [sql, [...params, limit]]);
}

/** Writes what a later look at a conflict has found, under the lock of its project. */
export function* updateConflict(conflict: ConflictRecord): Tx<void> {
  yield [
    `UPDATE conflicts SET status = $1, parties = $2, detail = $3, seen_at = $4, due_at = $5, strategy = $6, decision = $7, reason = $8,
       alternatives = $9, decided_by = $10, decided_at = $11, expected_ms = $12, elapsed_ms = $13, escalation = $14, yields = $15 WHERE id = $16`,
    [
      conflict.status,
      JSON.stringify(conflict.parties),
      conflict.detail,
      conflict.seenAt,
      conflict.dueAt,
      conflict.strategy,
      conflict.decision,
      conflict.reason,
      conflict.alternatives.length === 0 ? null : JSON.stringify(conflict.alternatives),
      conflict.decidedBy,
      conflict.decidedAt,
      conflict.expectedMs,
      conflict.elapsedMs,
      conflict.escalation,
      conflict.yields,
      conflict.id,
    ],
    1,
  ];
}

/** The conflict for which a task was asked last to give way. */
export function* conflictOfYielding(task: string): Tx<ConflictRecord | undefined> {
  return yield* one(CONFLICTS.read, [
    `SELECT ${CONFLICTS.columns} FROM conflicts WHERE yields = $1 ORDER BY COALESCE(decided_at, 0) DESC, id DESC LIMIT 1`,
    [task],
  ]);
}

/** Conflicts that the tick is to look at, the most overdue first. */
export function* dueConflicts(now: number, limit: number): Tx<string[]> {
  return yield* many(only("id", text), [
    "SELECT id FROM conflicts WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    [now, limit],
  ]);
}

/** A project with conflicts that nothing is to come of any more and that were not found since an instant. No index finds it. */
export function* projectWithOldConflicts(before: number): Tx<string | undefined> {
  return yield* one(only("project", text), [
    "SELECT project FROM conflicts WHERE due_at IS NULL AND seen_at < $1 LIMIT 1",
    [before],
  ]);
}

/** Forgets the oldest of them in a project, at most `limit`. */
export function* forgetConflicts(project: string, before: number, limit: number): Tx<void> {
  yield [
    `DELETE FROM conflicts WHERE id IN (SELECT id FROM conflicts WHERE project = $1 AND due_at IS NULL AND seen_at < $2 ORDER BY id LIMIT $3)`,
    [project, before, limit],
  ];
}
