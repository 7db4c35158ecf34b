import { idOf, many, manyIn, only, placeholders, text, textOrNull } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

/** The agents that worked on tasks, and their connections. */

/** Returns the id of the task of a key in a run; for a for_each step, those of its elements too. */
export function* tasksNamed(run: string, key: string): Tx<string[]> {
  return yield* many(idOf, [
    // The keys of elements lie between `key[` and the sign that follows the bracket.
    "SELECT id FROM tasks WHERE run = $1 AND (key = $2 OR (key > $3 AND key < $4)) ORDER BY id",
    [run, key, `${key}[`, `${key}\\`],
  ]);
}

const WORKER = columns({ agent: text, session: textOrNull, clientSession: textOrNull, outcome: text });
export interface Worker extends RowOf<typeof WORKER> {}

/** The agents of all attempts at these tasks, open ones too, the newest first within each few tasks. */
export function* workersOf(tasks: readonly string[]): Tx<Worker[]> {
  return yield* manyIn(WORKER.read, tasks, (chunk) => [
    `SELECT w.agent, w.session, s.client_session, w.outcome FROM (
       SELECT agent, session, outcome, ended_at AS at FROM attempts WHERE task IN (${placeholders(chunk.length)})
       UNION ALL SELECT agent, session, 'running' AS outcome, started_at AS at FROM tasks
         WHERE agent IS NOT NULL AND id IN (${placeholders(chunk.length, 1 + chunk.length)})) w
     LEFT JOIN sessions s ON s.id = w.session ORDER BY w.at DESC`,
    [...chunk, ...chunk],
  ]);
}

/** Attempts of an agent that are looked at: those of agents that work elsewhere can be many. */
const LATEST = 50;

/** Returns those of these agents that are not silent, have room for a task, and had one of a project among their latest. */
export function* workersWithRoom(project: string, agents: readonly string[]): Tx<string[]> {
  return yield* manyIn(only("name", text), agents, (chunk) => [
    // sql: a constant of this file.
    `SELECT a.name FROM agents a WHERE a.name IN (${placeholders(chunk.length, 2)})
       AND (a.presence = 'exempt' OR (a.presence = 'present' AND a.heard_at IS NOT NULL))
       AND (SELECT count(*) FROM tasks h WHERE h.agent = a.name) < a.max_concurrent_tasks
       AND EXISTS (SELECT 1 FROM (SELECT w.task FROM attempts w WHERE w.agent = a.name ORDER BY w.ended_at DESC LIMIT ${LATEST}) AS latest
         JOIN tasks t ON t.id = latest.task WHERE t.project = $1)`,
    [project, ...chunk],
  ]);
}

/** Returns those of these agents that have had a task: one that only plans or watches has not. */
export function* agentsThatWorked(agents: readonly string[]): Tx<string[]> {
  return yield* manyIn(only("name", text), agents, (chunk) => [
    `SELECT a.name FROM agents a WHERE a.name IN (${placeholders(chunk.length)})
       AND (EXISTS (SELECT 1 FROM attempts w WHERE w.agent = a.name) OR EXISTS (SELECT 1 FROM tasks h WHERE h.agent = a.name))`,
    chunk,
  ]);
}

/** A party to attempts: an agent, and its connection where that counts too. */
export interface Party {
  readonly agent: string;
  readonly session: string | null;
  readonly clientSession: string | null;
}

const byParty = (of: string) =>
  `(${of}.agent = $1 OR ${of}.session = $2 OR ${of}.session IN (SELECT id FROM sessions WHERE client_session = $3))`;

/** Pairs of a task and an element of it, whose key lies between `key[` and the sign that follows the bracket. */
const ELEMENTS = "tasks t JOIN tasks e ON e.run = t.run AND e.key > t.key || '[' AND e.key < t.key || '\\'";

/** Returns those of these tasks that a party has worked on, or on an element of which: one may come after its step was named. */
export function* workedOn(tasks: readonly string[], { agent, session, clientSession }: Party): Tx<string[]> {
  return yield* manyIn(only("task", text), tasks, (chunk) => {
    const [own, held, element, heldElement] = [0, 1, 2, 3].map((at) =>
      placeholders(chunk.length, 4 + at * chunk.length),
    );
    // sql: constants of this file.
    const query = `SELECT a.task FROM attempts a WHERE ${byParty("a")} AND a.task IN (${own})
     UNION SELECT t.id AS task FROM tasks t WHERE t.agent IS NOT NULL AND ${byParty("t")} AND t.id IN (${held})
     UNION SELECT t.id AS task FROM ${ELEMENTS} JOIN attempts a ON a.task = e.id WHERE ${byParty("a")} AND t.id IN (${element})
     UNION SELECT t.id AS task FROM ${ELEMENTS} WHERE e.agent IS NOT NULL AND ${byParty("e")} AND t.id IN (${heldElement})`;
    return [query, [agent, session, clientSession, ...chunk, ...chunk, ...chunk, ...chunk]];
  });
}
