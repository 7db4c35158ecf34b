import { requireEventTypes } from "../../base/notifications/known-types.js";
import { iso } from "../../base/time.js";
import { type EventFilters, latestCursor, readEvents } from "../../store/events/history.js";
import { BEGINNING, resumePoint } from "../../store/events/resuming.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireRun, requireTask } from "../lookup.js";
import { findProject } from "../projects/projects.js";
import { eventView } from "./views.js";

// The history as a stream: read on from a place for as long as the reader stays.

type EventView = ReturnType<typeof eventView>;

/** An event as it is shown, with the place behind which reading goes on. */
export interface FollowedEvent {
  readonly cursor: string;
  readonly view: EventView;
}

export interface FollowRequest {
  /** A cursor, or `beginning`. Default: the end of the history, so that news alone are read. */
  readonly after?: string | undefined;
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  /** An id, or `RUN/KEY`. */
  readonly task?: string | undefined;
  readonly agent?: string | undefined;
  readonly types?: readonly string[] | undefined;
}

/** Where a stream reads from, and the events that it takes. */
export interface FollowedHistory {
  readonly cursor: string;
  readonly filters: EventFilters;
  /** Set where the place that was asked for is gone. */
  readonly gone?: {
    readonly after: string;
    readonly begins: { readonly cursor: string; readonly at: string } | null;
  };
}

/** A query. Errors: `not_found`; `invalid_input` for what is no cursor and no type of event. */
export function* startFollowing(ctx: EngineContext, request: FollowRequest): Tx<FollowedHistory> {
  const { after, agent, types } = request;
  const task = request.task === undefined ? undefined : (yield* requireTask(request.task)).task;
  const run = request.run === undefined ? task?.run : (yield* requireRun(request.run)).id;
  const project = request.project === undefined ? undefined : (yield* findProject(ctx, request.project))?.id;
  requireEventTypes(types);
  const filters = { run, task: task?.id, project, agent, types };
  if (after === undefined) return { cursor: yield* latestCursor(), filters };
  const { cursor, gone } = yield* resumePoint(after === "beginning" ? BEGINNING : after);
  if (gone === undefined) return { cursor, filters };
  const { begins } = gone;
  return { cursor, filters, gone: { ...gone, begins: begins && { ...begins, at: iso(begins.at) } } };
}

export interface FollowedPage {
  readonly events: readonly FollowedEvent[];
  /** At the end of the history the newest event's of all, whether it matched or not: every reader that has come so far has the same. */
  readonly cursor: string;
  readonly more: boolean;
}

const EVENTS_AT_ONCE_MAX = 200;

/** The next events behind a cursor. A query. */
export function* nextEvents({ cursor, filters }: Omit<FollowedHistory, "gone">): Tx<FollowedPage> {
  const page = yield* readEvents({ after: cursor, filters, limit: EVENTS_AT_ONCE_MAX });
  const events = page.events.map((event) => ({ cursor: event.cursor, view: eventView(event) }));
  return { events, cursor: page.more ? page.cursor : yield* latestCursor(), more: page.more };
}
