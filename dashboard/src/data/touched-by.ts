import type { OperationName } from "./client.js";
import type { HistoryEvent } from "./history.js";

/** The types of events, by their beginnings, that change what an operation reads. */
const TOUCHED_BY: Partial<Record<OperationName, readonly string[]>> = {
  browse_messages: ["message."],
  check_budget: ["usage.", "budget.", "run.budget"],
  get_costs: ["usage."],
  get_dead_letter: ["task."],
  get_run: ["run.", "task.", "tasks.", "usage.", "budget."],
  // The tasks of a graph are followed one by one, see views/run/run-graph.ts.
  get_run_graph: [
    "run.modified",
    "run.planned",
    "run.reopened",
    "run.resumed",
    "run.cancel",
    "tasks.",
    "review.requested",
  ],
  get_supervision: ["review.", "approval.", "task.", "agent."],
  get_task: ["task.", "tasks.", "review."],
  get_workload: ["task.", "agent.", "session."],
  list_agents: ["agent.", "task.", "session.", "breaker."],
  list_dead_letters: ["task.", "run."],
  list_escalations: ["escalation.", "approval.", "task.", "budget.", "run."],
  list_events: [""],
  list_file_locks: ["lock.", "task."],
  list_projects: ["project.", "run.", "milestone.", "usage."],
  list_runs: ["run.", "task.", "tasks."],
  list_schedules: ["schedule."],
  list_tasks: ["task.", "tasks.", "run."],
};

/** Operations about one run: events of others do not touch them. */
const OF_A_RUN: ReadonlySet<string> = new Set<OperationName>(["get_run", "get_run_graph", "list_tasks"]);

/** Whether what an operation returned for this input may have changed by an event. */
export function isTouched(name: OperationName, input: Readonly<Record<string, unknown>>, event: HistoryEvent): boolean {
  const starts = TOUCHED_BY[name];
  if (starts === undefined) return false;
  const { run, task } = input;
  if (OF_A_RUN.has(name) && run !== undefined && event.run !== run) return false;
  if (name === "get_task" && event.task !== task) return false;
  return starts.some((start) => event.type.startsWith(start));
}
