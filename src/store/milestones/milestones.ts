import { MILESTONE_STATUSES, LINK_KINDS } from "../../base/statuses.js";
import {
  many,
  manyIn,
  mapIn,
  eachIn,
  flag,
  hit,
  idOf,
  int,
  intOrNull,
  one,
  oneOf,
  only,
  placeholders,
  sole,
  text,
  textOrNull,
} from "../rows.js";
import { columns, insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const MILESTONES = table("milestones", {
  id: text,
  project: text,
  name: text,
  status: oneOf(MILESTONE_STATUSES),
  dueAt: intOrNull,
  /** How many things it links, and how many of them have ended well. */
  links: int,
  done: int,
  note: textOrNull,
  createdAt: int,
  createdBy: text,
  completedAt: intOrNull,
  /** Null where it completed by itself. */
  completedBy: textOrNull,
});
export interface Milestone extends RowOf<typeof MILESTONES> {}

export const MILESTONE_LINKS = table("milestone_links", {
  milestone: text,
  kind: oneOf(LINK_KINDS),
  /** The id of the run, the task or the workflow. */
  target: text,
  /** The name people use for the target. */
  label: text,
  done: flag,
});
export interface Link extends RowOf<typeof MILESTONE_LINKS> {}

const INSERT = insertInto(MILESTONES);
const INSERT_LINKS = insertInto(MILESTONE_LINKS);

export function* insertMilestone(milestone: Milestone): Tx<void> {
  yield INSERT([milestone]);
}

export function insertLinks(links: readonly Link[]): Tx<void> {
  return insertRows(INSERT_LINKS, links);
}

/** Guarded by its being open; false when it was completed before. */
export function* saveMilestone(
  milestone: Pick<Milestone, "id" | "status" | "done" | "note" | "completedAt" | "completedBy">,
): Tx<boolean> {
  const { id, status, done, note, completedAt, completedBy } = milestone;
  return yield* hit([
    `UPDATE milestones SET status = $1, done = $2, note = $3, completed_at = $4, completed_by = $5
     WHERE id = $6 AND status = 'open' RETURNING id`,
    [status, done, note, completedAt, completedBy, id],
  ]);
}

export function* findMilestone(project: string, name: string): Tx<Milestone | undefined> {
  return yield* one(MILESTONES.read, [
    `SELECT ${MILESTONES.columns} FROM milestones WHERE project = $1 AND name = $2`,
    [project, name],
  ]);
}

/** Returns a project's milestones: open ones first, the soonest due before the others, then by name. */
export function* milestonesOf(project: string, limit: number): Tx<Milestone[]> {
  return yield* many(MILESTONES.read, [
    `SELECT ${MILESTONES.columns} FROM milestones WHERE project = $1
     ORDER BY status DESC, due_at IS NULL, due_at, name LIMIT $2`,
    [project, limit],
  ]);
}

/** The links of milestones, in the order of their labels. */
export function* linksOf(milestones: readonly string[]): Tx<Link[]> {
  return yield* manyIn(MILESTONE_LINKS.read, milestones, (chunk) => [
    `SELECT ${MILESTONE_LINKS.columns} FROM milestone_links
       WHERE milestone IN (${placeholders(chunk.length)}) ORDER BY milestone, label, target`,
    chunk,
  ]);
}

/** The open links to any of these, by their milestone. One look into an index that holds nothing but open links. */
export function* waitingFor(targets: readonly string[]): Tx<string[]> {
  const found = yield* manyIn(only("milestone", text), targets, (chunk) => [
    `SELECT milestone FROM milestone_links WHERE done = 0 AND target IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
  return [...new Set(found)].sort();
}

/** Marks a milestone's links to these targets as done. Returns how many of its links are done by now. */
export function* markDone(milestone: string, targets: readonly string[]): Tx<number> {
  yield* eachIn(targets, (chunk) => [
    `UPDATE milestone_links SET done = 1 WHERE milestone = $1 AND done = 0 AND target IN (${placeholders(chunk.length, 2)})`,
    [milestone, ...chunk],
  ]);
  return yield* sole(only("done", int), [
    "SELECT count(*) AS done FROM milestone_links WHERE milestone = $1 AND done = 1",
    [milestone],
  ]);
}

const STATS = columns({
  open: int,
  completed: int,
  /** Open ones past their time. */
  overdue: int,
});
export interface MilestoneStats extends RowOf<typeof STATS> {}

/** Counts milestones per project; a project without any is not in the map. */
export function* countMilestones(projects: readonly string[], now: number): Tx<Map<string, MilestoneStats>> {
  return yield* mapIn(
    (row) => [text(row, "project"), STATS.read(row)],
    projects,
    (chunk) => [
      `SELECT project, count(*) - count(completed_at) AS open, count(completed_at) AS completed,
       count(CASE WHEN status = 'open' AND due_at < $1 THEN 1 END) AS overdue
     FROM milestones WHERE project IN (${placeholders(chunk.length, 2)}) GROUP BY project`,
      [now, ...chunk],
    ],
  );
}

/** Runs of a workflow that have not ended. */
export function* openRunsOf(workflows: readonly string[]): Tx<string[]> {
  return yield* manyIn(idOf, workflows, (chunk) => [
    `SELECT id FROM runs WHERE workflow IN (${placeholders(chunk.length)}) AND ended_at IS NULL`,
    chunk,
  ]);
}
