import { LOCK_MODES, LOCK_KINDS, LOCK_STATES, type LockMode } from "../../base/statuses.js";
import { many, bySize, flag, int, intOrNull, oneOf, only, placeholders, sole, text, textOrNull } from "../rows.js";
import { columns, insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import { first, type Tx } from "../tx.js";

const KEPT = {
  id: text,
  project: text,
  /** The group it was asked for in. */
  request: text,
  /** As it is shown; whether it stands for other cases too is said by `caseInsensitive`. */
  path: text,
  kind: oneOf(LOCK_KINDS),
  mode: oneOf(LOCK_MODES),
  state: oneOf(LOCK_STATES),
  agent: text,
  task: textOrNull,
  session: textOrNull,
  /** Fencing token; 0 until it is held. */
  token: int,
  since: int,
  /** Null: for as long as its task, or its request. */
  expiresAt: intOrNull,
  reason: textOrNull,
};
const FILE_LOCKS = table("file_locks", { ...KEPT, owner: text, prefix: text });
export interface NewLock extends Omit<RowOf<typeof FILE_LOCKS>, "owner"> {}

const QUEUE_ENTRY = columns({
  position: int,
  askedAt: int,
  ttlMs: int,
  /** The instant until which a caller waits for the answer. */
  presentUntil: int,
  expiresAt: named("place_expires_at", int),
});
/** Orders by position, then by when it was asked for, then by id. */
export interface QueueEntry extends RowOf<typeof QUEUE_ENTRY> {}

export const LOCKS = columns({
  ...KEPT,
  caseInsensitive: flag,
  /** The outermost project around its own; null where its own stands alone. */
  outermost: textOrNull,
  /** The task's run. */
  run: textOrNull,
  /** Whether its session has ended, or has not been renewed in time. */
  sessionGone: flag,
  /** The request's entry in the queue, for a lock that is not held. */
  queueEntry: (row): QueueEntry | null => (row["position"] === null ? null : QUEUE_ENTRY.read(row)),
});
/** A pattern that is held, offered to an agent that was not there, or waited for. */
export interface Lock extends RowOf<typeof LOCKS> {}

/** `$1` is the present instant. A session of a host that has just woken has a grace, unless its process is known to be gone. */
const SESSION_GONE = `CASE WHEN l.session IS NULL THEN 0
  WHEN s.id IS NULL OR s.ended_at IS NOT NULL
    OR (s.expires_at <= $1 AND (s.gone_at IS NOT NULL OR COALESCE(h.grace_until, 0) <= $1)) THEN 1
  ELSE 0 END`;

const FIELDS = `${table("file_locks", KEPT).columnsOf("l")}, p.case_insensitive, p.outermost, t.run,
  r.position, r.created_at AS asked_at, r.ttl_ms, r.present_until, r.place_expires_at`;

const SELECTED = `SELECT ${FIELDS}, ${SESSION_GONE} AS session_gone FROM`;
const JOINED = `file_locks l JOIN projects p ON p.id = l.project
  LEFT JOIN lock_requests r ON r.id = l.request
  LEFT JOIN tasks t ON t.id = l.task
  LEFT JOIN sessions s ON s.id = l.session
  LEFT JOIN host_clocks h ON h.host = s.host`;
export const SELECT_LOCKS = `${SELECTED} ${JOINED}`;

/** Where in the index of prefixes to look. */
export interface PrefixSearch {
  readonly project: string;
  /** Prefixes that are looked up as they are. */
  readonly exactly: readonly string[];
  /** Directories under which every prefix counts; `""` is all of the project. */
  readonly under: readonly string[];
}

/** A directory's prefixes sort between itself with "/" and itself with the sign that follows "/". */
const AFTER_SLASH = "0";
/** Sorts after every prefix: no path has a character as high. */
const AFTER_ALL = "\u{10ffff}";

// Few sizes, so that there are few texts. The same range again finds nothing more.
const RANGE_COUNTS = [0, 1, 8, 32];
const RANGES_MAX = 32;

/**
 * Locks that one transaction looks through, and that a project has before further ones are refused: reading as many takes some
 * 0.4 s, during which nothing else is written.
 */
export const LOCKS_READ_MAX = 25_000;

/** A text per number of ranges and of prefixes. Each part names the project, so that the index serves each by itself. */
const WITH_PREFIX = new Map(
  RANGE_COUNTS.map((count) => {
    const ranges = Array.from(
      { length: count },
      (_, i) => `(l.project = $2 AND l.prefix >= $${3 + 2 * i} AND l.prefix < $${4 + 2 * i})`,
    );
    const exactly = (size: number) =>
      size === 0 ? [] : [`(l.project = $2 AND l.prefix IN (${placeholders(size, 3 + 2 * count)}))`];
    return [
      count,
      bySize(
        (size) => `${SELECT_LOCKS} WHERE ${[...ranges, ...exactly(size)].join(" OR ")} LIMIT ${LOCKS_READ_MAX + 1}`,
      ),
    ];
  }),
);

/**
 * Returns the locks of a project that have one of the prefixes, each once; the cost does not depend on the others. Of more than
 * `LOCKS_READ_MAX` it returns only some, and more than `LOCKS_READ_MAX`.
 */
export function* locksByPrefix(now: number, { project, exactly, under }: PrefixSearch): Tx<Lock[]> {
  const locks = new Map<string, Lock>();
  const lists = listsOf(exactly);
  const ranges = rangesOf(under);
  for (let at = 0; at < Math.max(lists.length, ranges.length) && locks.size <= LOCKS_READ_MAX; at++) {
    const { count, bounds } = ranges[at] ?? { count: 0, bounds: [] };
    const list = lists[at] ?? [];
    const sql = WITH_PREFIX.get(count)?.(list.length) ?? "";
    for (const row of yield [sql, [now, project, ...bounds, ...list]]) locks.set(text(row, "id"), LOCKS.read(row));
  }
  return [...locks.values()];
}

/** The bounds of the ranges below directories, in groups of as many as one statement takes. */
function rangesOf(under: readonly string[]): { count: number; bounds: string[] }[] {
  const groups = [];
  for (let at = 0; at < under.length; at += RANGES_MAX) {
    const some = under.slice(at, at + RANGES_MAX).map(rangeUnder);
    const count = RANGE_COUNTS.find((one) => one >= some.length) ?? RANGES_MAX;
    groups.push({ count, bounds: Array.from({ length: count }, (_, i) => some[i] ?? some[0] ?? []).flat() });
  }
  return groups;
}

function rangeUnder(directory: string): string[] {
  return directory === "" ? ["", AFTER_ALL] : [`${directory}/`, `${directory}${AFTER_SLASH}`];
}

// A task's locks go with the task, whatever became of the session: two tables less to look into at every completion.
const OF_TASK = `SELECT ${FIELDS}, 0 AS session_gone FROM file_locks l JOIN projects p ON p.id = l.project
  LEFT JOIN lock_requests r ON r.id = l.request LEFT JOIN tasks t ON t.id = l.task WHERE l.owner = $1 ORDER BY l.id`;

/** Returns the locks a task holds and waits for. None of them counts as left by its session. */
export function* locksOfTask(task: string): Tx<Lock[]> {
  return yield* many(LOCKS.read, [OF_TASK, [task]]);
}

/** Returns the locks of these requests, except those of claims, which are found through their task. */
export function* locksOfRequests(now: number, requests: readonly string[]): Tx<Lock[]> {
  const locks: Lock[] = [];
  for (const chunk of listsOf(requests)) {
    const rows = yield [
      `${SELECT_LOCKS} WHERE l.request IN (${placeholders(chunk.length, 2)})
        AND (l.state <> 'held' OR l.expires_at IS NOT NULL) ORDER BY l.id`,
      [now, ...chunk],
    ];
    locks.push(...rows.map(LOCKS.read));
  }
  return locks;
}

// Locks of claims are found through the agent's tasks: an index by agent would be written by every claim and completion
// with files.
const OF_AGENT = `${SELECTED} (
    SELECT owner, id FROM file_locks WHERE agent = $2 AND project = $3 AND (state <> 'held' OR expires_at IS NOT NULL)
    UNION SELECT f.owner, f.id FROM tasks a CROSS JOIN file_locks f WHERE a.agent = $2 AND f.owner = a.id AND f.agent = $2) k
  CROSS JOIN ${JOINED} WHERE l.owner = k.owner AND l.id = k.id AND l.project = $3 ORDER BY l.id`;

export function* locksOfAgent(now: number, project: string, agent: string): Tx<Lock[]> {
  return yield* many(LOCKS.read, [OF_AGENT, [now, agent, project]]);
}

/** Returns what an agent holds, is offered or waits for without a task, in every project. */
export function* untaskedLocksOfAgent(now: number, agent: string): Tx<Lock[]> {
  return yield* many(LOCKS.read, [
    // In the words of the index of locks by agent.
    `${SELECT_LOCKS} WHERE l.agent = $2 AND l.task IS NULL AND (l.state <> 'held' OR l.expires_at IS NOT NULL)
     ORDER BY l.project, l.id`,
    [now, agent],
  ]);
}

/** Returns the locks without a task under a session. */
export function* untaskedLocksOfSession(now: number, session: string): Tx<Lock[]> {
  return yield* many(LOCKS.read, [
    `${SELECT_LOCKS} WHERE l.session = $2 AND l.task IS NULL AND l.state <> 'queued' ORDER BY l.project, l.id`,
    [now, session],
  ]);
}

/** Returns locks held or offered beyond their time, the longest overdue first. */
export function* expiredLocks(now: number, project: string, limit: number): Tx<Lock[]> {
  return yield* many(LOCKS.read, [
    `${SELECT_LOCKS} WHERE l.expires_at <= $1 AND l.project = $2 ORDER BY l.expires_at, l.id LIMIT $3`,
    [now, project, limit],
  ]);
}

/** Projects with locks or offers that are over, by when the first of each was. */
export function* projectsToExpire(now: number, limit: number): Tx<string[]> {
  return yield* many(only("project", text), [
    "SELECT project FROM file_locks WHERE expires_at IS NOT NULL AND expires_at <= $1 GROUP BY project ORDER BY min(expires_at) LIMIT $2",
    [now, limit],
  ]);
}

const COUNT = "SELECT count(*) AS locks FROM file_locks WHERE project = $1";

/** Returns the number of a project's locks, offers and requested paths. */
export function* countLocks(project: string): Tx<number> {
  return yield* sole(only("locks", int), [COUNT, [project]]);
}

const LIST_SIZES = [1, 4, 16, 128] as const;

/**
 * Cuts a list for `IN (…)` into as few lists as a few sizes allow, the last filled up with its last item: the same once
 * more finds nothing more, and the number of texts stays small.
 */
export function listsOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return items.length === 0 ? [] : [items];
  const most = LIST_SIZES[LIST_SIZES.length - 1] ?? 1;
  const lists: T[][] = [];
  for (let at = 0; at < items.length; at += most) {
    const list = items.slice(at, at + most);
    const size = LIST_SIZES.find((one) => one >= list.length) ?? most;
    const last = list.slice(-1);
    while (list.length < size) list.push(...last);
    lists.push(list);
  }
  return lists;
}

const INSERT = insertInto(FILE_LOCKS);

export function insertLocks(locks: readonly NewLock[]): Tx<void> {
  return insertRows(
    INSERT,
    locks.map((lock) => ({ ...lock, owner: ownerOf(lock) })),
  );
}

type LockKey = Pick<Lock, "id" | "task" | "request">;

/** The rows of a task lie together, and so do those of a request without one. */
function ownerOf({ task, request }: LockKey): string {
  return task ?? request;
}

/** The condition of having one of so many keys, whose parameters begin at `from`. */
function hasKey(size: number, from: number): string {
  // SQLite makes a table of the values, at some 5 µs, which one key does without.
  if (size === 1) return `owner = $${from} AND id = $${from + 1}`;
  const keys = Array.from({ length: size }, (_, at) => `($${from + 2 * at}, $${from + 2 * at + 1})`);
  return `(owner, id) IN (VALUES ${keys.join(", ")})`;
}

const keysOf = (locks: readonly LockKey[]): string[] => locks.flatMap((lock) => [ownerOf(lock), lock.id]);

// sql: numbers of parameters.
const DELETE = bySize((size) => `DELETE FROM file_locks WHERE ${hasKey(size, 1)}`);

export function* deleteLocks(locks: readonly LockKey[]): Tx<void> {
  for (const chunk of listsOf(locks)) {
    yield [DELETE(chunk.length), keysOf(chunk)];
  }
}

export interface Renewal {
  /** Never shortens a lock's time; one that has none keeps none. */
  readonly expiresAt: number;
  readonly session: string | null;
  /** Never makes a lock weaker: exclusive is stronger than shared, which is stronger than an intent. */
  readonly mode: LockMode;
  /** When an intent that becomes a lock counts as made: agents whose intents were there before are not kept out by it. */
  readonly at: number;
}

const RENEW = bySize(
  // sql: numbers of parameters.
  (size) => `UPDATE file_locks SET expires_at = CASE WHEN expires_at < $1 THEN $1 ELSE expires_at END, session = $2,
    mode = CASE WHEN $3 = 'exclusive' OR mode = 'intent' THEN $3 ELSE mode END,
    since = CASE WHEN mode = 'intent' AND $3 <> 'intent' THEN $4 ELSE since END WHERE ${hasKey(size, 5)}`,
);

export function* renewLocks(locks: readonly LockKey[], { expiresAt, session, mode, at }: Renewal): Tx<void> {
  for (const chunk of listsOf(locks)) {
    yield [RENEW(chunk.length), [expiresAt, session, mode, at, ...keysOf(chunk)]];
  }
}

/** Offers the queued locks of a request until an instant. */
export function* offerLocks(request: string, until: number): Tx<void> {
  yield [
    `UPDATE file_locks SET state = 'offered', expires_at = $1
     WHERE request = $2 AND (state <> 'held' OR expires_at IS NOT NULL)`,
    [until, request],
  ];
}

/** Draws fencing tokens from the project's counter, which survives the locks. Gives the first of `count` in a row. */
export function* drawTokens(project: string, count: number): Tx<number> {
  const row = yield* first([
    "UPDATE projects SET lock_token = lock_token + $1 WHERE id = $2 RETURNING lock_token",
    [count, project],
  ]);
  if (!row) throw new Error(`project ${project} is gone while its files are locked`);
  return int(row, "lock_token") - count + 1;
}

/** Of these agents, the only running task of each that has exactly one, wherever it is. */
export function* onlyRunningTasks(agents: readonly string[]): Tx<Map<string, string>> {
  const tasks = new Map<string, string>();
  for (const chunk of listsOf(agents)) {
    const rows = yield [
      `SELECT agent, MIN(id) AS task FROM tasks WHERE agent IN (${placeholders(chunk.length)})
       GROUP BY agent HAVING count(*) = 1`,
      chunk,
    ];
    for (const row of rows) tasks.set(text(row, "agent"), text(row, "task"));
  }
  return tasks;
}
