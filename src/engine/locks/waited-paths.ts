import { newestAnywhere, type StoredEvent } from "../../store/events/history.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A path that agents stood in line for. */
export interface WaitedPath {
  readonly path: string;
  readonly waits: number;
  /** Together, those that go on still among them. */
  readonly waited_ms: number;
}

const SHOWN_MAX = 5;

/**
 * Returns the paths of a project for which requests in line waited longest, as far as the newest 10,000 events tell it. A request of several
 * paths counts for each of them. A query.
 */
export function* waitedPaths(ctx: EngineContext, project: string): Tx<WaitedPath[]> {
  const events = yield* newestAnywhere(["lock.queued", "lock.granted", "lock.offered", "lock.withdrawn"]);
  const own = events.filter((event) => event.project === project).toReversed();
  const ends = new Map<unknown, number>();
  for (const event of own) {
    const { request } = event.data;
    if (event.type !== "lock.queued" && !ends.has(request)) ends.set(request, event.at);
  }
  const sums = new Map<string, WaitedPath>();
  for (const event of own.filter(({ type }) => type === "lock.queued"))
    for (const path of pathsOf(event)) {
      const { waits = 0, waited_ms = 0 } = sums.get(path) ?? {};
      const ms = Math.max(0, (ends.get(event.data["request"]) ?? ctx.now) - event.at);
      sums.set(path, { path, waits: waits + 1, waited_ms: waited_ms + ms });
    }
  return [...sums.values()].sort((a, b) => b.waited_ms - a.waited_ms || (a.path < b.path ? -1 : 1)).slice(0, SHOWN_MAX);
}

function pathsOf({ data }: StoredEvent): string[] {
  const { paths } = data;
  return Array.isArray(paths) ? paths.filter((path) => typeof path === "string") : [];
}
