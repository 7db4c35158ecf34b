import { APPROVALS, type Approval, outdated, PERSON_ROLE } from "../approvals/approvals.js";
import { TASKS, taskAndSpecOf, type TaskAndSpec } from "../tasks/tasks.js";
import { bySize, hit, int, intOrNull, mapIn, placeholders, text, textOrNull } from "../rows.js";
import { columns, named, type RowOf, type Table } from "../tables.js";
import type { Row, Tx } from "../tx.js";
import { type Escalation, ESCALATIONS } from "./escalations.js";

/**
 * Questions that are being put to a person, and those that a person has put off. The column `task` has the id of the question: of a task that
 * waits, of an escalation or of an approval.
 */

const ORIGIN = columns({
  /** Null for a question of no run. */
  run: named("run_name", textOrNull),
  project: named("project_name", text),
  /** The agent that started its run, else the one that asks, and the process it was last heard of through. */
  startedBy: named("created_by", text),
  starterSession: textOrNull,
  /** The process that asks, or the time until which none may; undefined before the first. */
  elicitation: elicitationOf,
});
/** Where an open question comes from, and who asks it now. */
export interface Origin extends RowOf<typeof ORIGIN> {}
/** A human step that waits. */
export interface OpenQuestion extends TaskAndSpec, Origin {}

export interface Elicitation {
  /** The session of the process that asks, or the token of the client over the network that is asked; null where a person has put it off. */
  readonly holder: string | null;
  /** When it is over at the latest; where that process has ended, at once. */
  readonly until: number;
}

const below = (size: number) => `WITH RECURSIVE below (id) AS (
      SELECT id FROM runs WHERE id IN (${placeholders(size, 2)}) AND ended_at IS NULL
      UNION SELECT r.id FROM runs r JOIN below b ON r.parent_run = b.id WHERE r.ended_at IS NULL
    )`;
const ASKED_BY =
  "g.session AS starter_session, a.until_at, a.session AS elicited_by, x.expires_at AS session_expires_at, x.ended_at AS session_ended_at";

// CROSS JOIN tells SQLite to go from the runs to their tasks: by itself it reads what waits or is blocked in all runs there are.
const STEPS = bySize(
  // sql: constants of this file.
  (size) => `${below(size)}
    SELECT ${TASKS.columnsOf("t")}, s.spec, r.name AS run_name, p.name AS project_name, r.created_by, ${ASKED_BY}
    FROM below b CROSS JOIN runs r CROSS JOIN tasks t JOIN task_specs s ON s.task = t.id JOIN projects p ON p.id = r.project
    LEFT JOIN agents g ON g.name = r.created_by
    LEFT JOIN askings a ON a.task = t.id AND a.token = t.token LEFT JOIN sessions x ON x.id = a.session
    WHERE r.id = b.id AND t.run = b.id AND t.status = 'waiting' AND t.kind = 'human'
    ORDER BY t.id || '' LIMIT $1`,
);

/** The open rows of a table that wait for a person, are named, or belong to a run that is, or to none and the project of one that is. */
function openRows({ name, columnsOf }: Pick<Table<unknown>, "name" | "columnsOf">, forPerson: string) {
  return bySize((size) => {
    const about = placeholders(size, 2);
    // sql: constants of this file.
    return `${below(size)}
    SELECT ${columnsOf("q")}, r.name AS run_name, p.name AS project_name, COALESCE(r.created_by, q.asked_by) AS created_by, ${ASKED_BY}
    FROM ${name} q JOIN projects p ON p.id = q.project LEFT JOIN runs r ON r.id = q.run
    LEFT JOIN agents g ON g.name = COALESCE(r.created_by, q.asked_by)
    LEFT JOIN askings a ON a.task = q.id LEFT JOIN sessions x ON x.id = a.session
    WHERE q.decided_at IS NULL AND ${forPerson} AND (q.id IN (${about}) OR q.run IN (${about}) OR q.run IN (SELECT id FROM below)
      OR (q.run IS NULL AND q.project IN (SELECT project FROM runs WHERE id IN (${about}))))
    ORDER BY q.id LIMIT $1`;
  });
}

const ESCALATED = openRows(
  ESCALATIONS,
  `q.tier = 'human' AND (q.token IS NULL OR EXISTS (
      SELECT 1 FROM tasks t WHERE t.id = q.task AND t.status = 'waiting' AND t.token = q.token))`,
);
const TO_APPROVE = openRows(APPROVALS, `q.role = '${PERSON_ROLE}' AND NOT ${outdated("q")}`);

/** Lists the human steps that wait in these unfinished runs and in their descendants. */
export function* stepsToElicit(about: readonly string[], limit: number): Tx<OpenQuestion[]> {
  const found = yield* mapIn(stepOf, about, (chunk) => [STEPS(chunk.length), [limit, ...chunk]]);
  return [...found.values()];
}

/**
 * Lists the escalations that wait for a person: these, those of these runs and their descendants, and those of no run in their projects;
 * without those for which a task has stopped waiting.
 */
export function* escalationsToElicit(about: readonly string[], limit: number): Tx<Elicited<Escalation>[]> {
  const found = yield* mapIn(withOrigin(ESCALATIONS), about, (chunk) => [ESCALATED(chunk.length), [limit, ...chunk]]);
  return [...found.values()];
}

/** Lists the approvals that wait for a person in the same way, without those of an artifact that has changed since. */
export function* approvalsToElicit(about: readonly string[], limit: number): Tx<Elicited<Approval>[]> {
  const found = yield* mapIn(withOrigin(APPROVALS), about, (chunk) => [TO_APPROVE(chunk.length), [limit, ...chunk]]);
  return [...found.values()];
}

/** An open question, with where it comes from. */
export type Elicited<T> = T & { readonly origin: Origin };

function stepOf(row: Row): [task: string, question: OpenQuestion] {
  const question = { ...taskAndSpecOf(row), ...ORIGIN.read(row) };
  return [question.task.id, question];
}

function withOrigin<T extends { readonly id: string }>({ read }: Table<T>) {
  return (row: Row): [id: string, question: Elicited<T>] => {
    const question = { ...read(row), origin: ORIGIN.read(row) };
    return [question.id, question];
  };
}

function elicitationOf(row: Row): Elicitation | undefined {
  const until = intOrNull(row, "until_at");
  if (until === null) return undefined;
  const holder = textOrNull(row, "elicited_by");
  if (holder === null || isToken(holder)) return { holder, until };
  // A process that has ended asks no more.
  if (row["session_expires_at"] === null || row["session_ended_at"] !== null) return undefined;
  return { holder, until: Math.min(until, int(row, "session_expires_at")) };
}

/** A client over the network has no process whose end could be seen. */
function isToken(holder: string): boolean {
  return holder.startsWith(TOKEN);
}

export interface NewElicitation {
  /** Id of the question. */
  readonly id: string;
  /** Tells it from the next one of the same task; 0 for what is asked once. */
  readonly token: number;
  /** Session of the asking process, or the token of the client that is asked. */
  readonly holder: string;
  readonly until: number;
  readonly now: number;
}

const TOKEN = "token_";

/** Takes a question on; false where another asks it, or a person has put it off. */
export function* claimElicitation({ id, token, holder, until, now }: NewElicitation): Tx<boolean> {
  return yield* hit([
    // sql: a constant of this file.
    `INSERT INTO askings (task, token, session, until_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (task) DO UPDATE SET token = excluded.token, session = excluded.session, until_at = excluded.until_at
     WHERE askings.token <> excluded.token OR askings.until_at <= $5
       OR (askings.session NOT LIKE '${TOKEN}%' AND (askings.session = excluded.session OR NOT EXISTS (
         SELECT 1 FROM sessions s WHERE s.id = askings.session AND s.ended_at IS NULL AND s.expires_at > $5)))
     RETURNING task`,
    [id, token, holder, until, now],
  ]);
}

/** Puts a question off until then, whichever process asks it now. */
export function* putOff({ id, token, until }: Pick<NewElicitation, "id" | "token" | "until">): Tx<void> {
  yield [
    `INSERT INTO askings (task, token, session, until_at) VALUES ($1, $2, NULL, $3)
     ON CONFLICT (task) DO UPDATE SET token = excluded.token, session = NULL, until_at = excluded.until_at`,
    [id, token, until],
  ];
}

/** Whether a question is being put to this holder. */
export function* hasElicitation(holder: string, now: number): Tx<boolean> {
  return yield* hit(["SELECT 1 FROM askings WHERE session = $1 AND until_at > $2 LIMIT 1", [holder, now]]);
}

/** The holder no longer asks, or is no longer asked. */
export function* endElicitation(id: string, holder: string): Tx<void> {
  yield ["DELETE FROM askings WHERE task = $1 AND session = $2", [id, holder]];
}

/** Nothing is to be asked any more. */
export function* forgetElicitation(id: string): Tx<void> {
  yield ["DELETE FROM askings WHERE task = $1", [id]];
}

/** Removes what says nothing any more: its time is over. */
export function* deleteLapsedElicitations(now: number): Tx<void> {
  yield ["DELETE FROM askings WHERE until_at <= $1", [now]];
}
