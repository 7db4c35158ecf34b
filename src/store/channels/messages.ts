import { MESSAGE_TYPES } from "../../base/statuses.js";
import {
  eachIn,
  hit,
  int,
  jsonOrNull,
  many,
  manyIn,
  one,
  oneOf,
  only,
  placeholders,
  sole,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const MESSAGES = table("messages", {
  /** Its place among all messages, in the order of their commits. */
  seq: int,
  id: text,
  project: text,
  address: text,
  sender: text,
  type: oneOf(MESSAGE_TYPES),
  subject: textOrNull,
  body: text,
  data: jsonOrNull<unknown>,
  task: textOrNull,
  run: textOrNull,
  replyTo: textOrNull,
  /** Id of the first message of its thread. */
  thread: text,
  at: int,
});
export interface Message extends RowOf<typeof MESSAGES> {}

const INSERT = insertInto(MESSAGES);
const ADVANCE = `INSERT INTO message_clock (id, newest) VALUES (1, 1)
  ON CONFLICT (id) DO UPDATE SET newest = message_clock.newest + 1 RETURNING newest`;

/** Stores a message under the next number, which is held until the commit: numbers follow the order of commits. */
export function* insertMessage(message: Omit<Message, "seq">): Tx<Message> {
  const seq = yield* sole(only("newest", int), [ADVANCE]);
  const stored = { ...message, seq };
  yield INSERT([stored]);
  return stored;
}

export function* findMessage(id: string): Tx<Message | undefined> {
  return yield* one(MESSAGES.read, [`SELECT ${MESSAGES.columns} FROM messages WHERE id = $1`, [id]]);
}

/** An agent, and the addresses whose messages are its own. */
export interface Inbox {
  readonly agent: string;
  /** At most `ADDRESSES_MAX`. */
  readonly addresses: readonly string[];
  /** Of messages to all, those since it was registered are its own. */
  readonly registeredAt: number;
}

export const ADDRESSES_MAX = 64;

// $1 to $4 of the statements about an inbox; the addresses follow, repeated up to one length: one text to prepare.
const OF_OTHERS = `m.sender <> $1 AND m.seq > $2 AND (m.at >= $3 OR m.address NOT LIKE '%/all')
  AND NOT EXISTS (SELECT 1 FROM channel_members c WHERE c.agent = $1 AND c.address = m.address AND m.seq <= c.since)
  AND NOT EXISTS (SELECT 1 FROM message_acks a WHERE a.agent = $1 AND a.seq = m.seq)`;
const ADDRESSED = `m.address IN (${placeholders(ADDRESSES_MAX, 5)})`;
const COUNT_UNREAD = `SELECT sender, count(*) AS messages, min(seq) AS oldest FROM (
    SELECT m.sender, m.seq FROM messages m WHERE ${ADDRESSED} AND ${OF_OTHERS} ORDER BY m.seq LIMIT $4
  ) AS unread GROUP BY sender ORDER BY oldest`;
// The filter follows the addresses: run, task, whether decisions alone.
const [RUN, TASK, DECISIONS] = [0, 1, 2].map((at) => `$${ADDRESSES_MAX + 5 + at}`);
const OF_FILTER = `(CAST(${RUN} AS TEXT) IS NULL OR m.run = ${RUN}) AND (CAST(${TASK} AS TEXT) IS NULL OR m.task = ${TASK})
  AND (CAST(${DECISIONS} AS INTEGER) = 0 OR (m.type = 'answer' AND m.data LIKE '%"decision":%'))`;
const LIST_UNREAD = `SELECT ${MESSAGES.columnsOf("m")} FROM messages m WHERE ${ADDRESSED} AND ${OF_OTHERS} AND ${OF_FILTER}
  ORDER BY m.seq LIMIT $4`;

export interface InboxPage {
  /** Numbers that are larger. */
  readonly after: number;
  readonly limit: number;
}

function inboxParams({ agent, addresses, registeredAt }: Inbox, { after, limit }: InboxPage) {
  const [first = ""] = addresses;
  return [
    agent,
    after,
    registeredAt,
    limit,
    ...Array.from({ length: ADDRESSES_MAX }, (_, at) => addresses[at] ?? first),
  ];
}

/** How many unread messages each sender has sent, of the oldest ones up to the limit; the sender of the oldest first. */
export function* countUnread(inbox: Inbox, page: InboxPage): Tx<{ sender: string; messages: number }[]> {
  return yield* many(
    (row) => ({ sender: text(row, "sender"), messages: int(row, "messages") }),
    [COUNT_UNREAD, inboxParams(inbox, page)],
  );
}

export interface UnreadFilter {
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  /** Answers alone whose data names a decision. */
  readonly decisions?: boolean;
}

/** Unread messages of others, oldest first. */
export function* listUnread(inbox: Inbox, { run, task, decisions, ...page }: InboxPage & UnreadFilter): Tx<Message[]> {
  const filter = [run ?? null, task ?? null, decisions ? 1 : 0];
  return yield* many(MESSAGES.read, [LIST_UNREAD, [...inboxParams(inbox, page), ...filter]]);
}

/** The messages among these numbers that are unread in an inbox, by number. */
export function* unreadAmong(inbox: Inbox, seqs: readonly number[]): Tx<ReadonlySet<number>> {
  const unread = yield* manyIn(only("seq", int), seqs, (chunk) => [
    // sql: placeholders alone
    `SELECT m.seq FROM messages m WHERE ${ADDRESSED} AND ${OF_OTHERS} AND m.seq IN (${placeholders(chunk.length, ADDRESSES_MAX + 5)}) LIMIT $4`,
    [...inboxParams(inbox, { after: 0, limit: chunk.length }), ...chunk],
  ]);
  return new Set(unread);
}

const LIST_ALL = `SELECT ${MESSAGES.columnsOf("m")} FROM messages m WHERE m.address IN (${placeholders(ADDRESSES_MAX, 3)}) AND m.seq > $1
  ORDER BY m.seq LIMIT $2`;

/** The newest messages at an address among which those of a sender are looked for. */
const LATEST_MAX = 200;

/** Unread messages of a sender under a subject, among the newest at an agent's own address. */
export function* unreadFrom(at: { agent: string; address: string; sender: string; subject: string }): Tx<Message[]> {
  return yield* many(MESSAGES.read, [
    `SELECT ${MESSAGES.columns} FROM (SELECT * FROM messages WHERE address = $1 ORDER BY seq DESC LIMIT $5) AS latest
      WHERE sender = $2 AND subject = $3 AND NOT EXISTS (SELECT 1 FROM message_acks a WHERE a.agent = $4 AND a.seq = latest.seq)`,
    [at.address, at.sender, at.subject, at.agent, LATEST_MAX],
  ]);
}

/** All messages to these addresses, read or not, oldest first. */
export function* listMessages({ addresses }: Pick<Inbox, "addresses">, { after, limit }: InboxPage): Tx<Message[]> {
  const [first = ""] = addresses;
  const padded = Array.from({ length: ADDRESSES_MAX }, (_, at) => addresses[at] ?? first);
  return yield* many(MESSAGES.read, [LIST_ALL, [after, limit, ...padded]]);
}

/** Messages that are bound to a task, by others than an agent, newest first. */
export function* messagesOfTask(task: string, { sender, limit }: { sender: string; limit: number }): Tx<Message[]> {
  return yield* many(MESSAGES.read, [
    `SELECT ${MESSAGES.columns} FROM messages WHERE task = $1 AND sender <> $2 ORDER BY seq DESC LIMIT $3`,
    [task, sender, limit],
  ]);
}

/** The number of the last message of a project before an instant; 0 where there is none. */
export function* numberBefore(project: string, at: number): Tx<number> {
  const before = "SELECT seq FROM messages WHERE project = $1 AND at < $2 ORDER BY at DESC, seq DESC LIMIT 1";
  return (yield* one(only("seq", int), [before, [project, at]])) ?? 0;
}

/** Messages that are older than their project keeps what has ended. One range of an index per project. */
export function* messagesPastRetention({ now, defaultMs, limit }: MessageRetention): Tx<number[]> {
  return yield* many(only("seq", int), [
    `SELECT m.seq FROM projects p JOIN messages m ON m.project = p.id WHERE m.at < $1 - COALESCE(p.retention_ms, $2) LIMIT $3`,
    [now, defaultMs, limit],
  ]);
}

export interface MessageRetention {
  readonly now: number;
  /** Retention of a project without its own. */
  readonly defaultMs: number;
  readonly limit: number;
}

export function* deleteMessages(seqs: readonly number[]): Tx<void> {
  yield* eachIn(seqs, (chunk) => [`DELETE FROM message_acks WHERE seq IN (${placeholders(chunk.length)})`, chunk]);
  yield* eachIn(seqs, (chunk) => [`DELETE FROM messages WHERE seq IN (${placeholders(chunk.length)})`, chunk]);
}

const ACK = insertInto(table("message_acks", { agent: text, seq: int }), "ON CONFLICT (agent, seq) DO NOTHING");

export function* acknowledge(agent: string, seqs: readonly number[]): Tx<void> {
  yield* insertRows(
    ACK,
    seqs.map((seq) => ({ agent, seq })),
  );
}

/** Which of these messages an agent has acknowledged. */
export function* acknowledgedBy(agent: string, seqs: readonly number[]): Tx<ReadonlySet<number>> {
  if (seqs.length === 0) return new Set();
  const found = yield* many(only("seq", int), [
    "SELECT seq FROM message_acks WHERE agent = $1 AND seq >= $2 AND seq <= $3",
    [agent, Math.min(...seqs), Math.max(...seqs)],
  ]);
  return new Set(found);
}

const JOIN = insertInto(
  table("channel_members", { agent: text, address: text, since: int }),
  "ON CONFLICT (agent, address) DO NOTHING RETURNING agent",
);

/** Makes an agent a member of a channel from a message on; false where it is one already. */
export function* joinChannel(agent: string, address: string, since: number): Tx<boolean> {
  return yield* hit(JOIN([{ agent, address, since }]));
}

/** Addresses of the channels that an agent is a member of, those joined last first. */
export function* channelsOf(agent: string, limit: number): Tx<string[]> {
  return yield* many(only("address", text), [
    "SELECT address FROM channel_members WHERE agent = $1 ORDER BY since DESC, address LIMIT $2",
    [agent, limit],
  ]);
}

export interface AboutFilter {
  readonly run: string;
  /** Default: about any task of the run, or none. */
  readonly task?: string | undefined;
  readonly limit: number;
}

/** Messages that are bound to a run or one of its tasks, newest first. */
export function* messagesAbout({ run, task, limit }: AboutFilter): Tx<Message[]> {
  const [column, value] = task === undefined ? ["run", run] : ["task", task];
  return yield* many(MESSAGES.read, [
    // sql: one of two columns.
    `SELECT ${MESSAGES.columns} FROM messages WHERE ${column} = $1 ORDER BY seq DESC LIMIT $2`,
    [value, limit],
  ]);
}

/** Messages that are bound to any of these tasks, newest first. */
export function* messagesAboutTasks(tasks: readonly string[], limit: number): Tx<Message[]> {
  return yield* manyIn(MESSAGES.read, tasks, (chunk) => [
    `SELECT ${MESSAGES.columns} FROM messages WHERE task IN (${placeholders(chunk.length, 2)}) ORDER BY seq DESC LIMIT $1`,
    [limit, ...chunk],
  ]);
}
