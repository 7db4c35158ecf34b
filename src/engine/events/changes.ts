import { type EventPage, latestCursor, readEvents, type StoredEvent } from "../../store/events/history.js";
import type { Tx } from "../../store/tx.js";

/** The part of an event that says which entities it changed. */
export interface ChangedEntities extends Pick<StoredEvent, "type" | "project" | "run" | "task"> {
  /** Addressee of a message; null for every other event. */
  readonly to: string | null;
}

/** Changes from the beginning of a subscription on, as the history says them; none at all are a sign of life. */
export type ChangeFeed = AsyncGenerator<readonly ChangedEntities[], undefined>;

export interface Changes extends Omit<EventPage, "events"> {
  readonly changes: readonly ChangedEntities[];
}

const CHANGES_AT_ONCE_MAX = 500;

/** An event as it is stored, or as it is shown, where what it has none of is left out. */
type SaidEvent = Pick<StoredEvent, "type" | "data"> &
  Partial<Record<"project" | "run" | "task", string | null | undefined>>;

/** The part of an event that says what it changed. */
export function changesIn({ type, project = null, run = null, task = null, data }: SaidEvent): ChangedEntities {
  const to = type === "message.sent" && typeof data["to"] === "string" ? data["to"] : null;
  return { type, project, run, task, to };
}

/** The next changes after a cursor, in order. A query. */
export function* changesSince(cursor: string): Tx<Changes> {
  const { events, ...place } = yield* readEvents({ after: cursor, limit: CHANGES_AT_ONCE_MAX });
  return { changes: events.map(changesIn), ...place };
}

/** The cursor behind which everything is news. */
export function* nowInHistory(): Tx<string> {
  return yield* latestCursor();
}
