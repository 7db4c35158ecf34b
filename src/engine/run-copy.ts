import { findCounters } from "../store/counters.js";
import { pendingLettersOf, type PendingLetter } from "../store/dead-letters.js";
import { latestCursor } from "../store/history.js";
import * as copies from "../store/run-copies.js";
import type { Row, SqlValue, Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";

/** A run with all that belongs to it, as it stood at an instant. */
export interface RunCopy {
  readonly head: CopyHead;
  /** As JSON text; kept apart, because it can be long. Null for a run that has none. */
  readonly definition: string | null;
  /** JSON arrays of tasks, as the database words them. */
  readonly pages: readonly string[];
}

interface CopyHead {
  /** Without its definition. */
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
const BYTES_A_PAGE = 1024 * 1024;

/**
 * Copies a run: a query of many short statements, or a part of a transaction. Letters that a change has not written yet are given by it.
 * Undefined for a run that is gone.
 */
export function* copyRun(
  ctx: Pick<EngineContext, "now">,
  run: string,
  unwritten: readonly PendingLetter[] = [],
): Tx<RunCopy | undefined> {
  const row = yield* copies.runRow(run);
  if (!row) return undefined;
  const { definition, ...rest } = row;
  const columns = yield* copies.taskColumns(run);
  const head: CopyHead = {
    run: rest,
    columns,
    signals: yield* copies.signalRows(run),
    letters: [...(yield* pendingLettersOf(run)), ...unwritten],
    tally: yield* copies.tallyOf(run),
    cursor: yield* latestCursor(),
    changedAt: (yield* findCounters(run)).updatedAt,
    takenAt: ctx.now,
  };
  const pages: string[] = [];
  let after = "";
  for (let limit = TASKS_FIRST_PAGE; columns.length > 0;) {
    const page = yield* copies.taskPage({ run, columns, after, limit });
    if (page.rows.length > 0) pages.push(`[${page.rows.join(",")}]`);
    if (page.rows.length < limit) break;
    after = page.last;
    const bytesEach = (pages.at(-1)?.length ?? 1) / limit;
    limit = Math.max(1, Math.min(TASKS_A_PAGE_MAX, Math.floor(BYTES_A_PAGE / bytesEach)));
  }
  return { head, definition: typeof definition === "string" ? definition : null, pages };
}

/** The parts of a copy as they are kept. */
export function partsOfCopy({ head, definition, pages }: RunCopy): string[] {
  return [JSON.stringify(head), definition ?? "", ...pages];
}

/** A copy from its parts, which are as they were written. */
export function copyOfParts([head, definition, ...pages]: readonly string[]): RunCopy {
  if (head === undefined || definition === undefined) throw new Error("a copy of a run without its head");
  // Written by `partsOfCopy`, and the hash was right.
  return { head: JSON.parse(head) as CopyHead, definition: definition === "" ? null : definition, pages };
}

/** Takes a copy apart. */
export function readCopy({ head, definition, pages }: RunCopy): ReadCopy {
  const tasks = pages.flatMap((page) =>
    (JSON.parse(page) as (readonly SqlValue[])[]).map((values) => copies.copiedTask(head.columns, values)),
  );
  return { ...head, run: { ...head.run, definition }, tasks };
}
