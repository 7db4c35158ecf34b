import { MEETING_STATUSES } from "../../base/statuses.js";
import {
  eachIn,
  idOf,
  int,
  intOrNull,
  json,
  jsonOrNull,
  many,
  one,
  oneOf,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const MEETINGS = table("meetings", {
  id: text,
  project: text,
  run: textOrNull,
  task: textOrNull,
  topic: text,
  convener: text,
  participants: json<readonly string[]>,
  agenda: json<readonly string[]>,
  /** Null until they are recorded. */
  decisions: jsonOrNull<readonly string[]>,
  status: oneOf(MEETING_STATUSES),
  /** Why it is closed. */
  reason: textOrNull,
  createdAt: int,
  closesAt: int,
  closedAt: intOrNull,
  closedBy: textOrNull,
  /** Id of the artifact that keeps it; null where there is none. */
  artifact: textOrNull,
});
export interface Meeting extends RowOf<typeof MEETINGS> {}

const POSTS = table("meeting_posts", {
  meeting: text,
  number: int,
  agent: text,
  /** Index in the agenda. */
  item: int,
  position: text,
  at: int,
});
export interface MeetingPost extends RowOf<typeof POSTS> {}

const INSERT = insertInto(MEETINGS);
const INSERT_POST = insertInto(POSTS);

export function* insertMeeting(meeting: Meeting): Tx<void> {
  yield INSERT([meeting]);
}

/** Locks a meeting by a write that changes nothing: what is decided on then is not changed by another call. */
export function* lockMeeting(id: string): Tx<Meeting | undefined> {
  return yield* one(MEETINGS.read, [
    `UPDATE meetings SET status = status WHERE id = $1 RETURNING ${MEETINGS.columns}`,
    [id],
  ]);
}

export function* postsOf(meeting: string): Tx<MeetingPost[]> {
  return yield* many(POSTS.read, [
    `SELECT ${POSTS.columns} FROM meeting_posts WHERE meeting = $1 ORDER BY number`,
    [meeting],
  ]);
}

export function* insertPost(post: MeetingPost): Tx<void> {
  yield INSERT_POST([post]);
}

export function* saveMeetingEnd({ id, status, reason, closedAt, closedBy, decisions, artifact }: Meeting): Tx<void> {
  yield [
    "UPDATE meetings SET status = $1, reason = $2, closed_at = $3, closed_by = $4, decisions = $5, artifact = $6 WHERE id = $7",
    [status, reason, closedAt, closedBy, decisions === null ? null : JSON.stringify(decisions), artifact, id],
  ];
}

/** Open meetings whose time is over, the oldest first. */
export function* dueMeetings(now: number, limit: number): Tx<Meeting[]> {
  return yield* many(MEETINGS.read, [
    `SELECT ${MEETINGS.columns} FROM meetings WHERE status = 'open' AND closes_at <= $1 ORDER BY closes_at, id LIMIT $2`,
    [now, limit],
  ]);
}

export function* findMeeting(id: string): Tx<Meeting | undefined> {
  return yield* one(MEETINGS.read, [`SELECT ${MEETINGS.columns} FROM meetings WHERE id = $1`, [id]]);
}

/** Meetings outside any run that closed before an instant. */
export function* oldMeetings(before: number, limit: number): Tx<string[]> {
  return yield* many(idOf, ["SELECT id FROM meetings WHERE run IS NULL AND closed_at < $1 LIMIT $2", [before, limit]]);
}

export function* deleteMeetings(ids: readonly string[]): Tx<void> {
  yield* eachIn(ids, (chunk) => [`DELETE FROM meeting_posts WHERE meeting IN (${placeholders(chunk.length)})`, chunk]);
  yield* eachIn(ids, (chunk) => [`DELETE FROM meetings WHERE id IN (${placeholders(chunk.length)})`, chunk]);
}

export interface MeetingFilter {
  readonly run: string;
  readonly task?: string | undefined;
  readonly limit: number;
}

/** Meetings about a run, or about one of its tasks, newest first. */
export function* listMeetings({ run, task, limit }: MeetingFilter): Tx<Meeting[]> {
  return yield* many(MEETINGS.read, [
    `SELECT ${MEETINGS.columns} FROM meetings WHERE run = $1 AND ($2 = '' OR task = $2) ORDER BY id DESC LIMIT $3`,
    [run, task ?? "", limit],
  ]);
}
