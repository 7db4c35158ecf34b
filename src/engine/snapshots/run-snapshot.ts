import { artifactsOfRun } from "../../store/artifacts/artifacts.js";
import { findCounters } from "../../store/runs/counters.js";
import { pendingDeadLettersOf, type PendingDeadLetter } from "../../store/dead-letters/dead-letters.js";
import { latestCursor } from "../../store/events/history.js";
import * as snapshots from "../../store/snapshots/run-snapshots.js";
import type { Row, Tx } from "../../store/tx.js";
import { markWindows, type WindowMark } from "./context-windows.js";
import type { EngineContext } from "../context.js";

/** A run with all that belongs to it, as it stood at an instant. */
export interface RunSnapshot {
  readonly head: SnapshotHead;
  /** Of tasks, as the database words them; none where each went to `onPage`. */
  readonly pages: readonly string[];
}

/** The brief of a run as it was when a checkpoint was taken. */
export interface KeptBrief {
  readonly text: string;
  readonly tokens: number;
  /** SHA-256 of the text. */
  readonly hash: string;
}

export interface SnapshotHead {
  /** Without its definition, which never changes. */
  readonly run: Row;
  /** Columns of a task. */
  readonly columns: readonly string[];
  readonly signals: readonly Row[];
  /** Under this key in stored checkpoints. */
  readonly letters: readonly PendingDeadLetter[];
  /** Ids of the artifacts that count; absent in checkpoints of before there were any. */
  readonly artifacts?: readonly string[];
  /** The context windows of its tasks; absent where there are none. */
  readonly windows?: readonly WindowMark[];
  /** The brief is absent in those taken within a change of the run, and of before there were any. */
  readonly brief?: KeptBrief;
  readonly tally: snapshots.RunTally;
  readonly cursor: string;
  readonly changedAt: number;
  readonly takenAt: number;
}

/** A snapshot with its tasks parsed, in no order. */
export interface OpenSnapshot extends SnapshotHead {
  readonly tasks: readonly snapshots.SnapshotTask[];
}

const HEADLESS = "a snapshot of a run without its head";
const TASKS_A_PAGE_MAX = 1_000;
/** The first page is small, because the size of a task is not known yet; each next page may be so much larger. */
const TASKS_FIRST_PAGE = 16;
const GROWTH_MAX = 8;
/** So long that reading one does not hold others up: a few milliseconds. */
const BYTES_A_PAGE = 512 * 1024;

export interface SnapshotOptions {
  /** Dead letters that the change has yet to write. */
  readonly unwritten?: readonly PendingDeadLetter[];
  /** Receives each page as soon as it has been read: the snapshot then keeps none. */
  readonly onPage?: (page: string) => void;
}

/** Reads a run as data: a query of many short statements, or a part of a transaction. Undefined for a run that is gone. */
export function* snapshotRun(
  ctx: Pick<EngineContext, "now">,
  run: string,
  { unwritten = [], onPage }: SnapshotOptions = {},
): Tx<RunSnapshot | undefined> {
  const row = yield* snapshots.runRow(run);
  if (!row) return undefined;
  const columns = yield* snapshots.columnsOf("tasks");
  const pages: string[] = [];
  const tally = yield* readPages(run, columns, onPage ?? ((page) => void pages.push(page)));
  const windows = yield* markWindows(run);
  const head: SnapshotHead = {
    run: row,
    columns,
    signals: yield* snapshots.signalRows(run),
    letters: [...(yield* pendingDeadLettersOf(run)), ...unwritten],
    artifacts: yield* artifactsOfRun(run),
    ...(windows.length > 0 && { windows }),
    tally,
    cursor: yield* latestCursor(),
    changedAt: (yield* findCounters(run)).updatedAt,
    takenAt: ctx.now,
  };
  return { head, pages };
}

function* readPages(run: string, columns: readonly string[], onPage: (page: string) => void): Tx<snapshots.RunTally> {
  const counts: Record<string, number> = {};
  let attempts = 0;
  let after = "";
  for (let limit = TASKS_FIRST_PAGE; ;) {
    const page = yield* snapshots.taskPage({ run, columns, after, limit });
    if (!page) return { counts, attempts };
    onPage(page.text);
    let tasks = 0;
    for (const [status, count] of Object.entries(page.tally.counts)) {
      counts[status] = (counts[status] ?? 0) + count;
      tasks += count;
    }
    attempts += page.tally.attempts;
    if (tasks < limit) return { counts, attempts };
    after = page.last;
    const fitting = Math.floor(BYTES_A_PAGE / (page.text.length / tasks));
    limit = Math.max(1, Math.min(TASKS_A_PAGE_MAX, GROWTH_MAX * limit, fitting));
  }
}

/** The parts of a snapshot as they are stored: its head, then its pages. */
export function partsOf(snapshot: RunSnapshot): string[] {
  return [headText(snapshot), ...snapshot.pages];
}

export function headText({ head }: RunSnapshot): string {
  return JSON.stringify(head);
}

/** Parses a snapshot that has just been made. */
export function openSnapshot({ head, pages }: RunSnapshot): OpenSnapshot {
  return { ...head, tasks: pages.flatMap((page) => snapshots.tasksOfPage(head.columns, page)) };
}

/** Parses the first part of a stored snapshot alone. */
export async function readHead(parts: AsyncIterable<string>): Promise<SnapshotHead> {
  // Written by `partsOf`, and the hash was right.
  for await (const part of parts) return JSON.parse(part) as SnapshotHead;
  throw new Error(HEADLESS);
}

/** Parses the parts of a stored snapshot of a format; other work goes on between two of them. */
export async function readParts(parts: AsyncIterable<string>, format: number): Promise<OpenSnapshot> {
  const tasksOf = format === 1 ? snapshots.tasksOfRows : snapshots.tasksOfPage;
  let head: SnapshotHead | undefined;
  const tasks: snapshots.SnapshotTask[] = [];
  for await (const part of parts) {
    // Written by `partsOf`, and the hash was right.
    if (head === undefined) head = JSON.parse(part) as SnapshotHead;
    else tasks.push(...tasksOf(head.columns, part));
  }
  if (head === undefined) throw new Error(HEADLESS);
  return { ...head, tasks };
}
