import { int, json, list, many, text } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";
import { type Fading, SUMS, WEIGHED_SUMS_OF_PAIR } from "./evidence.js";

const IDLE = columns({
  agent: text,
  roles: json<readonly string[]>,
  offeredRoles: list<string>,
  capabilities: json<readonly string[]>,
  ...SUMS,
  observations: int,
});
/** An agent with what it offers, and its evidence of a type of task. */
export interface IdleAgent extends RowOf<typeof IDLE> {}

/** Agents that were heard last and are looked at: of more, most are at work. */
const HEARD_MAX = 50;
const OFFERED = "name, roles, offered_roles, capabilities";

/**
 * Returns an agent with its evidence of a type of task, and the others that have some: those among the last heard since an instant that hold no task
 * and whose circuit breaker is closed.
 */
export function* idleWithEvidence(
  { type, agent, heardSince }: { readonly type: string; readonly agent: string; readonly heardSince: number },
  { now, perMs }: Fading,
): Tx<IdleAgent[]> {
  return yield* many(IDLE.read, [
    // sql: constants.
    `SELECT a.name AS agent, a.roles, a.offered_roles, a.capabilities, ${WEIGHED_SUMS_OF_PAIR}, e.observations FROM (
       SELECT ${OFFERED} FROM agents WHERE name = $3
       UNION ALL SELECT * FROM (SELECT ${OFFERED} FROM agents WHERE presence = 'present' AND heard_at IS NOT NULL AND heard_at >= $4
         AND status = 'active' AND name <> $3 ORDER BY heard_at DESC LIMIT ${HEARD_MAX}) AS heard) AS a
     JOIN learning_evidence e ON e.id = a.name || '/' || $5
     WHERE a.name = $3 OR (NOT EXISTS (SELECT 1 FROM tasks h WHERE h.agent = a.name)
       AND NOT EXISTS (SELECT 1 FROM circuit_breakers b WHERE b.target = 'agent:' || a.name AND b.state <> 'closed'))`,
    [now, perMs, agent, heardSince, type],
  ]);
}
