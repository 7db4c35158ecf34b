import type { ConflictRecord } from "../../store/conflicts/conflicts.js";
import { findRequest, type LockRequest } from "../../store/locks/requests.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { planLoad } from "../load/rebalancing.js";
import type { Move } from "../load/balance.js";
import { PRIORITIES } from "../scheduling/order.js";
import { deadlineOf, remainingMs } from "./deadlines.js";
import {
  alternativesTo,
  APPLICABLE,
  type Contender,
  type FixedStrategy,
  inOrder,
  outranks,
  reasonOf,
} from "./strategies.js";

/** A step of a resolution. */
export type ConflictAction =
  | { readonly do: "order"; readonly run: string; readonly first: string; readonly second: string }
  | { readonly do: "prioritize"; readonly run: string; readonly task: string; readonly priority: "critical" | "high" }
  | { readonly do: "preempt"; readonly task: string }
  /** Requests for locks, in the order in which they are to be served. */
  | { readonly do: "reorder"; readonly requests: readonly string[] }
  | { readonly do: "withdraw"; readonly request: string }
  | ({ readonly do: "move" } & Move);

export interface ResolutionPlan {
  readonly strategy: FixedStrategy;
  readonly actions: readonly ConflictAction[];
  readonly decision: string;
  readonly reason: string;
  readonly alternatives: readonly string[];
  readonly expectedMs: number;
}

interface Case {
  readonly conflict: ConflictRecord;
  readonly strategy: FixedStrategy;
  readonly tasks: readonly Task[];
  readonly contenders: readonly Contender[];
  readonly requests: readonly LockRequest[];
}

type Decided = Pick<ResolutionPlan, "actions" | "decision">;

/** Returns what a strategy does about a conflict, or a text that says why it does nothing. A query. */
export function* planResolution(
  ctx: EngineContext,
  conflict: ConflictRecord,
  strategy: FixedStrategy,
): Tx<ResolutionPlan | string> {
  if (!APPLICABLE[conflict.kind].includes(strategy)) return `${strategy} cannot resolve a conflict of this kind`;
  const ids = conflict.parties.flatMap(({ task }) => task ?? []);
  const found = yield* findTasks(ids);
  const tasks = ids.flatMap((id) => found.find((task) => task.id === id && task.endedAt === null) ?? []);
  const requests: LockRequest[] = [];
  for (const { role, request } of conflict.parties)
    if (role === "waits" && request !== undefined)
      requests.push(...[yield* findRequest(request)].flatMap((one) => one ?? []));
  const known = new Set(tasks.map(({ id }) => id));
  const contenders = [
    ...tasks.map((task) => contenderOf(ctx.now, task)),
    ...requests.filter(({ task }) => task === null || !known.has(task)).map(requester),
  ];
  const one: Case = { conflict, strategy, tasks, contenders, requests };
  const decided = yield* decide(ctx, one);
  if (typeof decided === "string") return decided;
  const [first] = inOrder(strategy, contenders);
  return {
    strategy,
    ...decided,
    reason: first === undefined ? "it is served in order" : reasonOf(strategy, first),
    alternatives: alternativesTo(strategy, conflict.kind, contenders),
    expectedMs: tasks.reduce((sum, task) => sum + remainingMs(ctx.now, task), 0),
  };
}

function contenderOf(now: number, task: Task): Contender {
  const { id, key, priority, rankOrder, readyAt, createdAt } = task;
  const since = task.startedAt ?? readyAt ?? createdAt;
  return {
    id,
    name: key,
    priority,
    deadline: deadlineOf(task),
    chainMs: -rankOrder,
    remainingMs: remainingMs(now, task),
    since,
  };
}

/** A request without a task has no priority or deadline of its own. */
function requester({ id, agent, ttlMs, askedAt }: LockRequest): Contender {
  return {
    id,
    name: agent,
    priority: PRIORITIES.normal,
    deadline: null,
    chainMs: 0,
    remainingMs: ttlMs,
    since: askedAt,
  };
}

function* decide(ctx: EngineContext, one: Case): Tx<Decided | string> {
  switch (one.conflict.kind) {
    case "overlapping_scopes":
      return orderPair(one);
    case "lock_contention":
      return yieldLock(ctx, one);
    case "wait_cycle":
      return breakCycle(one);
    case "deadline":
      return one.strategy === "rebalance" ? yield* spread(ctx, one) : goFirst(one);
    case "resources":
      return { actions: [], decision: "the requests are served in line, by dominant share" };
    default:
      return "no strategy resolves it: it is for its parties";
  }
}

function orderPair({ strategy, tasks, contenders }: Case): Decided | string {
  if (tasks.length < 2) return "one of its tasks has ended";
  const ordered = inOrder(strategy, contenders).flatMap(({ id }) => tasks.find((task) => task.id === id) ?? []);
  const [first, second] = ordered;
  if (!first || !second || tasks.some(({ status }) => status === "running")) return "one of its tasks runs already";
  if (first.run === second.run)
    return {
      actions: [{ do: "order", run: first.run, first: first.key, second: second.key }],
      decision: `${second.key} waits for ${first.key}`,
    };
  return { ...prioritized(first, [second]), decision: `${first.key} goes before ${second.key}` };
}

/** Lets a task be claimed before others: by its priority, and where theirs is as high, by lowering that. */
function prioritized(first: Task, others: readonly Task[]): Pick<Decided, "actions"> {
  const raise = first.priority < PRIORITIES.critical;
  const lower = others.filter(({ priority, status }) => priority >= PRIORITIES.critical && status !== "running");
  return {
    actions: [
      ...(raise && first.status !== "running"
        ? [{ do: "prioritize" as const, run: first.run, task: first.key, priority: "critical" as const }]
        : []),
      ...lower.map(({ run, key }) => ({ do: "prioritize" as const, run, task: key, priority: "high" as const })),
    ],
  };
}

function yieldLock(ctx: EngineContext, { conflict, strategy, tasks, contenders, requests }: Case): Decided | string {
  if (strategy === "share") return shared(requests);
  const holding = conflict.parties.find(({ role }) => role === "holds");
  const holder = contenders.find(({ id }) => id === holding?.task);
  const waiting = inOrder(
    strategy,
    contenders.filter(({ id }) => id !== holding?.task),
  );
  const [first] = waiting;
  if (!first) return "nothing waits for it any more";
  const inLine = waiting.flatMap(({ id }) => requests.find((one) => one.id === id || one.task === id)?.id ?? []);
  const actions: ConflictAction[] = inLine.length > 1 ? [{ do: "reorder", requests: inLine }] : [];
  const parked = tasks.find(({ id, status }) => id === first.id && status === "ready");
  const held = tasks.find(({ id }) => id === holder?.id);
  if (holder && held?.kind === "agent" && outranks(strategy, { first, holder }, ctx.now)) {
    const before = parked ? prioritized(parked, [held]).actions : [];
    const decision = `${held.key} gives way to ${first.name}: it is asked to stop, and taken back after a grace`;
    return { actions: [...before, ...actions, { do: "preempt", task: held.id }], decision };
  }
  const before =
    parked && waiting.length > 1
      ? prioritized(
          parked,
          tasks.filter(({ id }) => id !== parked.id),
        ).actions
      : [];
  return { actions: [...before, ...actions], decision: `${first.name} goes next, when it is free` };
}

/** Serves together who only reads. */
function shared(requests: readonly LockRequest[]): Decided | string {
  const order = requests.toSorted((a, b) => a.position - b.position || a.askedAt - b.askedAt);
  const readers = order.filter(({ mode }) => mode !== "exclusive");
  if (readers.length === 0) return "every request is for itself alone: nothing can be shared";
  const inLine = [...readers, ...order.filter(({ mode }) => mode === "exclusive")].map(({ id }) => id);
  return {
    actions: [{ do: "reorder", requests: inLine }],
    decision: `${readers.map(({ agent }) => agent).join(", ")} share it`,
  };
}

/** Ends the wait of who is last: its task is taken back, which frees what it has, or its request leaves the line. */
function breakCycle({ conflict, strategy, tasks, contenders }: Case): Decided | string {
  const last = inOrder(strategy, contenders).at(-1);
  const task = tasks.find(({ id }) => id === last?.id);
  if (task?.kind === "agent" && task.status === "running")
    return { actions: [{ do: "preempt", task: task.id }], decision: `${task.key} gives back what it has` };
  const party = conflict.parties.find(
    ({ request }) => request !== undefined && (request === last?.id || last === undefined),
  );
  const request = party?.request ?? conflict.parties.find((one) => one.request !== undefined)?.request;
  if (request === undefined) return "no wait of it can be ended";
  return { actions: [{ do: "withdraw", request }], decision: `${party?.agent ?? last?.name ?? ""} leaves the line` };
}

function goFirst({ strategy, tasks, contenders }: Case): Decided | string {
  const open = tasks.filter(({ status }) => status !== "running");
  const [first] = inOrder(
    strategy,
    contenders.filter(({ id }) => open.some((task) => task.id === id)),
  );
  const task = open.find(({ id }) => id === first?.id);
  if (!task || open.length < 2) return "its tasks are under way or have ended";
  const others = open.filter(({ id }) => id !== task.id);
  return { ...prioritized(task, others), decision: `${task.key} goes first` };
}

function* spread(ctx: EngineContext, { tasks }: Case): Tx<Decided | string> {
  const agent = tasks.find(({ reservedFor }) => reservedFor !== null)?.reservedFor ?? undefined;
  if (agent === undefined) return "none of its tasks is kept for an agent";
  const { moves } = yield* planLoad(ctx, { agent });
  const own = moves.filter(({ id }) => tasks.some((task) => task.id === id));
  if (own.length === 0) return "no other agent could do them sooner";
  const decision = own.map(({ key, to }) => `${key} goes to ${to}`).join(", ");
  return { actions: own.map(({ id, from, to }) => ({ do: "move" as const, id, from, to })), decision };
}
