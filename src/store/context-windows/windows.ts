import { releaseContents } from "../artifacts/contents.js";
import { hit, idOf, int, intOrNull, many, one, only, sole, text, textOrNull } from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const WINDOWS = table("context_windows", {
  id: text,
  project: text,
  agent: text,
  name: text,
  /** It goes with an accepted handoff of this task. */
  task: textOrNull,
  /** Its tokens are those of this model's family. */
  model: textOrNull,
  tokenLimit: int,
  tokens: int,
  /** How many messages it holds: those that get_context shows. */
  messages: int,
  lastNumber: int,
  compactions: int,
  createdAt: int,
  updatedAt: int,
});
/** Messages of an agent, of which those that are left have no more tokens than its limit once it was compacted. */
export interface ContextWindow extends RowOf<typeof WINDOWS> {}

const INSERT = insertInto(WINDOWS, "ON CONFLICT (agent, project, name) DO NOTHING RETURNING id");

/** Makes a window, unless its agent has one of the name in the project. */
export function* insertWindow(window: ContextWindow): Tx<boolean> {
  return yield* hit(INSERT([window]));
}

export function* findWindow(id: string): Tx<ContextWindow | undefined> {
  return yield* one(WINDOWS.read, [`SELECT ${WINDOWS.columns} FROM context_windows WHERE id = $1`, [id]]);
}

export interface WindowName {
  readonly agent: string;
  readonly project: string;
  readonly name: string;
}

export function* findWindowByName({ agent, project, name }: WindowName): Tx<ContextWindow | undefined> {
  return yield* one(WINDOWS.read, [
    `SELECT ${WINDOWS.columns} FROM context_windows WHERE agent = $1 AND project = $2 AND name = $3`,
    [agent, project, name],
  ]);
}

/** Names of the windows of an agent in a project, those written last first. */
export function* windowNames(agent: string, project: string, limit: number): Tx<string[]> {
  return yield* many(only("name", text), [
    "SELECT name FROM context_windows WHERE agent = $1 AND project = $2 ORDER BY updated_at DESC, name LIMIT $3",
    [agent, project, limit],
  ]);
}

export function* countWindows(agent: string): Tx<number> {
  return yield* sole(only("windows", int), [
    "SELECT count(*) AS windows FROM context_windows WHERE agent = $1",
    [agent],
  ]);
}

/** Moves a window to another agent under a name, and leaves its counters to those who write messages. */
export function* giveWindow({
  id,
  agent,
  name,
  updatedAt,
}: Pick<ContextWindow, "id" | "agent" | "name" | "updatedAt">): Tx<void> {
  yield [
    "UPDATE context_windows SET agent = $2, name = $3, updated_at = $4 WHERE id = $1",
    [id, agent, name, updatedAt],
  ];
}

export function* updateWindow(window: ContextWindow): Tx<void> {
  const { id, agent, name, task, tokenLimit, tokens, messages, lastNumber, compactions, updatedAt } = window;
  yield [
    `UPDATE context_windows SET agent = $2, name = $3, task = $4, token_limit = $5, tokens = $6, messages = $7, last_number = $8,
       compactions = $9, updated_at = $10 WHERE id = $1`,
    [id, agent, name, task, tokenLimit, tokens, messages, lastNumber, compactions, updatedAt],
  ];
}

/** The windows of an agent that go with a task. */
export function* windowsOfTask(task: string, agent: string): Tx<ContextWindow[]> {
  return yield* many(WINDOWS.read, [
    `SELECT ${WINDOWS.columns} FROM context_windows WHERE task = $1 AND agent = $2 ORDER BY id`,
    [task, agent],
  ]);
}

/** The windows that belong to tasks of a run. */
export function* windowsOfRun(run: string, limit: number): Tx<ContextWindow[]> {
  return yield* many(WINDOWS.read, [
    `SELECT ${WINDOWS.columnsOf("w")} FROM context_windows w
     WHERE w.task IS NOT NULL AND EXISTS (SELECT 1 FROM tasks t WHERE t.id = w.task AND t.run = $1) ORDER BY w.id LIMIT $2`,
    [run, limit],
  ]);
}

/** Windows that were written longer ago than their project keeps what has ended. One range of an index per project. */
export function* windowsPastRetention(terms: { now: number; defaultMs: number; limit: number }): Tx<string[]> {
  return yield* many(idOf, [
    `SELECT w.id FROM projects p JOIN context_windows w ON w.project = p.id
     WHERE w.updated_at < $1 - COALESCE(p.retention_ms, $2) LIMIT $3`,
    [terms.now, terms.defaultMs, terms.limit],
  ]);
}

/** Removes windows with their messages, and marks the contents of these. */
export function* deleteWindows(ids: readonly string[]): Tx<void> {
  const hashes: string[] = [];
  for (const id of ids.toSorted()) {
    yield ["DELETE FROM context_windows WHERE id = $1", [id]];
    const own = ["DELETE FROM context_messages WHERE context_window = $1 RETURNING hash", [id]] as const;
    hashes.push(...(yield* many(only("hash", text), own)));
  }
  yield* releaseContents(hashes);
}

const SUMS = columns({ tokens: int, messages: int, kept: int, bytes: int, oldest: intOrNull });
/** Tokens and number of the messages that a window holds, number and bytes of all that are stored. */
export interface WindowSums extends RowOf<typeof SUMS> {}

export function* windowSums(window: string): Tx<WindowSums> {
  return yield* sole(SUMS.read, [
    `SELECT CAST(COALESCE(SUM(CASE WHEN dropped = 0 THEN tokens ELSE 0 END), 0) AS BIGINT) AS tokens,
       CAST(COALESCE(SUM(1 - dropped), 0) AS BIGINT) AS messages, COUNT(*) AS kept,
       CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes, MIN(number) AS oldest
     FROM context_messages WHERE context_window = $1`,
    [window],
  ]);
}
