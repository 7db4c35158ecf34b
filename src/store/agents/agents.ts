import { AGENT_STATUSES } from "../../base/statuses.js";
import { many, hit, int, json, one, oneOf, only, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** An agent's description of itself beyond its capabilities. */
export interface AgentProfile {
  readonly specialization?: Readonly<Record<string, number>> | undefined;
  readonly persona?: Readonly<Record<string, unknown>> | undefined;
  readonly models?: readonly string[] | undefined;
  readonly cost?: Readonly<Record<string, unknown>> | undefined;
}

export const AGENTS = table("agents", {
  name: text,
  status: oneOf(AGENT_STATUSES),
  capabilities: json<readonly string[]>,
  roles: json<readonly string[]>,
  maxConcurrentTasks: int,
  profile: json<AgentProfile>,
  session: textOrNull,
  /** Where its wait_for stands in the history. */
  eventCursor: textOrNull,
  /** The load it last reported, as JSON text. */
  loadNote: textOrNull,
  registeredAt: int,
  seenAt: int,
});
export interface Agent extends RowOf<typeof AGENTS> {}

const FIND = `SELECT ${AGENTS.columns} FROM agents WHERE name = $1`;

export function* findAgent(name: string): Tx<Agent | undefined> {
  return yield* one(AGENTS.read, [FIND, [name]]);
}

const INSERT = insertInto(AGENTS, "ON CONFLICT (name) DO NOTHING RETURNING name");

/** Returns false where an agent of that name was registered at the same time. */
export function insertAgent(agent: Agent): Tx<boolean> {
  return hit(INSERT([agent]));
}

/** Replaces what an agent whose row is locked says of itself. */
export function* saveAgent(agent: Agent): Tx<void> {
  yield [
    `UPDATE agents SET status = $1, capabilities = $2, roles = $3, max_concurrent_tasks = $4, profile = $5, session = $6, seen_at = $7
     WHERE name = $8`,
    [
      agent.status,
      JSON.stringify(agent.capabilities),
      JSON.stringify(agent.roles),
      agent.maxConcurrentTasks,
      JSON.stringify(agent.profile),
      agent.session,
      agent.seenAt,
      agent.name,
    ],
  ];
}

export interface SignOfLife {
  readonly name: string;
  /** Session of its process; null from a shell, which replaces no live process. */
  readonly session: string | null;
  readonly at: number;
  /** The load it reports, as JSON text; null keeps the last report. */
  readonly loadNote: string | null;
}

export function* recordSignOfLife(sign: SignOfLife): Tx<void> {
  yield [
    `UPDATE agents SET seen_at = $1, load_note = COALESCE($2, load_note), session = COALESCE($3,
       (SELECT s.id FROM sessions s WHERE s.id = agents.session AND s.ended_at IS NULL AND s.gone_at IS NULL)) WHERE name = $4`,
    [sign.at, sign.loadNote, sign.session, sign.name],
  ];
}

export function* setEventCursor(name: string, cursor: string): Tx<void> {
  yield ["UPDATE agents SET event_cursor = $1 WHERE name = $2", [cursor, name]];
}

/** In order of name, from after `after`, with how many tasks each is running. */
export function* listAgents(page: { after?: string | undefined; limit: number }): Tx<(Agent & { running: number })[]> {
  return yield* many(
    (row) => ({ ...AGENTS.read(row), running: int(row, "running") }),
    [
      `SELECT ${AGENTS.columns}, (SELECT count(*) FROM tasks t WHERE t.agent = agents.name) AS running FROM agents
     WHERE status = 'active' AND name > $1 ORDER BY name LIMIT $2`,
      [page.after ?? "", page.limit],
    ],
  );
}

export function* agentNames(limit: number): Tx<string[]> {
  return yield* many(only("name", text), [
    "SELECT name FROM agents WHERE status = 'active' ORDER BY seen_at DESC LIMIT $1",
    [limit],
  ]);
}
