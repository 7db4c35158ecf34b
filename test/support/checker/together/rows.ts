import { ESCALATION_TIERS } from "../../../../src/base/statuses.js";
import type { NotificationContent } from "../../../../src/base/notifications/targets.js";
import { int, intOrNull, json, text, textOrNull } from "../../../../src/store/rows.js";
import type { Row, Tx } from "../../../../src/store/tx.js";

/** Rows by which agents and persons work together. */
export interface Together {
  /** In the order of their numbers. */
  readonly messages: readonly MessageRow[];
  /** `AGENT SEQ` of each acknowledgement. */
  readonly acks: ReadonlySet<string>;
  readonly escalations: ReadonlyMap<string, EscalationRow>;
  readonly handoffs: ReadonlyMap<string, HandoffRow>;
  readonly windows: readonly WindowRow[];
  readonly deliveries: readonly DeliveryRow[];
  readonly units: readonly UnitRow[];
  readonly allocations: readonly AllocationRow[];
}

/** A resource in one unit, with what its allocations come to. */
export interface UnitRow {
  readonly id: string;
  readonly capacity: number;
  readonly allocated: number;
  readonly held: number;
  readonly usersMax: number | null;
  readonly users: number;
}

export interface AllocationRow {
  readonly id: string;
  readonly holder: string;
  readonly task: string | null;
}

export interface MessageRow {
  readonly seq: number;
  readonly id: string;
  readonly address: string;
  readonly sender: string;
}

export interface EscalationRow {
  readonly id: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly token: number | null;
  /** Index in the order of tiers. */
  readonly tier: number;
  readonly status: string;
  readonly dueAt: number | null;
  readonly decidedAt: number | null;
}

export interface HandoffRow {
  readonly id: string;
  readonly run: string;
  readonly task: string;
  readonly recipient: string;
  readonly status: string;
  readonly expiresAt: number;
}

export interface WindowRow {
  readonly id: string;
  readonly tokens: number;
  readonly messages: number;
  /** Counted from its messages. */
  readonly held: { readonly tokens: number; readonly messages: number };
}

export interface DeliveryRow {
  readonly id: string;
  readonly target: string;
  readonly question: string | null;
  readonly run: string | null;
  readonly task: string | null;
  readonly status: string;
  readonly type: string;
  readonly at: number;
}

const HELD = `SELECT w.id, w.tokens, w.messages,
    (SELECT COALESCE(SUM(m.tokens), 0) FROM context_messages m WHERE m.context_window = w.id AND m.dropped = 0) AS held_tokens,
    (SELECT COUNT(*) FROM context_messages m WHERE m.context_window = w.id AND m.dropped = 0) AS held_messages
  FROM context_windows w ORDER BY w.id`;

const HELD_OF_UNIT = `SELECT u.resource, u.unit, u.capacity, u.allocated, r.users_max,
    (SELECT CAST(COALESCE(SUM(i.amount), 0) AS BIGINT) FROM allocation_items i JOIN allocations a ON a.id = i.allocation
      WHERE i.resource = u.resource AND i.unit = u.unit AND a.state <> 'waiting') AS held,
    (SELECT COUNT(DISTINCT a.holder) FROM allocation_items i JOIN allocations a ON a.id = i.allocation
      WHERE i.resource = u.resource AND a.state <> 'waiting') AS users
  FROM resource_units u JOIN resources r ON r.id = u.resource ORDER BY u.resource, u.unit`;

export function* readTogether(): Tx<Together> {
  return {
    messages: (yield ["SELECT seq, id, address, sender FROM messages ORDER BY seq"]).map(messageOf),
    acks: new Set(
      (yield ["SELECT agent, seq FROM message_acks"]).map((row) => ackKey(text(row, "agent"), int(row, "seq"))),
    ),
    escalations: byId((yield ["SELECT * FROM escalations ORDER BY id"]).map(escalationOf)),
    handoffs: byId((yield ["SELECT * FROM handoffs ORDER BY id"]).map(handoffOf)),
    windows: (yield [HELD]).map(windowOf),
    deliveries: (yield ["SELECT * FROM deliveries ORDER BY id"]).map(deliveryOf),
    units: (yield [HELD_OF_UNIT]).map(unitOf),
    allocations: (yield ["SELECT id, holder, task FROM allocations ORDER BY id"]).map(allocationOf),
  };
}

export function ackKey(agent: string, seq: number): string {
  return `${agent} ${seq}`;
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): Map<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function messageOf(row: Row): MessageRow {
  return {
    seq: int(row, "seq"),
    id: text(row, "id"),
    address: text(row, "address"),
    sender: text(row, "sender"),
  };
}

const TIERS: readonly string[] = ESCALATION_TIERS;

/** Place of a tier: they are climbed upwards. */
export function tierOf(name: string): number {
  return TIERS.indexOf(name);
}

function escalationOf(row: Row): EscalationRow {
  return {
    id: text(row, "id"),
    run: textOrNull(row, "run"),
    task: textOrNull(row, "task"),
    token: intOrNull(row, "token"),
    tier: tierOf(text(row, "tier")),
    status: text(row, "status"),
    dueAt: intOrNull(row, "due_at"),
    decidedAt: intOrNull(row, "decided_at"),
  };
}

function handoffOf(row: Row): HandoffRow {
  return {
    id: text(row, "id"),
    run: text(row, "run"),
    task: text(row, "task"),
    recipient: text(row, "recipient"),
    status: text(row, "status"),
    expiresAt: int(row, "expires_at"),
  };
}

function windowOf(row: Row): WindowRow {
  return {
    id: text(row, "id"),
    tokens: int(row, "tokens"),
    messages: int(row, "messages"),
    held: { tokens: int(row, "held_tokens"), messages: int(row, "held_messages") },
  };
}

function deliveryOf(row: Row): DeliveryRow {
  const { type, at } = json<NotificationContent>(row, "content");
  return {
    id: text(row, "id"),
    target: text(row, "target"),
    question: textOrNull(row, "question"),
    run: textOrNull(row, "run"),
    task: textOrNull(row, "task"),
    status: text(row, "status"),
    type,
    at,
  };
}

function unitOf(row: Row): UnitRow {
  return {
    id: `${text(row, "resource")} ${text(row, "unit")}`,
    capacity: int(row, "capacity"),
    allocated: int(row, "allocated"),
    held: int(row, "held"),
    usersMax: intOrNull(row, "users_max"),
    users: int(row, "users"),
  };
}

function allocationOf(row: Row): AllocationRow {
  return { id: text(row, "id"), holder: text(row, "holder"), task: textOrNull(row, "task") };
}
