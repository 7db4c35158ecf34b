import { int, json, text, textOrNull } from "../rows.js";
import { first, type Row, type SqlValue, type Tx } from "../tx.js";

/** What an agent says of itself beyond what it can do. */
export interface AgentProfile {
  readonly specialization?: Readonly<Record<string, number>> | undefined;
  readonly persona?: Readonly<Record<string, unknown>> | undefined;
  readonly models?: readonly string[] | undefined;
  readonly cost?: Readonly<Record<string, unknown>> | undefined;
}

export interface Agent {
  readonly name: string;
  readonly status: "active" | "unregistered";
  readonly capabilities: readonly string[];
  readonly roles: readonly string[];
  readonly maxConcurrentTasks: number;
  readonly profile: AgentProfile;
  readonly session: string | null;
  /** Where its wait_for stands in the history. */
  readonly eventCursor: string | null;
  /** What it last said of its own load, as JSON text. */
  readonly loadNote: string | null;
  readonly registeredAt: number;
  readonly seenAt: number;
}

const COLUMNS = [
  "name",
  "status",
  "capabilities",
  "roles",
  "max_concurrent_tasks",
  "profile",
  "session",
  "event_cursor",
  "load_note",
  "registered_at",
  "seen_at",
].join(", ");

export function agentOf(row: Row): Agent {
  return {
    name: text(row, "name"),
    status: text(row, "status") as Agent["status"],
    capabilities: json<string[]>(row, "capabilities"),
    roles: json<string[]>(row, "roles"),
    maxConcurrentTasks: int(row, "max_concurrent_tasks"),
    profile: json<AgentProfile>(row, "profile"),
    session: textOrNull(row, "session"),
    eventCursor: textOrNull(row, "event_cursor"),
    loadNote: textOrNull(row, "load_note"),
    registeredAt: int(row, "registered_at"),
    seenAt: int(row, "seen_at"),
  };
}

const FIND = `SELECT ${COLUMNS} FROM agents WHERE name = $1`;

export function* findAgent(name: string): Tx<Agent | undefined> {
  const row = yield* first([FIND, [name]]);
  return row && agentOf(row);
}

/** False where somebody has registered that name at the same time. */
export function* insertAgent(agent: Agent): Tx<boolean> {
  const rows = yield [
    `INSERT INTO agents (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (name) DO NOTHING RETURNING name`,
    [
      agent.name,
      agent.status,
      JSON.stringify(agent.capabilities),
      JSON.stringify(agent.roles),
      agent.maxConcurrentTasks,
      JSON.stringify(agent.profile),
      agent.session,
      agent.eventCursor,
      agent.loadNote,
      agent.registeredAt,
      agent.seenAt,
    ],
  ];
  return rows.length === 1;
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
  /** Of the process it acts from; null from a shell, which takes it from no process that lives. */
  readonly session: string | null;
  readonly at: number;
  /** What it says of its own load, as JSON text; null leaves what it said. */
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
  const params: SqlValue[] = [page.after ?? "", page.limit];
  const rows = yield [
    `SELECT ${COLUMNS}, (SELECT count(*) FROM tasks t WHERE t.agent = agents.name) AS running FROM agents
     WHERE status = 'active' AND name > $1 ORDER BY name LIMIT $2`,
    params,
  ];
  return rows.map((row) => ({ ...agentOf(row), running: int(row, "running") }));
}

export function* agentNames(limit: number): Tx<string[]> {
  const rows = yield ["SELECT name FROM agents WHERE status = 'active' ORDER BY seen_at DESC LIMIT $1", [limit]];
  return rows.map((row) => text(row, "name"));
}
