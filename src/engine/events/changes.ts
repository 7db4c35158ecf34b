import { type EventPage, latestCursor, readEvents, type StoredEvent } from "../../store/events/history.js";
import type { Tx } from "../../store/tx.js";

/** The part of an event that says which entities it changed. */
export type ChangedEntities = Pick<StoredEvent, "type" | "project" | "run" | "task">;

export interface Changes extends Omit<EventPage, "events"> {
  readonly changes: readonly ChangedEntities[];
}

const CHANGES_AT_ONCE_MAX = 500;

/** The next changes after a cursor, in order. A query. */
export function* changesSince(cursor: string): Tx<Changes> {
  const { events, ...place } = yield* readEvents({ after: cursor, limit: CHANGES_AT_ONCE_MAX });
  return { changes: events.map(({ type, project, run, task }) => ({ type, project, run, task })), ...place };
}

/** The cursor behind which everything is news. */
export function* nowInHistory(): Tx<string> {
  return yield* latestCursor();
}
