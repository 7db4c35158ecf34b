import { findCounters } from "../store/counters.js";
import { pendingLettersOf, type PendingLetter } from "../store/dead-letters.js";
import { latestCursor } from "../store/history.js";
import * as copies from "../store/run-copies.js";
import type { Row, SqlValue, Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";

/** A run with all that belongs to it, as it stood at an instant. */
export interface RunCopy {
  readonly head: CopyHead;
  /** JSON arrays of tasks, as the database words them. */
  readonly pages: readonly string[];
}

interface CopyHead {
  /** Without its definition, which never changes. */
  readonly run: Row;
  /** Of a task. */
  readonly columns: readonly string[];
  readonly signals: readonly Row[];
  readonly letters: readonly PendingLetter[];
  readonly tally: copies.RunTally;
  readonly cursor: string;
  readonly changedAt: number;
  readonly takenAt: number;
}

/** A copy with its tasks taken apart, in no order. */
export interface ReadCopy extends CopyHead {
  readonly tasks: readonly copies.CopiedTask[];
}

const TASKS_A_PAGE_MAX = 1_000;
/** The first page is small: nobody knows yet how large a task is. */
const TASKS_FIRST_PAGE = 100;
/** So long that reading one does not hold others up: a few milliseconds. */
const BYTES_A_PAGE = 512 * 1024;

export interface Copying {
  /** Letters that a change has not written yet are given by it. */
  readonly unwritten?: readonly PendingLetter[];
  /** Told of each page as soon as it has been read. */
  readonly onPage?: (page: string) => void;
}

/** Copies a run: a query of many short statements, or a part of a transaction. Undefined for a run that is gone. */
export function* copyRun(
  ctx: Pick<EngineContext, "now">,
  run: string,
  { unwritten = [], onPage }: Copying = {},
): Tx<RunCopy | undefined> {
  const row = yield* copies.runRow(run);
  if (!row) return undefined;
  const columns = yield* copies.columnsOf("tasks");
  const { pages, tally } = yield* pagesOf(run, columns, onPage);
  const head: CopyHead = {
    run: row,
    columns,
    signals: yield* copies.signalRows(run),
    letters: [...(yield* pendingLettersOf(run)), ...unwritten],
    tally,
    cursor: yield* latestCursor(),
    changedAt: (yield* findCounters(run)).updatedAt,
    takenAt: ctx.now,
  };
  return { head, pages };
}

function* pagesOf(
  run: string,
  columns: readonly string[],
  onPage: Copying["onPage"],
): Tx<{ pages: string[]; tally: copies.RunTally }> {
  const pages: string[] = [];
  const counts: Record<string, number> = {};
  let attempts = 0;
  let after = "";
  for (let limit = TASKS_FIRST_PAGE; ;) {
    const page = yield* copies.taskPage({ run, columns, after, limit });
    if (page.rows.length > 0) {
      const text = `[${page.rows.join(",")}]`;
      pages.push(text);
      onPage?.(text);
    }
    for (const [status, count] of Object.entries(page.tally.counts)) counts[status] = (counts[status] ?? 0) + count;
    attempts += page.tally.attempts;
    if (page.rows.length < limit) return { pages, tally: { counts, attempts } };
    after = page.last;
    const bytesEach = (pages.at(-1)?.length ?? 1) / limit;
    limit = Math.max(1, Math.min(TASKS_A_PAGE_MAX, Math.floor(BYTES_A_PAGE / bytesEach)));
  }
}

/** The parts of a copy as they are kept: its head, then its pages. */
export function partsOfCopy(copy: RunCopy): string[] {
  return [headOfCopy(copy), ...copy.pages];
}

export function headOfCopy({ head }: RunCopy): string {
  return JSON.stringify(head);
}

/** Takes a copy apart. */
export function readCopy({ head, pages }: RunCopy): ReadCopy {
  return { ...head, tasks: pages.flatMap((page) => readPage(head, page)) };
}

/** A copy from its parts, which are as they were written; between two of them others go on. */
export async function readParts(parts: AsyncIterable<string>): Promise<ReadCopy> {
  let head: CopyHead | undefined;
  const tasks: copies.CopiedTask[] = [];
  for await (const part of parts) {
    // Written by `partsOfCopy`, and the hash was right.
    if (head === undefined) head = JSON.parse(part) as CopyHead;
    else tasks.push(...readPage(head, part));
  }
  if (head === undefined) throw new Error("a copy of a run without its head");
  return { ...head, tasks };
}

function readPage({ columns }: CopyHead, page: string): copies.CopiedTask[] {
  return (JSON.parse(page) as (readonly SqlValue[])[]).map((values) => copies.copiedTask(columns, values));
}
