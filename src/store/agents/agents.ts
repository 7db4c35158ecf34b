import { AGENT_STATUSES, PRESENCES } from "../../base/statuses.js";
import {
  chunksOf,
  flag,
  many,
  hit,
  placeholders,
  int,
  intOrNull,
  json,
  list,
  one,
  oneOf,
  only,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

/** An agent's description of itself beyond its capabilities. */
export interface AgentProfile {
  readonly version?: string | undefined;
  readonly specialization?: Readonly<Record<string, number>> | undefined;
  readonly persona?: Readonly<Record<string, unknown>> | undefined;
  readonly models?: readonly string[] | undefined;
  readonly cost?: Readonly<Record<string, unknown>> | undefined;
}

/** A task or files that went to another agent while their holder was silent. */
export interface SilenceLoss {
  /** Id. */
  readonly task?: string;
  readonly key?: string;
  readonly paths?: readonly string[];
  /** The agent that wanted it. */
  readonly to: string;
  readonly at: number;
}

const FIELDS = {
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
  /** From when on its silence counts; null once it was silent and held nothing. */
  heardAt: intOrNull,
  presence: oneOf(PRESENCES),
  silentAt: intOrNull,
  /** From when on what it holds goes to an agent that wants it. */
  yieldsAt: intOrNull,
  /** Losses by its silence that it has not been told of. */
  lost: list<SilenceLoss>,
  /** The machine from which it called last. */
  host: textOrNull,
  /** Roles that it has offered in claims beside those it registered. */
  offeredRoles: list<string>,
  /** The message up to which none of a project waited for it when they were last counted; null: not counted yet. */
  messagesSeen: intOrNull,
  messagesProject: textOrNull,
};
export const AGENTS = table("agents", FIELDS);
export interface Agent extends RowOf<typeof AGENTS> {}

/** An agent as it is read, and the number of the newest message of all, so that most calls need not look for any. */
export interface FoundAgent extends RowOf<typeof FOUND> {}

const FOUND = columns({
  ...FIELDS,
  /** Null while no message was ever sent. */
  newestMessage: intOrNull,
  /** Whether its circuit breaker is open, half open, or has counted a failure. */
  hasBreaker: flag,
});

const NEWEST_MESSAGE = "(SELECT newest FROM message_clock WHERE id = 1) AS newest_message";
const HAS_BREAKER =
  "CASE WHEN EXISTS (SELECT 1 FROM circuit_breakers b WHERE b.target = 'agent:' || agents.name AND b.clean = 0) THEN 1 ELSE 0 END AS has_breaker";
const FIND = `SELECT ${AGENTS.columns}, ${NEWEST_MESSAGE}, ${HAS_BREAKER} FROM agents WHERE name = $1`;
const newestMessageOf = only("newest_message", intOrNull);

export function* findAgent(name: string): Tx<FoundAgent | undefined> {
  return yield* one(FOUND.read, [FIND, [name]]);
}

const INSERT = insertInto(AGENTS, `ON CONFLICT (name) DO NOTHING RETURNING ${NEWEST_MESSAGE}`);

/** Returns undefined where an agent of that name was registered at the same time. */
export function* insertAgent(agent: Agent): Tx<FoundAgent | undefined> {
  return yield* one((row) => ({ ...agent, newestMessage: newestMessageOf(row), hasBreaker: false }), INSERT([agent]));
}

/** Records roles that an agent offers; what was addressed to them before is counted from then on. */
export function* saveOfferedRoles(name: string, roles: readonly string[]): Tx<void> {
  yield ["UPDATE agents SET offered_roles = $1, messages_seen = NULL WHERE name = $2", [JSON.stringify(roles), name]];
}

/** Records up to which message none of a project waits for an agent. */
export function* saveMessagesSeen(
  name: string,
  seen: { readonly newest: number; readonly project: string | null },
): Tx<void> {
  yield [
    "UPDATE agents SET messages_seen = $1, messages_project = $2 WHERE name = $3",
    [seen.newest, seen.project, name],
  ];
}

/** Replaces what an agent whose row is locked says of itself. */
export function* saveAgent(agent: Agent): Tx<void> {
  yield [
    `UPDATE agents SET status = $1, capabilities = $2, roles = $3, max_concurrent_tasks = $4, profile = $5, session = $6, seen_at = $7,
       heard_at = $7, host = $8, presence = $9, silent_at = $10, yields_at = $11, messages_seen = NULL WHERE name = $12`,
    [
      agent.status,
      JSON.stringify(agent.capabilities),
      JSON.stringify(agent.roles),
      agent.maxConcurrentTasks,
      JSON.stringify(agent.profile),
      agent.session,
      agent.seenAt,
      agent.host,
      agent.presence,
      agent.silentAt,
      agent.yieldsAt,
      agent.name,
    ],
  ];
}

export interface SignOfLife {
  readonly name: string;
  /** Session of its process; null from a shell, which replaces no live process. */
  readonly session: string | null;
  readonly host: string;
  readonly at: number;
  /** The load it reports, as JSON text; null keeps the last report. */
  readonly loadNote: string | null;
}

export function* recordSignOfLife(sign: SignOfLife): Tx<void> {
  yield [
    `UPDATE agents SET seen_at = $1, heard_at = $1, host = $5, load_note = COALESCE($2, load_note), session = COALESCE($3,
       (SELECT s.id FROM sessions s WHERE s.id = agents.session AND s.ended_at IS NULL AND s.gone_at IS NULL)) WHERE name = $4`,
    [sign.at, sign.loadNote, sign.session, sign.name, sign.host],
  ];
}

/** Records a call of an agent that is not silent. False for any other, and where a later call is recorded. */
export function* recordCall(name: string, { at, host }: { readonly at: number; readonly host: string }): Tx<boolean> {
  return yield* hit([
    `UPDATE agents SET seen_at = $1, heard_at = $1, host = $2
     WHERE name = $3 AND seen_at < $1 AND presence IN ('present', 'exempt') AND status = 'active' RETURNING name`,
    [at, host, name],
  ]);
}

/** Changes the presence of an agent, where it is still the one expected. */
export function* savePresence(agent: Agent, from: Agent["presence"]): Tx<boolean> {
  return yield* hit([
    `UPDATE agents SET presence = $1, silent_at = $2, yields_at = $3, heard_at = $4 WHERE name = $5 AND presence = $6 RETURNING name`,
    [agent.presence, agent.silentAt, agent.yieldsAt, agent.heardAt, agent.name, from],
  ]);
}

export function* saveLosses(name: string, lost: readonly SilenceLoss[]): Tx<void> {
  yield ["UPDATE agents SET lost = $1 WHERE name = $2", [lost.length === 0 ? null : JSON.stringify(lost), name]];
}

/** Forgets losses that have been told; one that was added since they were read stays, with them. */
export function* forgetLosses(name: string, told: readonly SilenceLoss[]): Tx<void> {
  yield ["UPDATE agents SET lost = NULL WHERE name = $1 AND lost = $2", [name, JSON.stringify(told)]];
}

/** Agents that have made no call since an instant and are not known to be silent, the longest so first. */
export function* unheardAgents(since: number, limit: number): Tx<string[]> {
  return yield* many(only("name", text), [
    `SELECT name FROM agents WHERE presence = 'present' AND heard_at IS NOT NULL AND heard_at <= $1 ORDER BY heard_at, name LIMIT $2`,
    [since, limit],
  ]);
}

/** Silent agents, those that hold something. */
export function* silentAgents(limit: number): Tx<Agent[]> {
  return yield* many(AGENTS.read, [
    `SELECT ${AGENTS.columns} FROM agents WHERE presence IN ('silent', 'warned', 'yielding') ORDER BY name LIMIT $1`,
    [limit],
  ]);
}

const ANY_SILENT =
  "SELECT 1 AS one FROM agents WHERE presence IN ('silent', 'warned', 'yielding') AND name <> $1 LIMIT 1";

/** Whether any other agent is silent. */
export function* isAnySilent(other: string): Tx<boolean> {
  return yield* hit([ANY_SILENT, [other]]);
}

/** Since when these agents have made no call, of those that are silent. */
export function* silentSince(names: readonly string[]): Tx<Map<string, number>> {
  const since = new Map<string, number>();
  for (const chunk of chunksOf([...new Set(names)].sort())) {
    const rows = yield [
      `SELECT name, seen_at FROM agents WHERE presence IN ('silent', 'warned', 'yielding') AND name IN (${placeholders(chunk.length)})`,
      chunk,
    ];
    for (const row of rows) since.set(text(row, "name"), int(row, "seen_at"));
  }
  return since;
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

/** Active agents whose session stands, and those without a process that were heard of since an instant; the last heard first. */
export function* liveAgents(live: { now: number; heardSince: number; limit: number }): Tx<Agent[]> {
  return yield* many(AGENTS.read, [
    `SELECT ${AGENTS.columnsOf("a")} FROM agents a LEFT JOIN sessions s ON s.id = a.session
     WHERE a.status = 'active' AND ((a.session IS NULL AND a.seen_at >= $2)
       OR (s.ended_at IS NULL AND s.gone_at IS NULL AND s.expires_at > $1)) ORDER BY a.seen_at DESC, a.name LIMIT $3`,
    [live.now, live.heardSince, live.limit],
  ]);
}
