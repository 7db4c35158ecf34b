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
