import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { call, type InputOf, type Problem, type ResultOf } from "../../data/client.js";
import { type HistoryEvent, onEvents } from "../../data/history.js";
import { queryClient, useOperation } from "../../data/queries.js";

export type RunGraph = Exclude<ResultOf<"get_run_graph">["graph"], string>;
export type GraphTask = RunGraph["tasks"][number];

type Answer = ResultOf<"get_run_graph">;

/** As many tasks are read one by one after a few events; after more the whole graph is read again. */
const SINGLE_MAX = 12;

const inputOf = (run: string): InputOf<"get_run_graph"> => ({ run, format: "json" });

/** The tasks of a run with what they need, kept up to date by the history. */
export function useRunGraph(run: string): UseQueryResult<Answer, Problem> {
  useEffect(() => onEvents((events) => follow(run, events)), [run]);
  return useOperation("get_run_graph", inputOf(run), { readsAnew: true });
}

async function follow(run: string, events: readonly HistoryEvent[]): Promise<void> {
  const changed = new Set(
    events.flatMap(({ run: of, task, type }) =>
      of === run && task !== undefined && type.startsWith("task.") ? [task] : [],
    ),
  );
  if (changed.size === 0) return;
  const queryKey = ["get_run_graph", inputOf(run)];
  if (changed.size > SINGLE_MAX) return queryClient.invalidateQueries({ queryKey });
  const read = await Promise.all([...changed].map((task) => call("get_task", { task }).catch(() => undefined)));
  // A task that could not be read is read with the whole when the server answers again.
  if (read.includes(undefined)) return queryClient.invalidateQueries({ queryKey });
  const lines = new Map(
    read.flatMap((answer) => (answer === undefined ? [] : [[answer.task.id, answer.task] as const])),
  );
  queryClient.setQueryData<Answer>(queryKey, (before) => before && withTasks(before, lines));
}

function withTasks(answer: Answer, lines: ReadonlyMap<string, GraphTask>): Answer {
  if (typeof answer.graph === "string") return answer;
  return { ...answer, graph: { ...answer.graph, tasks: answer.graph.tasks.map((task) => lines.get(task.id) ?? task) } };
}
