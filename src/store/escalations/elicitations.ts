import { TASKS, taskAndSpecOf, type TaskAndSpec } from "../tasks/tasks.js";
import { mapIn, bySize, hit, int, intOrNull, placeholders, text, textOrNull } from "../rows.js";
import { columns, named, type RowOf } from "../tables.js";
import type { Row, Tx } from "../tx.js";

/** Questions that are being put to a person, and those that a person has put off. */

const ORIGIN = columns({
  run: named("run_name", text),
  project: named("project_name", text),
  /** The agent that started its run, and the process it was last heard of through. */
  startedBy: named("created_by", text),
  starterSession: textOrNull,
  /** The process that asks, or the time until which none may; undefined before the first. */
  elicitation: elicitationOf,
});
/** A human step that waits, with what its asker needs to know of where it comes from. */
export interface OpenQuestion extends TaskAndSpec, RowOf<typeof ORIGIN> {}

export interface Elicitation {
  /** The process that asks; null where a person has put it off. */
  readonly session: string | null;
  /** When it is over at the latest; where that process has ended, at once. */
  readonly until: number;
}

// CROSS JOIN tells SQLite to go from the runs to their tasks: by itself it reads what waits or is blocked in all runs there are.
const QUESTIONS = bySize(
  (size) => `WITH RECURSIVE below (id) AS (
      SELECT id FROM runs WHERE id IN (${placeholders(size, 2)}) AND ended_at IS NULL
      UNION SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id WHERE r.ended_at IS NULL
    )
    SELECT ${TASKS.columnsOf("t")}, s.spec, r.name AS run_name, p.name AS project_name, r.created_by, g.session AS starter_session,
      a.until_at, a.session AS elicited_by, x.expires_at AS session_expires_at, x.ended_at AS session_ended_at
    FROM below b CROSS JOIN runs r CROSS JOIN tasks t JOIN task_specs s ON s.task = t.id JOIN projects p ON p.id = r.project
    LEFT JOIN agents g ON g.name = r.created_by
    LEFT JOIN askings a ON a.task = t.id AND a.token = t.token LEFT JOIN sessions x ON x.id = a.session
    WHERE r.id = b.id AND t.run = b.id AND t.status = 'waiting' AND t.kind = 'human'
    ORDER BY t.id || '' LIMIT $1`,
);

/** Returns the open questions of these unfinished runs and of their descendants, in order of creation. */
export function* questionsWithin(runs: readonly string[], limit: number): Tx<OpenQuestion[]> {
  const found = yield* mapIn(questionOf, runs, (chunk) => [QUESTIONS(chunk.length), [limit, ...chunk]]);
  return [...found.values()].sort((a, b) => (a.task.id < b.task.id ? -1 : 1));
}

function questionOf(row: Row): [task: string, question: OpenQuestion] {
  const question = { ...taskAndSpecOf(row), ...ORIGIN.read(row) };
  return [question.task.id, question];
}

function elicitationOf(row: Row): Elicitation | undefined {
  const until = intOrNull(row, "until_at");
  if (until === null) return undefined;
  const session = textOrNull(row, "elicited_by");
  if (session === null) return { session, until };
  // A process that has ended asks no more.
  if (row["session_expires_at"] === null || row["session_ended_at"] !== null) return undefined;
  return { session, until: Math.min(until, int(row, "session_expires_at")) };
}

export interface NewElicitation {
  readonly task: string;
  readonly token: number;
  /** Session of the asking process; null to put the question off. */
  readonly session: string | null;
  readonly until: number;
  readonly now: number;
}

/** Takes a question on; false where another process asks it, or a person has put it off. */
export function* claimElicitation({ task, token, session, until, now }: NewElicitation): Tx<boolean> {
  return yield* hit([
    `INSERT INTO askings (task, token, session, until_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (task) DO UPDATE SET token = excluded.token, session = excluded.session, until_at = excluded.until_at
     WHERE askings.token <> excluded.token OR askings.until_at <= $5 OR askings.session = excluded.session
       OR (askings.session IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM sessions s WHERE s.id = askings.session AND s.ended_at IS NULL AND s.expires_at > $5))
     RETURNING task`,
    [task, token, session, until, now],
  ]);
}

/** Puts a question off until then, whichever process asks it now. */
export function* putOff({ task, token, until }: Pick<NewElicitation, "task" | "token" | "until">): Tx<void> {
  yield [
    `INSERT INTO askings (task, token, session, until_at) VALUES ($1, $2, NULL, $3)
     ON CONFLICT (task) DO UPDATE SET token = excluded.token, session = NULL, until_at = excluded.until_at`,
    [task, token, until],
  ];
}

/** The process no longer asks. */
export function* endElicitation(task: string, session: string): Tx<void> {
  yield ["DELETE FROM askings WHERE task = $1 AND session = $2", [task, session]];
}

/** Nothing is to be asked any more. */
export function* forgetElicitation(task: string): Tx<void> {
  yield ["DELETE FROM askings WHERE task = $1", [task]];
}
