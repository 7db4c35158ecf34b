import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { call, type Problem } from "../../data/client.js";
import { type HistoryEvent, onEvents } from "../../data/history.js";
import { queryClient } from "../../data/queries.js";

/** A stretch of time of a task: in the queue, or an attempt. */
export interface Span {
  readonly kind: "queued" | "attempt";
  readonly from: number;
  /** Absent while it lasts. */
  readonly to?: number;
  readonly agent?: string;
  /** How the attempt ended, as the type of its event. */
  readonly outcome?: string;
}

export interface TaskSpans {
  readonly task: string;
  readonly key: string;
  readonly spans: readonly Span[];
}

/** Events in between, which end no stretch. */
const BETWEEN = new Set([
  "task.progress",
  "task.asked",
  "task.escalated",
  "task.routed",
  "task.passed_over",
  "task.preempt_requested",
  "task.preempt_lifted",
  "task.cancel_requested",
  "task.child_started",
]);
const QUEUES = new Set(["task.ready", "task.replayed"]);
const STARTS = new Set(["task.claimed", "task.started", "task.waiting", "task.resumed"]);
const PAGE_SIZE = 200;
const PAGES_MAX = 40;

/** The stretches of each task, in the order in which the first of them began. */
export function spansOf(events: readonly HistoryEvent[]): TaskSpans[] {
  const tasks = new Map<string, { task: string; key: string; spans: Span[] }>();
  for (const { type, task, at, agent, data } of events) {
    if (task === undefined || !type.startsWith("task.") || BETWEEN.has(type)) continue;
    const time = Date.parse(at);
    const { key } = data;
    const entry = tasks.get(task) ?? { task, key: typeof key === "string" ? key : task, spans: [] };
    tasks.set(task, entry);
    const last = entry.spans.at(-1);
    if (last !== undefined && last.to === undefined) {
      entry.spans[entry.spans.length - 1] = {
        ...last,
        to: time,
        ...(last.kind === "attempt" && { outcome: type.slice(5) }),
      };
    }
    if (QUEUES.has(type)) entry.spans.push({ kind: "queued", from: time });
    else if (STARTS.has(type)) entry.spans.push({ kind: "attempt", from: time, ...(agent !== undefined && { agent }) });
  }
  return [...tasks.values()].filter(({ spans }) => spans.length > 0);
}

export interface Timeline {
  readonly events: readonly HistoryEvent[];
  /** The history is longer than what is read here. */
  readonly isCut: boolean;
}

/** The history of a run, read once and then followed. */
export function useTimeline(run: string): UseQueryResult<Timeline, Problem> {
  useEffect(
    () =>
      onEvents((events) =>
        queryClient.setQueryData<Timeline>(["timeline", run], (before) => before && withEvents(before, run, events)),
      ),
    [run],
  );
  return useQuery({
    queryKey: ["timeline", run],
    // It is followed only while it is shown.
    refetchOnMount: "always",
    queryFn: async ({ signal }) => {
      const heard: HistoryEvent[] = [];
      const stop = onEvents((events) => heard.push(...events));
      try {
        return withEvents(await readAll(run, signal), run, heard);
      } finally {
        stop();
      }
    },
  });
}

/** With those of the run's events that are news. */
function withEvents(timeline: Timeline, run: string, events: readonly HistoryEvent[]): Timeline {
  const last = timeline.events.at(-1)?.seq ?? -1;
  const fresh = events.filter((event) => event.run === run && event.seq > last);
  return fresh.length === 0 ? timeline : { ...timeline, events: [...timeline.events, ...fresh] };
}

async function readAll(run: string, signal: AbortSignal): Promise<Timeline> {
  const events: HistoryEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await call(
      "list_events",
      { run, limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) },
      signal,
    );
    events.push(...answer.events);
    if (!answer.more) return { events, isCut: false };
    cursor = answer.next_cursor;
  }
  return { events, isCut: true };
}
