import { int, one, text, textOrNull } from "../rows.js";
import { insertInto, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

const FEEDBACK = table("feedback", {
  /** Id of the task, or `agent:NAME:DAY`. */
  subject: text,
  author: text,
  /** The agent whose work it is about. */
  agent: text,
  /** From -1 to 1. */
  score: int,
  note: textOrNull,
  at: int,
});
/** The word of an author on a task, or on an agent on a day. */
export interface Feedback extends RowOf<typeof FEEDBACK> {}

const INSERT = insertInto(FEEDBACK);

export function* insertFeedback(feedback: Feedback): Tx<void> {
  yield INSERT([feedback]);
}

export function* findFeedback({ subject, author }: Pick<Feedback, "subject" | "author">): Tx<Feedback | undefined> {
  return yield* one(FEEDBACK.read, [
    `SELECT ${FEEDBACK.columns} FROM feedback WHERE subject = $1 AND author = $2`,
    [subject, author],
  ]);
}

/** Removes feedback older than an instant, at most 100; its evidence stays. */
export function* deleteOldFeedback(before: number): Tx<void> {
  yield [
    "DELETE FROM feedback WHERE (subject, author) IN (SELECT subject, author FROM feedback WHERE at < $1 ORDER BY at LIMIT 100)",
    [before],
  ];
}
