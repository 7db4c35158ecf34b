import { silentSince } from "../../store/agents/agents.js";
import { childRunsOf } from "../../store/child-runs/child-runs.js";
import { type Counters, findCounters } from "../../store/runs/counters.js";
import type { Run } from "../../store/runs/runs.js";
import { tasksInState } from "../../store/tasks/lists.js";
import { type Phase, phasesOf } from "../../store/tasks/phases.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type BudgetView, budgetView, budgetToShow } from "../cost/budget-state.js";
import { requireRun } from "../lookup.js";
import { type Pending, pendingAfter, type Retrying, retryingIn } from "../tasks/outlook.js";

export interface RunView {
  readonly run: Run;
  readonly counters: Counters;
}

const SHOWN_MAX = 20;
const PHASES_SHOWN_MAX = 50;

export interface RunOverview extends RunView {
  readonly ready: readonly Task[];
  readonly running: readonly Task[];
  /** Since when the holders of these have made no call, of those that are silent. */
  readonly silent: ReadonlyMap<string, number>;
  /** Failed tasks that are tried again. */
  readonly retrying: readonly Retrying[];
  readonly waiting: readonly Task[];
  /** Pending tasks that come next, after those above. */
  readonly pending: readonly Pending[];
  readonly blocked: readonly Task[];
  readonly dead: readonly Task[];
  /** The runs that those wait for which wait for one, by task. */
  readonly children: ReadonlyMap<string, string>;
  readonly budget: BudgetView | undefined;
  readonly phases: readonly Phase[];
}

/** A run with what can be done in it now and what cannot, from counters and short lists, whatever its size. */
export function* getRun(id: string): Tx<RunOverview> {
  const run = yield* requireRun(id);
  const counters = yield* findCounters(id);
  const list = function* (status: Task["status"], count: number): Tx<Task[]> {
    return count === 0 ? [] : yield* tasksInState(id, status, SHOWN_MAX);
  };
  const waiting = yield* list("waiting", counters.waiting);
  const running = yield* list("running", counters.running);
  const ready = yield* list("ready", counters.ready);
  const inReview = yield* list("in_review", counters.in_review);
  const retrying = counters.pending === 0 ? [] : yield* retryingIn({ run: id }, SHOWN_MAX);
  const open = [...running, ...ready, ...waiting, ...inReview, ...retrying.map(({ task }) => task)];
  const budget = yield* budgetToShow(run);
  const callers = waiting.filter(({ kind }) => kind === "workflow").map((task) => task.id);
  return {
    run,
    counters,
    children: yield* childRunsOf(id, callers),
    ready,
    running,
    silent: yield* silentSince(running.flatMap(({ agent }) => agent ?? [])),
    retrying,
    waiting: [...waiting, ...inReview],
    pending: counters.pending === retrying.length ? [] : yield* pendingAfter(open, SHOWN_MAX),
    blocked: yield* list("blocked", counters.blocked),
    dead: yield* list("dead_letter", counters.dead_letter),
    budget: budget && budgetView(budget),
    phases: yield* phasesOf(id, PHASES_SHOWN_MAX),
  };
}
