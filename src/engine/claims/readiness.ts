import { dependencyResults } from "../../store/tasks/attempts.js";
import { findAgent, type FoundAgent } from "../../store/agents/agents.js";
import { type Demand, findDemand, parkedOn } from "../../store/scheduling/lanes.js";
import { demandsAlone } from "../../store/scheduling/running-alone.js";
import { demandsWithResources, heldAtHand } from "../../store/scheduling/obstacles.js";
import { type Counters, findCounters } from "../../store/runs/counters.js";
import { runningTasksOf, type Reason, type Task } from "../../store/tasks/tasks.js";
import type { Run } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { connectionOf, offerOf, requireAgent } from "../agents/agents.js";
import { commandObstacle } from "../policy/command-runners.js";
import type { EngineContext } from "../context.js";
import { unmet } from "../scheduling/demands.js";
import { iso } from "../../base/time.js";
import { conflictsOfScope } from "../locks/task-locks.js";
import { isAlone, isOpen } from "../lifecycle/run-state.js";
import { budgetSentence, blockedBudget, budgetState, widerBudgets } from "../cost/budget-state.js";
import { requireRun, requireTask } from "../lookup.js";
import { callObstacle } from "../breakers/servers.js";
import { whyShort } from "../resources/tasks.js";
import { offerFor } from "./offers.js";
import { judge } from "../scheduling/triggers.js";
import { dependencyCounts } from "../lifecycle/dependents.js";

export interface Readiness {
  readonly task: Task;
  /** By its own dependencies and time. */
  readonly ready: boolean;
  /** By everything: its run, its files, and the agent asked about. */
  readonly claimable: boolean;
  readonly reasons: readonly Reason[];
}

/** Why a task cannot start: every reason, not the first. With an agent, whether that agent could take it. */
export function* checkTaskReady(
  ctx: EngineContext,
  input: { task: string; agent?: string | undefined },
): Tx<Readiness> {
  const { task } = yield* requireTask(input.task);
  const run = yield* requireRun(task.run);
  if (task.status === "running") {
    const reason = { kind: "running", detail: `${task.agent ?? "an agent"} is at work on it`, blocking: [] };
    return { task, ready: false, claimable: false, reasons: [reason] };
  }
  const own = yield* ownReasons(ctx, task);
  const others = [
    ...(yield* runReasons(run)),
    ...(yield* fileReasons(ctx, task, input.agent)),
    ...(yield* takerReasons(ctx, task, input.agent)),
  ];
  const ready = task.status === "ready";
  return { task, ready, claimable: ready && own.length + others.length === 0, reasons: [...own, ...others] };
}

/** Why ready tasks cannot be claimed now by any agent, by task; those that can be are not in it. What several share is read once. */
export function* whyNotClaimable(
  ctx: EngineContext,
  tasks: readonly Task[],
): Tx<ReadonlyMap<string, readonly Reason[]>> {
  const known = new Map<string, readonly Reason[]>();
  const found = new Map<string, readonly Reason[]>();
  for (const task of tasks) {
    const reasons = [
      ...(yield* once(known, `run ${task.run}`, function* () {
        return yield* runReasons(yield* requireRun(task.run));
      })),
      ...(yield* once(known, `files ${task.project} ${task.scope} ${task.demand}`, () => fileReasons(ctx, task))),
      ...(yield* once(known, `taker ${task.run} ${task.demand} ${task.reservedUntil}`, () =>
        takerReasons(ctx, task, undefined),
      )),
    ];
    if (reasons.length > 0) found.set(task.id, reasons);
  }
  return found;
}

/**
 * The same of the ready tasks of a run for a look at it: of those that a server carries out, of those that require resources, and of those
 * that wait because one runs alone. Why others wait is in the claims of agents.
 */
export function* whyShownWaits(
  ctx: EngineContext,
  tasks: readonly Task[],
  counters: Counters,
): Tx<ReadonlyMap<string, readonly Reason[]>> {
  if (isAlone(counters)) return yield* whyNotClaimable(ctx, tasks);
  const demands = tasks.map(({ demand }) => demand);
  const told = new Set(yield* demandsWithResources(demands));
  if (counters.running > 0) for (const demand of yield* demandsAlone(demands)) told.add(demand);
  const isShown = ({ kind, demand }: Task) => kind === "tool" || kind === "command" || told.has(demand);
  return yield* whyNotClaimable(ctx, tasks.filter(isShown));
}

/** Why a ready task waits: the reasons of any agent, and for whom it is that have failed it and leave it to others still. */
export function* whyReadyWaits(ctx: EngineContext, task: Task): Tx<readonly Reason[]> {
  const demand = yield* findDemand(task.demand);
  const found = [...((yield* whyNotClaimable(ctx, [task])).get(task.id) ?? [])];
  for (const name of demand?.reservedFor === null ? demand.failedBy : []) {
    const agent = yield* findAgent(name);
    const gaps = agent && demand ? yield* gapsOf(ctx, agent, { task, demand }) : [];
    found.push(...gaps.filter(({ kind }) => kind === "excluded").map((gap) => ({ ...gap, blocking: [] })));
  }
  return found;
}

function* gapsOf(ctx: EngineContext, agent: FoundAgent, { task, demand }: Omit<TakerQuestion, "name">) {
  const offer = yield* offerFor(ctx, offerOf(agent, {}, connectionOf(agent)), [{ demand, head: task.id }]);
  return unmet(offer, demand);
}

function* once<T>(known: Map<string, T>, key: string, read: () => Tx<T>): Tx<T> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const value = yield* read();
  known.set(key, value);
  return value;
}

function* ownReasons(ctx: EngineContext, task: Task): Tx<Reason[]> {
  if (task.status === "ready") return [];
  if (task.status !== "pending") {
    return task.reasons.length > 0
      ? [...task.reasons]
      : [{ kind: task.status, detail: `it is ${task.status}`, blocking: [] }];
  }
  const reasons: Reason[] = [];
  if (task.availableAt !== null) {
    const isDue = task.availableAt <= ctx.now;
    const detail = isDue
      ? "its next try is due: the next claim takes it"
      : `its next try starts at ${iso(task.availableAt)}`;
    reasons.push({ kind: "retry_wait", detail, blocking: [] });
  }
  if (task.availableAt === null && judge(task.trigger, dependencyCounts(task)) === "wait") {
    const open = (yield* dependencyResults(task.id, 0)).filter((dependency) => !SETTLED.has(dependency.status));
    reasons.push({
      kind: "dependencies",
      detail: `${open.length} of its ${task.depsTotal} dependencies are open: ${namesOf(open.map(({ key }) => key))}`,
      blocking: open.map((dependency) => dependency.task),
    });
  }
  return reasons;
}

const SETTLED: ReadonlySet<string> = new Set(["succeeded", "skipped", "blocked", "cancelled", "dead_letter"]);
const NAMES_MAX = 10;

function namesOf(keys: readonly string[]): string {
  const more = keys.length - NAMES_MAX;
  return `${keys.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function* runReasons(run: Run): Tx<Reason[]> {
  if (run.stage === "stopping" && run.endedAt === null)
    return [
      { kind: "run_stopped", detail: "a task of its run failed, and nothing new begins in it", blocking: [run.id] },
    ];
  const undoes = run.status === "compensating" && run.stage === "undoing";
  if (run.status !== "running" && run.status !== "planning" && !undoes) {
    return [{ kind: `run_${run.status}`, detail: `its run is ${run.status}`, blocking: [run.id] }];
  }
  const wider = (yield* widerBudgets({ project: run.project })).find((one) => budgetState(one) === "blocked");
  const budget = (yield* blockedBudget(run)) ?? wider;
  const reasons = budget ? [{ kind: "budget", detail: budgetSentence(budget), blocking: [budget.id] }] : [];
  const counters = yield* findCounters(run.id);
  if (isOpen({ ...run, overBudget: false }, counters)) return reasons;
  if (isAlone(counters)) {
    const { names, tasks } = yield* workIn(run.id);
    return [...reasons, { kind: "runs_alone", detail: `${names} runs alone in its run`, blocking: tasks }];
  }
  return [
    ...reasons,
    {
      kind: "at_capacity",
      detail: `${counters.running} tasks of its run are running, and max_parallel is ${run.maxParallel}`,
      blocking: [run.id],
    },
  ];
}

function* fileReasons(ctx: EngineContext, task: Task, agent = ""): Tx<Reason[]> {
  if (task.scope === "") return [];
  const conflicts = yield* conflictsOfScope(ctx, { project: { id: task.project }, scope: task.scope, agent });
  if (conflicts === undefined) return [TOO_MANY_LOCKS];
  const parked = yield* parkedOn(task);
  if (conflicts.length === 0) return [];
  return conflicts.map((conflict) => ({
    kind: "locked",
    detail: `${conflict.path} is locked by ${conflict.held_by}${conflict.task === undefined ? "" : ` for task ${conflict.task}`}${parked === undefined ? "" : "; it waits for that lock"}`,
    blocking: conflict.task === undefined ? [] : [conflict.task],
  }));
}

const TOO_MANY_LOCKS: Reason = {
  kind: "too_many_locks",
  detail: "so many of its globs meet so many locks that they are not compared: name directories instead",
  blocking: [],
};

/** Why a task that runs alone in its run waits: others of it are running. */
function* aloneReasons({ run }: Task, { alone }: Demand): Tx<Reason[]> {
  const { names, tasks } = alone ? yield* workIn(run) : NO_WORK;
  if (tasks.length === 0) return [];
  return [{ kind: "runs_alone", detail: `it runs alone in its run, where ${names} is running`, blocking: tasks }];
}

const NO_WORK = { names: "", tasks: [] } as const;

/** The tasks of a run that agents are at work on. */
function* workIn(run: string): Tx<{ names: string; tasks: readonly string[] }> {
  const held = yield* heldAtHand({ run }, NAMES_MAX + 1);
  const tasks = held.slice(0, NAMES_MAX).map(({ id }) => id);
  return { names: namesOf(held.map(({ key, agent }) => `${key} by ${agent}`)), tasks };
}

/** When a reservation ends by itself, as the end of a sentence. */
function untilOf(ctx: EngineContext, { reservedUntil }: Task): string {
  return reservedUntil === null || reservedUntil <= ctx.now ? "" : ` until ${iso(reservedUntil)}`;
}

function* takerReasons(ctx: EngineContext, task: Task, name: string | undefined): Tx<Reason[]> {
  const demand = yield* findDemand(task.demand);
  if (!demand) return [];
  const short = yield* whyShort(ctx, name ?? "", demand);
  const reasons = [
    ...(yield* takerReasonsOf(ctx, { task, demand, name })),
    ...(task.status === "running" ? [] : yield* aloneReasons(task, demand)),
  ];
  return short === undefined ? reasons : [...reasons, { kind: "resources", ...short }];
}

interface TakerQuestion {
  readonly task: Task;
  readonly demand: Demand;
  readonly name: string | undefined;
}

function* takerReasonsOf(ctx: EngineContext, { task, demand, name }: TakerQuestion): Tx<Reason[]> {
  if (demand.executor === "command") {
    const obstacle = yield* commandObstacle(ctx, {
      project: task.project,
      run: task.run,
      line: demand.command ?? "",
    });
    return obstacle === undefined ? [] : [obstacle];
  }
  if (demand.executor === "tool") {
    const obstacle = yield* callObstacle(ctx, { run: task.run, line: demand.command ?? "" });
    return obstacle === undefined ? [] : [obstacle];
  }
  if (name === undefined) {
    return demand.reservedFor === null
      ? []
      : [{ kind: "reserved", detail: `it is reserved for ${demand.reservedFor}${untilOf(ctx, task)}`, blocking: [] }];
  }
  const agent = yield* requireAgent(name);
  const gaps = (yield* gapsOf(ctx, agent, { task, demand })).map(({ kind, detail }) => ({
    kind,
    detail: kind === "reserved" ? `${detail}${untilOf(ctx, task)}` : detail,
    blocking: [],
  }));
  const live = yield* runningTasksOf(agent.name, agent.maxConcurrentTasks);
  if (live.length < agent.maxConcurrentTasks) return gaps;
  return [
    ...gaps,
    {
      kind: "agent_at_capacity",
      detail: `${agent.name} is running ${live.length} of at most ${agent.maxConcurrentTasks}`,
      blocking: live.map((running) => running.id),
    },
  ];
}
