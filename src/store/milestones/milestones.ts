import { chunksOf, insertRows, int, intOrNull, placeholders, text, textOrNull } from "../rows.js";
import { first, type Row, type Tx } from "../tx.js";

export type LinkKind = "run" | "task" | "workflow";

export interface Milestone {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly status: "open" | "completed";
  readonly dueAt: number | null;
  /** How many things it links, and how many of them have ended well. */
  readonly links: number;
  readonly done: number;
  readonly note: string | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly completedAt: number | null;
  /** Null where it completed by itself. */
  readonly completedBy: string | null;
}

export interface Link {
  readonly milestone: string;
  readonly kind: LinkKind;
  /** The id of the run, the task or the workflow. */
  readonly target: string;
  /** What people call it. */
  readonly label: string;
  readonly done: boolean;
}

const COLUMNS = [
  "id",
  "project",
  "name",
  "status",
  "due_at",
  "links",
  "done",
  "note",
  "created_at",
  "created_by",
  "completed_at",
  "completed_by",
].join(", ");

export function milestoneOf(row: Row): Milestone {
  return {
    id: text(row, "id"),
    project: text(row, "project"),
    name: text(row, "name"),
    // Held to the union by the table's CHECK, as is the kind of a link.
    status: text(row, "status") as Milestone["status"],
    dueAt: intOrNull(row, "due_at"),
    links: int(row, "links"),
    done: int(row, "done"),
    note: textOrNull(row, "note"),
    createdAt: int(row, "created_at"),
    createdBy: text(row, "created_by"),
    completedAt: intOrNull(row, "completed_at"),
    completedBy: textOrNull(row, "completed_by"),
  };
}

function linkOf(row: Row): Link {
  return {
    milestone: text(row, "milestone"),
    kind: text(row, "kind") as LinkKind,
    target: text(row, "target"),
    label: text(row, "label"),
    done: int(row, "done") === 1,
  };
}

export function* insertMilestone(milestone: Milestone): Tx<void> {
  const { id, project, name, status, dueAt, links, done, note } = milestone;
  const { createdAt, createdBy, completedAt, completedBy } = milestone;
  yield [
    `INSERT INTO milestones (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [id, project, name, status, dueAt, links, done, note, createdAt, createdBy, completedAt, completedBy],
  ];
}

/** Guarded by its being open; false when it was completed before. */
export function* saveMilestone(
  milestone: Pick<Milestone, "id" | "status" | "done" | "note" | "completedAt" | "completedBy">,
): Tx<boolean> {
  const { id, status, done, note, completedAt, completedBy } = milestone;
  const rows = yield [
    `UPDATE milestones SET status = $1, done = $2, note = $3, completed_at = $4, completed_by = $5
     WHERE id = $6 AND status = 'open' RETURNING id`,
    [status, done, note, completedAt, completedBy, id],
  ];
  return rows.length === 1;
}

const LINKS = { table: "milestone_links", columns: ["milestone", "kind", "target", "label", "done"] } as const;

export function* insertLinks(links: readonly Link[]): Tx<void> {
  yield* insertRows(
    LINKS,
    links.map(({ milestone, kind, target, label, done }) => [milestone, kind, target, label, done ? 1 : 0]),
  );
}

export function* findMilestone(project: string, name: string): Tx<Milestone | undefined> {
  const row = yield* first([`SELECT ${COLUMNS} FROM milestones WHERE project = $1 AND name = $2`, [project, name]]);
  return row && milestoneOf(row);
}

/** Those of a project: open ones first, the soonest due before the others, then by name. */
export function* milestonesOf(project: string, limit: number): Tx<Milestone[]> {
  const rows = yield [
    `SELECT ${COLUMNS} FROM milestones WHERE project = $1
     ORDER BY status DESC, due_at IS NULL, due_at, name LIMIT $2`,
    [project, limit],
  ];
  return rows.map(milestoneOf);
}

/** The links of milestones, in the order of their labels. */
export function* linksOf(milestones: readonly string[]): Tx<Link[]> {
  const links: Link[] = [];
  for (const chunk of chunksOf(milestones)) {
    const rows = yield [
      `SELECT milestone, kind, target, label, done FROM milestone_links
       WHERE milestone IN (${placeholders(chunk.length)}) ORDER BY milestone, label, target`,
      chunk,
    ];
    links.push(...rows.map(linkOf));
  }
  return links;
}

/** The open links to any of these, by their milestone. One look into an index that holds nothing but open links. */
export function* waitingFor(targets: readonly string[]): Tx<string[]> {
  const found = new Set<string>();
  for (const chunk of chunksOf(targets)) {
    const rows = yield [
      `SELECT milestone FROM milestone_links WHERE done = 0 AND target IN (${placeholders(chunk.length)})`,
      chunk,
    ];
    for (const row of rows) found.add(text(row, "milestone"));
  }
  return [...found].sort();
}

/** What a milestone links to these has ended well. Gives how many of its links have by now. */
export function* markDone(milestone: string, targets: readonly string[]): Tx<number> {
  for (const chunk of chunksOf(targets)) {
    yield [
      `UPDATE milestone_links SET done = 1 WHERE milestone = $1 AND done = 0 AND target IN (${placeholders(chunk.length, 2)})`,
      [milestone, ...chunk],
    ];
  }
  const row = yield* first([
    "SELECT count(*) AS done FROM milestone_links WHERE milestone = $1 AND done = 1",
    [milestone],
  ]);
  return row === undefined ? 0 : int(row, "done");
}

export interface MilestoneFigures {
  readonly open: number;
  readonly completed: number;
  /** Open ones past their time. */
  readonly overdue: number;
}

/** Those without milestones are not in the map. */
export function* countMilestones(projects: readonly string[], now: number): Tx<Map<string, MilestoneFigures>> {
  if (projects.length === 0) return new Map();
  const rows = yield [
    `SELECT project, count(*) AS milestones, count(completed_at) AS completed,
       count(CASE WHEN status = 'open' AND due_at < $1 THEN 1 END) AS overdue
     FROM milestones WHERE project IN (${placeholders(projects.length, 2)}) GROUP BY project`,
    [now, ...projects],
  ];
  return new Map(
    rows.map((row) => [
      text(row, "project"),
      {
        open: int(row, "milestones") - int(row, "completed"),
        completed: int(row, "completed"),
        overdue: int(row, "overdue"),
      },
    ]),
  );
}

/** Runs of a workflow that have not ended. */
export function* openRunsOf(workflows: readonly string[]): Tx<string[]> {
  const ids: string[] = [];
  for (const chunk of chunksOf(workflows)) {
    const rows = yield [
      `SELECT id FROM runs WHERE workflow IN (${placeholders(chunk.length)}) AND ended_at IS NULL`,
      chunk,
    ];
    ids.push(...rows.map((row) => text(row, "id")));
  }
  return ids;
}
