import { ATTEMPT_OUTCOMES } from "../../base/statuses.js";
import { type AttemptError } from "./attempts.js";
import { int, jsonOrNull, manyIn, oneOf, placeholders, text, textOrNull } from "../rows.js";
import { columns, type RowOf } from "../tables.js";
import type { Tx } from "../tx.js";

/** The ends of many tasks, and what they waited for, for an export. */

const NEEDS = columns({ task: text, key: text });

/** The keys of the tasks that these depend on, in the order of their ids within each. */
export function* neededKeys(tasks: readonly string[]): Tx<RowOf<typeof NEEDS>[]> {
  return yield* manyIn(NEEDS.read, tasks, (chunk) => [
    `SELECT d.task, n.key FROM dependencies d JOIN tasks n ON n.id = d.dependency
     WHERE d.task IN (${placeholders(chunk.length)}) ORDER BY d.task, n.id`,
    chunk,
  ]);
}

const OUTCOMES = columns({
  task: text,
  agent: text,
  outcome: oneOf(ATTEMPT_OUTCOMES),
  /** The beginning of the JSON text of the result. */
  result: textOrNull,
  resultChars: int,
  error: jsonOrNull<AttemptError>,
});
export interface TaskOutcome extends RowOf<typeof OUTCOMES> {}

/** The newest ended attempt of each of these tasks, with so many characters of its result. */
export function* lastOutcomes(tasks: readonly string[], chars: number): Tx<TaskOutcome[]> {
  return yield* manyIn(OUTCOMES.read, tasks, (chunk) => [
    `SELECT a.task, a.agent, a.outcome, substr(a.result, 1, $1) AS result, COALESCE(length(a.result), 0) AS result_chars, a.error
     FROM attempts a WHERE a.task IN (${placeholders(chunk.length, 2)})
       AND a.number = (SELECT max(l.number) FROM attempts l WHERE l.task = a.task)`,
    [chars, ...chunk],
  ]);
}
