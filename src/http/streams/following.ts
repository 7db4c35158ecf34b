import { hasCode } from "../../base/errors.js";
import { type FollowedHistory, nextEvents } from "../../engine/events/following.js";
import { type EventFeed, fed, type FedEvent } from "./feed.js";
import type { OpenHistory } from "./open-streams.js";

/** Sent together at most. */
const PORTION_MAX = 200;
const RETRY_MS = 1_000;

export interface Pace {
  /** A stream without news gives a sign of life so often. */
  readonly heartbeatMs: number;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

interface Portion {
  readonly events: readonly FedEvent[];
  readonly cursor: string;
  /** Nothing more is there before the next news of the feed. */
  readonly isLast: boolean;
  /** Set where the database did not answer. */
  readonly retryMs?: number;
}

/**
 * Follows the history from a place until the signal fires: gives the next events that match, and none as a sign of life. Reads the database
 * only until it has come up to the feed of all streams.
 */
export async function* follow(
  { reader, feed }: OpenHistory,
  { cursor: from, filters }: Omit<FollowedHistory, "gone">,
  { heartbeatMs, signal }: Pace,
): AsyncGenerator<readonly FedEvent[], undefined> {
  let cursor = from;
  let dueAt = performance.now() + heartbeatMs;
  while (!signal.aborted) {
    const portion: Portion = fedPortion(feed, cursor, filters) ?? (await ownPortion(cursor));
    cursor = portion.cursor;
    const remainingMs = dueAt - performance.now();
    if (portion.events.length > 0 || remainingMs <= 0) {
      yield portion.events;
      dueAt = performance.now() + heartbeatMs;
    } else if (portion.isLast) await newsWithin(feed, Math.min(remainingMs, portion.retryMs ?? remainingMs), signal);
  }

  async function ownPortion(after: string): Promise<Portion> {
    try {
      const page = await reader.read(() => nextEvents({ cursor: after, filters }));
      // The feed may have read on meanwhile; where it does not know the place, it has yet to come there.
      const isLast = !page.more && feed.behind(page.cursor) === undefined;
      return { events: page.events.map(fed), cursor: page.cursor, isLast };
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      return { events: [], cursor: after, isLast: true, retryMs: RETRY_MS };
    }
  }
}

function fedPortion(feed: EventFeed, cursor: string, filters: FollowedHistory["filters"]): Portion | undefined {
  const behind = feed.behind(cursor);
  if (behind === undefined) return undefined;
  const next = behind.slice(0, PORTION_MAX);
  return {
    events: next.filter((event) => matches(event, filters)),
    cursor: next.at(-1)?.cursor ?? cursor,
    isLast: behind.length === next.length,
  };
}

function matches({ view }: FedEvent, { run, task, project, agent, types = [] }: FollowedHistory["filters"]): boolean {
  return (
    (run === undefined || view.run === run) &&
    (task === undefined || view.task === task) &&
    (project === undefined || view.project === project) &&
    (agent === undefined || view.agent === agent) &&
    (types.length === 0 || types.includes(view.type))
  );
}

/** Settles with the next news of the feed, after so long, or when the signal fires. */
export function newsWithin(feed: EventFeed, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = feed.onNews(done);
    const timer = setTimeout(done, Math.max(0, ms));
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
