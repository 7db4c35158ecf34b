import { ESCALATION_STATUSES, ESCALATION_TIERS, ESCALATION_TYPES } from "../../base/statuses.js";
import { conditionsOf, hit, int, intOrNull, list, many, one, oneOf, only, sole, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const ESCALATIONS = table("escalations", {
  id: text,
  project: text,
  run: textOrNull,
  task: textOrNull,
  /** Token of the attempt that ended to wait for the decision; null where no task waits for it. */
  token: intOrNull,
  type: oneOf(ESCALATION_TYPES),
  title: text,
  details: textOrNull,
  priority: int,
  tier: oneOf(ESCALATION_TIERS),
  status: oneOf(ESCALATION_STATUSES),
  askedBy: text,
  /** The agent that asks and its connection, in the form of `Demand.notBy`. */
  parties: list<string>,
  createdAt: int,
  /** When the time of its tier is over; null where it waits for ever or is closed. */
  dueAt: intOrNull,
  decidedAt: intOrNull,
  decidedBy: textOrNull,
  conditions: list<string>,
  note: textOrNull,
  /** Id of the budget that an approval raises; null for a question of another matter. */
  budget: textOrNull,
});
/** A question of an agent that others decide. */
export interface Escalation extends RowOf<typeof ESCALATIONS> {}

const INSERT = insertInto(ESCALATIONS);

export function* insertEscalation(escalation: Escalation): Tx<void> {
  yield INSERT([escalation]);
}

export function* findEscalation(id: string): Tx<Escalation | undefined> {
  return yield* one(ESCALATIONS.read, [`SELECT ${ESCALATIONS.columns} FROM escalations WHERE id = $1`, [id]]);
}

/** Counts the open escalations of an agent in a project. */
export function* countOpenEscalations(project: string, askedBy: string): Tx<number> {
  return yield* sole(only("open", int), [
    "SELECT count(*) AS open FROM escalations WHERE decided_at IS NULL AND project = $1 AND asked_by = $2",
    [project, askedBy],
  ]);
}

export interface EscalationFilter {
  readonly run?: string | undefined;
  readonly project?: string | undefined;
  readonly status?: Escalation["status"] | undefined;
  readonly tier?: Escalation["tier"] | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Escalations in the order in which they were made; without a status those that may still be decided. */
export function* listEscalations({ limit, ...filter }: EscalationFilter): Tx<Escalation[]> {
  const { where, params } = conditionsOf([
    ["run =", filter.run],
    ["project =", filter.project],
    ["status =", filter.status],
    ["tier =", filter.tier],
    ["id >", filter.after],
  ]);
  const open = filter.status === undefined ? `${where === "" ? "WHERE" : "AND"} decided_at IS NULL` : "";
  return yield* many(ESCALATIONS.read, [
    // sql: the comparisons are those above.
    `SELECT ${ESCALATIONS.columns} FROM escalations ${where} ${open} ORDER BY id LIMIT $${params.length + 1}`,
    [...params, limit],
  ]);
}

/** Escalations whose time at their tier is over, the oldest first. */
export function* dueEscalations(now: number, limit: number): Tx<string[]> {
  return yield* many(only("id", text), [
    "SELECT id FROM escalations WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    [now, limit],
  ]);
}

/** Writes the state that an open escalation has from now on; false where it was closed or climbed meanwhile. */
export function* updateEscalation(before: Escalation, after: Escalation): Tx<boolean> {
  const { id, tier, status, dueAt, decidedAt, decidedBy, conditions, note } = after;
  const stated = conditions.length === 0 ? null : JSON.stringify(conditions);
  return yield* hit([
    `UPDATE escalations SET tier = $1, status = $2, due_at = $3, decided_at = $4, decided_by = $5, conditions = $6, note = $7
     WHERE id = $8 AND decided_at IS NULL AND tier = $9 AND status = $10 RETURNING id`,
    [tier, status, dueAt, decidedAt, decidedBy, stated, note, id, before.tier, before.status],
  ]);
}

/** Returns the open question of an asker about a budget. */
export function* openOverride(budget: string, askedBy: string): Tx<Escalation | undefined> {
  return yield* one(ESCALATIONS.read, [
    `SELECT ${ESCALATIONS.columns} FROM escalations WHERE budget = $1 AND decided_at IS NULL AND asked_by = $2 ORDER BY id LIMIT 1`,
    [budget, askedBy],
  ]);
}

/** Removes closed escalations of no run that were decided before an instant. */
export function* deleteOldEscalations(before: number): Tx<void> {
  yield ["DELETE FROM escalations WHERE run IS NULL AND decided_at IS NOT NULL AND decided_at < $1", [before]];
}

/** Escalations about a run, or about one of its tasks, decided or not, newest first. */
export function* escalationsAbout({
  run,
  task,
  limit,
}: Pick<EscalationFilter, "run" | "limit"> & { readonly task?: string | undefined }): Tx<Escalation[]> {
  return yield* many(ESCALATIONS.read, [
    `SELECT ${ESCALATIONS.columns} FROM escalations WHERE run = $1 AND ($2 = '' OR task = $2) ORDER BY id DESC LIMIT $3`,
    [run ?? "", task ?? "", limit],
  ]);
}
