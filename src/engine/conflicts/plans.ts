import { type ConflictParty, type ConflictRecord, conflictOfYielding } from "../../store/conflicts/conflicts.js";
import { findRequest, type LockRequest } from "../../store/locks/requests.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { planLoad } from "../load/rebalancing.js";
import type { Move } from "../load/balance.js";
import { levelsAhead, type Reprioritized } from "../scheduling/levels.js";
import { PRIORITIES, type Priority } from "../scheduling/order.js";
import { deadlineOf, remainingMs } from "./deadlines.js";
import { whyNotOrdered } from "./orders.js";
import { standingParties } from "./standing.js";
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
  | { readonly do: "prioritize"; readonly run: string; readonly task: string; readonly priority: Priority }
  | { readonly do: "preempt"; readonly task: string }
  /** Requests for locks, in the order in which they are to be served. */
  | { readonly do: "reorder"; readonly requests: readonly string[] }
  | { readonly do: "withdraw"; readonly request: string }
  | ({ readonly do: "move" } & Move)
  /** Tells the holder of a task to bring it up to date with another's work. */
  | { readonly do: "rebase"; readonly task: string; readonly onto: string };

export interface ResolutionPlan {
  readonly strategy: FixedStrategy;
  readonly actions: readonly ConflictAction[];
  readonly decision: string;
  readonly reason: string;
  readonly alternatives: readonly string[];
  readonly expectedMs: number;
}

/** Why a strategy does nothing about a conflict, and which others would. */
export interface Unplanned {
  readonly why: string;
  readonly strategy?: FixedStrategy;
  readonly alternatives?: readonly string[];
  /** Whether it stands in the order of the strategy already, so that there is nothing to decide. */
  readonly stands?: boolean;
}

interface Case {
  readonly conflict: string;
  readonly project: string;
  readonly kind: ConflictRecord["kind"];
  /** Parties that are in each other's way now. */
  readonly parties: readonly ConflictParty[];
  readonly strategy: FixedStrategy;
  readonly tasks: readonly Task[];
  readonly contenders: readonly Contender[];
  readonly requests: readonly LockRequest[];
}

interface Decided extends Pick<ResolutionPlan, "actions" | "decision"> {
  /** The contenders of whom one goes first by the decision. */
  readonly among: readonly Contender[];
}

/** Returns what a strategy does about a conflict, or why it does nothing. A query. */
export function* planResolution(
  ctx: EngineContext,
  conflict: ConflictRecord,
  strategy: FixedStrategy,
): Tx<ResolutionPlan | Unplanned> {
  const applicable = APPLICABLE[conflict.kind];
  if (!applicable.includes(strategy))
    return { why: `${strategy} cannot resolve a conflict of this kind`, strategy, alternatives: applicable };
  const parties = yield* standingParties(ctx, conflict);
  if (parties.length === 0) return { why: "it is over already" };
  const ids = parties.flatMap(({ task }) => task ?? []);
  const found = yield* findTasks(ids);
  const tasks = ids.flatMap((id) => found.find((task) => task.id === id && task.endedAt === null) ?? []);
  const requests: LockRequest[] = [];
  for (const { role, request } of parties)
    if (role === "waits" && request !== undefined)
      requests.push(...[yield* findRequest(request)].flatMap((one) => one ?? []));
  const known = new Set(tasks.map(({ id }) => id));
  const contenders = [
    ...tasks.map((task) => contenderOf(ctx.now, task)),
    ...requests.filter(({ task }) => task === null || !known.has(task)).map(requester),
  ];
  const { id, project, kind } = conflict;
  const decided = yield* decide(ctx, { conflict: id, project, kind, parties, strategy, tasks, contenders, requests });
  const among = typeof decided === "string" ? contenders : decided.among;
  const alternatives = [
    ...alternativesTo(strategy, kind, among),
    ...(strategy !== "share" && kind === "lock_contention" && requests.some(({ mode }) => mode !== "exclusive")
      ? ["share: those who only read are served together"]
      : []),
  ];
  if (typeof decided === "string") return { why: decided, strategy, alternatives };
  const { actions, decision } = decided;
  if (actions.length === 0)
    return { why: `${decision}: nothing is to be changed for that`, strategy, alternatives, stands: true };
  return {
    strategy,
    actions,
    decision,
    reason: reasonOf(strategy, among),
    alternatives,
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
  switch (one.kind) {
    case "overlapping_scopes":
      return yield* orderPair(ctx, one);
    case "lock_contention":
      return yield* yieldLock(ctx, one);
    case "wait_cycle":
      return yield* breakCycle(one);
    case "deadline":
      return one.strategy === "rebalance" ? yield* spread(ctx, one) : yield* goFirst(ctx, one);
    case "resources":
      return { among: [], actions: [], decision: "the requests are served in line, by dominant share" };
    case "merge":
      return rebaseLater(one);
    default:
      return "no strategy resolves it: it is for its parties";
  }
}

function* orderPair(ctx: EngineContext, { strategy, tasks, contenders }: Case): Tx<Decided | string> {
  if (tasks.length < 2) return "one of its tasks has ended";
  const [first, second] = inOrder(strategy, contenders).flatMap(({ id }) => tasks.find((task) => task.id === id) ?? []);
  if (!first || !second || tasks.some(({ status }) => status === "running")) return "one of its tasks runs already";
  const decision = `${first.key} goes before ${second.key}`;
  return yield* ordered(ctx, { first, others: [second], among: contenders, decision });
}

interface Order extends Pick<Decided, "among" | "decision"> {
  readonly first: Task;
  readonly others: readonly Task[];
}

/** Puts a task before others by priorities, where these can and nothing that was resolved before is undone. */
function* ordered(ctx: EngineContext, { first, others, among, decision }: Order): Tx<Decided | string> {
  const changes = levelsAhead(ctx, first, others);
  const why = yield* whyNotOrdered(ctx, { first, others, changes, contenderOf: (task) => contenderOf(ctx.now, task) });
  return why ?? { among, actions: prioritized(changes), decision: decision + told(changes) };
}

function prioritized(changes: readonly Reprioritized[]): ConflictAction[] {
  return changes.map(({ task, priority }) => ({ do: "prioritize" as const, run: task.run, task: task.key, priority }));
}

/** Nothing is held up: those in the other work tree are told that theirs comes later. */
function rebaseLater({ parties, strategy, tasks, contenders }: Case): Decided | string {
  const running = tasks.filter(({ status }) => status === "running");
  const among = contenders.filter(({ id }) => running.some((task) => task.id === id));
  const [first] = inOrder(strategy, among);
  const treeOf = (id: string | undefined) => parties.find(({ task }) => task === id)?.workTree;
  const later = running.filter(({ id }) => treeOf(id) !== treeOf(first?.id));
  if (!first || later.length === 0) return "the tasks in one of its work trees have ended";
  const orders = later.map(({ agent, key }) => `${agent ?? ""} is told to bring ${key} up to date with it`).join(", ");
  return {
    among,
    actions: later.map(({ id }) => ({ do: "rebase" as const, task: id, onto: first.id })),
    decision: `${first.name} goes first: ${orders}`,
  };
}

/** The changes of priority, told to whom they were not asked of: they may be in another run. */
function told(changes: readonly Reprioritized[]): string {
  return changes.map(({ task, priority }) => `; ${task.key} of ${task.run} has priority ${priority} now`).join("");
}

function* yieldLock(ctx: EngineContext, contention: Case): Tx<Decided | string> {
  const { parties, strategy, tasks, contenders, requests } = contention;
  const holding = parties.find(({ role }) => role === "holds");
  const holder = contenders.find(({ id }) => id === holding?.task);
  const waiting = inOrder(
    strategy,
    contenders.filter(({ id }) => id !== holding?.task),
  );
  const [first] = waiting;
  if (!first) return "nothing waits for it any more";
  if (strategy === "share") return shared(requests, waiting);
  const inLine = waiting.flatMap(({ id }) => requests.find((one) => one.id === id || one.task === id)?.id ?? []);
  const actions = reordered(requests, inLine);
  const parked = tasks.find(({ id, status }) => id === first.id && status === "ready");
  const held = tasks.find(({ id }) => id === holder?.id);
  const isOutranked = holder !== undefined && outranks(strategy, { first, holder }, ctx.now);
  const yields = isOutranked && held !== undefined && (yield* mayYield(held, contention.conflict));
  const others = tasks.filter(({ id, status }) => id !== parked?.id && status === "ready");
  // The task that gives way waits from now on.
  const behind = yields ? [...others, { ...held, readyAt: ctx.now }] : others;
  const changes = parked ? levelsAhead(ctx, parked, behind).filter(({ task }) => task.id !== holder?.id) : [];
  const before = [...prioritized(changes), ...actions];
  if (!yields)
    return { among: waiting, actions: before, decision: `${first.name} goes next, when it is free${told(changes)}` };
  const seconds = ctx.settings.cancel_grace_ms / 1000;
  const decision = `${held.key} gives way to ${first.name}: it is asked to stop, and taken back after ${seconds} s${told(changes)}`;
  return { among: waiting, actions: [...before, { do: "preempt", task: held.id }], decision };
}

/** The requests in the order in which they are served, as `LockTable` orders them. */
function asTheyStand(requests: readonly LockRequest[]): LockRequest[] {
  return requests.toSorted((a, b) => a.position - b.position || a.askedAt - b.askedAt || (a.id < b.id ? -1 : 1));
}

/** Puts requests in another order, unless they stand in that one. */
function reordered(requests: readonly LockRequest[], inLine: readonly string[]): ConflictAction[] {
  const now = asTheyStand(requests).flatMap(({ id }) => (inLine.includes(id) ? id : []));
  const isSame = inLine.every((id, at) => now[at] === id);
  return isSame ? [] : [{ do: "reorder", requests: inLine }];
}

/** Whether a task can be asked to give way: once, so that no task is taken back for ever. */
function* mayYield({ id, kind, orders }: Task, conflict: string): Tx<boolean> {
  if (kind !== "agent" || orders === "cancel_requested") return false;
  const before = yield* conflictOfYielding(id);
  return before === undefined || before.id === conflict;
}

/** Serves together who only reads. */
function shared(requests: readonly LockRequest[], among: readonly Contender[]): Decided | string {
  const order = asTheyStand(requests);
  const readers = order.filter(({ mode }) => mode !== "exclusive");
  if (readers.length === 0) return "every request is for itself alone: nothing can be shared";
  const inLine = [...readers, ...order.filter(({ mode }) => mode === "exclusive")].map(({ id }) => id);
  return {
    among,
    actions: reordered(requests, inLine),
    decision: `${readers.map(({ agent }) => agent).join(", ")} share it`,
  };
}

/** Ends the wait of who is last: its task is taken back where that frees what the others wait for, or its request leaves the line. */
function* breakCycle({ conflict, project, parties, strategy, tasks, contenders }: Case): Tx<Decided | string> {
  const waiting = inOrder(strategy, contenders);
  const last = waiting.at(-1);
  const party = parties.find(({ task, request }) => last !== undefined && (task === last.id || request === last.id));
  const task = tasks.find(({ id }) => id === last?.id);
  // One contender alone goes first and last, which explains nothing.
  const among = waiting.length > 1 ? waiting : [];
  // The project of another task cannot be locked after the runs.
  const isOwn = task?.status === "running" && task.project === project && party?.isOfTask === true;
  if (isOwn && (yield* mayYield(task, conflict)))
    return { among, actions: [{ do: "preempt", task: task.id }], decision: `${task.key} gives back what it has` };
  if (party?.request === undefined) return "no wait of it can be ended";
  const request = party.request;
  return { among, actions: [{ do: "withdraw", request }], decision: `${party.agent ?? ""} leaves the line` };
}

function* goFirst(ctx: EngineContext, { strategy, tasks, contenders }: Case): Tx<Decided | string> {
  const open = tasks.filter(({ status }) => status !== "running");
  const among = contenders.filter(({ id }) => open.some((task) => task.id === id));
  const [first] = inOrder(strategy, among);
  const task = open.find(({ id }) => id === first?.id);
  if (!task || open.length < 2) return "its tasks are under way or have ended";
  const others = open.filter(({ id }) => id !== task.id);
  return yield* ordered(ctx, { first: task, others, among, decision: `${task.key} goes first` });
}

function* spread(ctx: EngineContext, { tasks, contenders }: Case): Tx<Decided | string> {
  const agent = tasks.find(({ reservedFor }) => reservedFor !== null)?.reservedFor ?? undefined;
  if (agent === undefined) return "none of its tasks is kept for an agent";
  const { moves } = yield* planLoad(ctx, { agent });
  const own = moves.filter(({ id }) => tasks.some((task) => task.id === id));
  if (own.length === 0) return "no other agent could do them sooner";
  const decision = own.map(({ key, to }) => `${key} goes to ${to}`).join(", ");
  return {
    among: contenders,
    actions: own.map(({ id, from, to }) => ({ do: "move" as const, id, from, to })),
    decision,
  };
}
