import { REVIEW_TIERS, type Severity, VERDICTS } from "../../base/statuses.js";
import {
  conditionsOf,
  flag,
  idOf,
  int,
  intOrNull,
  list,
  many,
  manyIn,
  one,
  only,
  oneOf,
  oneOfOrNull,
  placeholders,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, insertRows, named, type RowOf, table } from "../tables.js";
import { TASKS, type Task } from "../tasks/tasks.js";
import type { Tx } from "../tx.js";

/** A fault, or a remark, of a reviewer. */
export interface ReviewFinding {
  readonly severity: Severity;
  readonly what: string;
  /** File and line, or the place in words. */
  readonly where?: string | undefined;
  readonly suggestion?: string | undefined;
}

const REVIEWS = table("reviews", {
  /** Id of the task of its reviewer. */
  id: text,
  project: text,
  run: text,
  /** Id of the reviewed task; null where an artifact alone is judged. */
  task: textOrNull,
  /** The reviewed attempt. */
  attempt: int,
  /** Counts the reviews of a task, from 1. */
  round: int,
  tier: oneOf(REVIEW_TIERS),
  role: textOrNull,
  /** Whether its verdict decides the state of the reviewed task. */
  binding: flag,
  author: textOrNull,
  requestedBy: text,
  criteria: list<string>,
  /** Id of the artifact that is judged: the diff of a task's files. */
  artifact: textOrNull,
  hash: textOrNull,
  /** The commit at which the diff was made. */
  commit: named("commit_id", textOrNull),
  /** Why there is no diff. */
  noDiff: textOrNull,
  createdAt: int,
  verdict: oneOfOrNull(VERDICTS),
  reviewer: textOrNull,
  critique: textOrNull,
  findings: list<ReviewFinding>,
  decidedAt: intOrNull,
});
/** A review of a task, or of an artifact, by another agent or a person. Whether it is open, the task of its reviewer says. */
export interface Review extends RowOf<typeof REVIEWS> {}

const INSERT = insertInto(REVIEWS);

export function* insertReview(review: Review): Tx<void> {
  yield INSERT([review]);
}

/** The review of a reviewer's task. */
export function* findReview(id: string): Tx<Review | undefined> {
  return yield* one(REVIEWS.read, [`SELECT ${REVIEWS.columns} FROM reviews WHERE id = $1`, [id]]);
}

// A task that was made after the checkpoint to which its run was taken back is called `KEY~ID`.
const OF_TASK = `SELECT ${REVIEWS.columnsOf("r")} FROM reviews r JOIN tasks t ON t.id = r.id AND t.key NOT LIKE '%~%'
  WHERE r.task = $1`;

const NEWEST = "ORDER BY r.round DESC, r.id DESC LIMIT 200";

/** Reviews of a task, oldest first, without those that a return to a checkpoint has taken back. The newest 200. */
export function* reviewsOf(task: string): Tx<Review[]> {
  return (yield* many(REVIEWS.read, [`${OF_TASK} ${NEWEST}`, [task]])).reverse();
}

/** Reviews of a task whose verdict counts, oldest first: that of a task which is to be done again after a return does not. The newest 200. */
export function* decidedReviews(task: string): Tx<Review[]> {
  const sql = `${OF_TASK} AND r.verdict IS NOT NULL AND t.status = 'succeeded' ${NEWEST}`;
  return (yield* many(REVIEWS.read, [sql, [task]])).reverse();
}

const LAST_VERDICT = columns({ key: text, verdict: oneOfOrNull(VERDICTS) });

/** The newest verdict that counts on each of these tasks, of those that agents do; null for a task without one. */
export function* lastVerdicts(tasks: readonly string[]): Tx<RowOf<typeof LAST_VERDICT>[]> {
  return yield* manyIn(LAST_VERDICT.read, tasks, (chunk) => [
    `SELECT o.key, (SELECT r.verdict FROM reviews r JOIN tasks t ON t.id = r.id AND t.key NOT LIKE '%~%'
         WHERE r.task = o.id AND r.verdict IS NOT NULL AND t.status = 'succeeded' ORDER BY r.round DESC, r.id DESC LIMIT 1) AS verdict
       FROM tasks o WHERE o.id IN (${placeholders(chunk.length)}) AND o.kind = 'agent' ORDER BY o.id`,
    chunk,
  ]);
}

/** Judgements of an artifact of a run that are open or decided, oldest first. At most 50. */
export function* judgementsOf(run: string, artifact: string): Tx<Review[]> {
  return yield* many(REVIEWS.read, [
    `SELECT ${REVIEWS.columnsOf("r")} FROM reviews r JOIN tasks t ON t.id = r.id AND t.key NOT LIKE '%~%'
       AND t.status IN ('pending', 'ready', 'running', 'waiting', 'succeeded')
     WHERE r.run = $1 AND r.artifact = $2 AND r.task IS NULL ORDER BY r.id LIMIT 50`,
    [run, artifact],
  ]);
}

const OPEN = "t.status IN ('pending', 'ready', 'running', 'waiting')";

/** The open tasks of reviewers of a task. */
export function* openReviewTasks(task: string): Tx<Task[]> {
  return yield* many(TASKS.read, [
    `SELECT ${TASKS.columnsOf("t")} FROM reviews r JOIN tasks t ON t.id = r.id WHERE r.task = $1 AND ${OPEN} ORDER BY t.id`,
    [task],
  ]);
}

/** Ids of the dead letters' tasks among those of the reviewers that were to decide about a task. */
export function* lostReviewTasks(task: string): Tx<string[]> {
  return yield* many(idOf, [
    "SELECT t.id FROM reviews r JOIN tasks t ON t.id = r.id AND t.status = 'dead_letter' WHERE r.task = $1 AND r.binding = 1 ORDER BY t.id",
    [task],
  ]);
}

/** The tasks of reviewers, of these, whose verdict would decide about a task that waits for none. */
export function* overReviews(reviewers: readonly string[]): Tx<Task[]> {
  return yield* manyIn(TASKS.read, reviewers, (chunk) => [
    `SELECT ${TASKS.columnsOf("t")} FROM reviews r JOIN tasks t ON t.id = r.id JOIN tasks o ON o.id = r.task AND o.status <> 'in_review'
      WHERE r.id IN (${placeholders(chunk.length)}) AND r.binding = 1 ORDER BY t.id`,
    chunk,
  ]);
}

/** Ids of the tasks in review whose reviewers' tasks these are. */
export function* awaitingReviewers(reviewers: readonly string[]): Tx<string[]> {
  return yield* manyIn(idOf, reviewers, (chunk) => [
    `SELECT t.id FROM reviews r JOIN tasks t ON t.id = r.task AND t.status = 'in_review'
      WHERE r.id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** The time at which a failed reviewer's task is replayed automatically; null where none will be. */
export function* awaitedReplay(task: string): Tx<number | null> {
  const found = yield* one(only("due_at", intOrNull), [
    `SELECT max(d.due_at) AS due_at FROM reviews r JOIN dead_letters d ON d.task = r.id AND d.status = 'pending' WHERE r.task = $1`,
    [task],
  ]);
  return found ?? null;
}

/** An open review with the state and the holder of its reviewer's task. */
export interface OpenReview {
  readonly review: Review;
  readonly task: Task;
}

export interface ReviewFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Open reviews in the order in which they were requested. */
export function* openReviews({ limit, ...filter }: ReviewFilter): Tx<OpenReview[]> {
  const { where, params } = conditionsOf([
    ["r.project =", filter.project],
    ["r.run =", filter.run],
    ["r.id >", filter.after],
  ]);
  const reviews = yield* many(REVIEWS.read, [
    // sql: the comparisons are those above.
    `SELECT ${REVIEWS.columnsOf("r")} FROM reviews r JOIN tasks t ON t.id = r.id AND ${OPEN} ${where} ORDER BY r.id LIMIT $${params.length + 1}`,
    [...params, limit],
  ]);
  const tasks = yield* manyIn(
    TASKS.read,
    reviews.map(({ id }) => id),
    (chunk) => [`SELECT ${TASKS.columns} FROM tasks WHERE id IN (${placeholders(chunk.length)})`, chunk],
  );
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return reviews.flatMap((review) => {
    const task = byId.get(review.id);
    return task === undefined ? [] : [{ review, task }];
  });
}

export interface VerdictRecord extends Pick<
  Review,
  "id" | "verdict" | "reviewer" | "critique" | "findings" | "decidedAt"
> {}

/** Records a verdict. One that stands from before a return to a checkpoint is replaced. */
export function* decideReview({ id, verdict, reviewer, critique, findings, decidedAt }: VerdictRecord): Tx<void> {
  const found = findings.length === 0 ? null : JSON.stringify(findings);
  yield [
    "UPDATE reviews SET verdict = $1, reviewer = $2, critique = $3, findings = $4, decided_at = $5 WHERE id = $6",
    [verdict, reviewer, critique, found, decidedAt, id],
  ];
}

/** Binds an open review to another diff. */
export function* replaceDiff({ id, artifact, hash, commit }: Review): Tx<void> {
  yield ["UPDATE reviews SET artifact = $1, hash = $2, commit_id = $3 WHERE id = $4", [artifact, hash, commit, id]];
}

interface Fork {
  /** Ids of the tasks of reviewers in the origin. */
  readonly reviews: readonly string[];
  /** The id that a task of the origin has here. */
  readonly own: (task: string) => string;
}

/** Copies reviews into a fork. */
export function* copyReviews(run: string, { reviews, own }: Fork): Tx<void> {
  const found = yield* manyIn(REVIEWS.read, reviews, (chunk) => [
    `SELECT ${REVIEWS.columns} FROM reviews WHERE id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  yield* insertRows(
    INSERT,
    found.map((review) => ({
      ...review,
      id: own(review.id),
      task: review.task === null ? null : own(review.task),
      // Attempts of a fork are counted anew.
      attempt: 1,
      run,
    })),
  );
}

/** Reviews about a run, or about one of its tasks, open or not, newest first; not those that a return to a checkpoint has taken back. */
export function* reviewsAbout({
  run,
  task,
  limit,
}: {
  run: string;
  task?: string | undefined;
  limit: number;
}): Tx<Review[]> {
  return yield* many(REVIEWS.read, [
    `SELECT ${REVIEWS.columnsOf("r")} FROM reviews r JOIN tasks t ON t.id = r.id AND t.key NOT LIKE '%~%'
     WHERE r.run = $1 AND ($2 = '' OR r.task = $2) ORDER BY r.id DESC LIMIT $3`,
    [run, task ?? "", limit],
  ]);
}
