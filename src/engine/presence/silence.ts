import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { iso } from "../../base/time.js";
import * as agents from "../../store/agents/agents.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockAgent, lockProject } from "../../store/lock-order.js";
import { type Lock, untaskedLocksOfAgent } from "../../store/locks/locks.js";
import { deleteWant, deleteWantsBefore, isAnyWantBefore, listWants } from "../../store/presence/wants.js";
import { runningTasksOf } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { type PresenceEvent, presenceAfter, presenceMachine } from "../agents/presence.js";
import type { EngineContext } from "../context.js";
import { SILENT } from "../lifecycle/leases.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { LockChange } from "../locks/lock-change.js";
import { canMove } from "../machine.js";
import { giveBack } from "../tasks/tasks.js";
import { type WantedHolding, wantedHoldings, type Wanter } from "./wanted.js";

/** Agents whose silence begins now. A read of an index. */
export function unheardNow(ctx: EngineContext): Tx<string[]> {
  return agents.unheardAgents(ctx.now - ctx.settings.silence_ms, ROWS_AT_ONCE_MAX);
}

/** Begins the silence of an agent, with an event for all that it holds. One that holds nothing is watched again from its next call on. */
export function* fallSilent(ctx: EngineContext, name: string): Tx<void> {
  yield* lockAgent(name);
  const agent = yield* agents.findAgent(name);
  const { heardAt = null } = agent ?? {};
  if (!agent || agent.presence !== "present" || heardAt === null || heardAt > ctx.now - ctx.settings.silence_ms) return;
  const { tasks, locks } = yield* holdingsOf(ctx, name);
  if (agent.status !== "active" || tasks.length + locks.length === 0) {
    yield* agents.savePresence({ ...agent, heardAt: null }, "present");
    return;
  }
  yield* move(agent, "fall_silent", { silentAt: ctx.now });
  const data = { since: iso(agent.seenAt) };
  const ofTasks = tasks.map(({ id: task, run, project, key }) => ({ task, run, project, data: { ...data, key } }));
  const projects = [...new Set(locks.map(({ project }) => project))];
  const ofLocks = projects.map((project) => ({
    project,
    data: { ...data, paths: locks.filter((lock) => lock.project === project).map(({ path }) => path) },
  }));
  yield* appendEvents(
    ctx,
    [...ofTasks, ...ofLocks].map((event): NewEvent => ({ type: "agent.silent", agent: name, ...event })),
  );
}

function* holdingsOf(ctx: EngineContext, name: string) {
  return {
    tasks: yield* runningTasksOf(name, ROWS_AT_ONCE_MAX),
    locks: yield* locksHeldBy(ctx, name),
  };
}

/** The locks that an agent holds without a task. */
function* locksHeldBy(ctx: EngineContext, name: string): Tx<Lock[]> {
  return (yield* untaskedLocksOfAgent(ctx.now, name)).filter(({ state }) => state === "held");
}

function move(agent: agents.Agent, event: PresenceEvent, to: Partial<agents.Agent>): Tx<boolean> {
  return agents.savePresence({ ...agent, ...to, presence: presenceAfter(agent, event) }, agent.presence);
}

/** A step in the silence of an agent. */
export interface SilenceStep {
  readonly agent: string;
  readonly event?: "want" | "lapse" | "yield" | "lose_all";
  readonly wanter?: Wanter;
  readonly yieldsAt?: number;
  /** Goes to who wants it, now. */
  readonly taken: readonly WantedHolding[];
}

/** Returns the steps that the silent agents are due for. A query; without a silent agent one read. */
export function* silenceSteps(ctx: EngineContext): Tx<SilenceStep[]> {
  const silent = yield* agents.silentAgents(ROWS_AT_ONCE_MAX);
  if (silent.length === 0) return [];
  const wants = yield* listWants(WANTS_MAX);
  const steps: SilenceStep[] = [];
  for (const agent of silent) {
    const held = yield* holdingsOf(ctx, agent.name);
    if (held.tasks.length + held.locks.length === 0) {
      steps.push({ agent: agent.name, event: "lose_all", taken: [] });
      continue;
    }
    // A want that was there when the grace ended counts, though the tick comes a little later.
    const at = Math.min(ctx.now, agent.yieldsAt ?? ctx.now);
    const live = wants.filter((want) => want.until >= at && want.agent !== agent.name);
    const step = stepOf(ctx, agent, yield* wantedHoldings(ctx, { agent: agent.name, wants: live, ...held }));
    if (step) steps.push(step);
  }
  return steps;
}

const WANTS_MAX = 1_000;

function stepOf(ctx: EngineContext, agent: agents.Agent, wanted: readonly WantedHolding[]): SilenceStep | undefined {
  const [first] = wanted;
  const { name, presence, silentAt, yieldsAt } = agent;
  if (!first) return presence === "warned" ? { agent: name, event: "lapse", taken: [] } : undefined;
  if (presence === "yielding") return { agent: name, taken: wanted };
  if (presence === "silent") {
    const from = Math.max(first.by.since, silentAt ?? ctx.now);
    const until = from + ctx.settings.silence_grace_ms;
    return { agent: name, event: "want", wanter: first.by, yieldsAt: until, taken: [] };
  }
  return (yieldsAt ?? 0) <= ctx.now ? { agent: name, event: "yield", taken: wanted } : undefined;
}

/** Changes the presence of a silent agent as a step says, unless it was heard of since or another process took the step. */
export function* changeSilence(ctx: EngineContext, step: SilenceStep): Tx<void> {
  const { event } = step;
  if (event === undefined) return;
  yield* lockAgent(step.agent);
  const agent = yield* agents.findAgent(step.agent);
  if (!agent || !canMove(presenceMachine, { id: agent.name, status: agent.presence }, event)) return;
  const present = { silentAt: null, yieldsAt: null, heardAt: null };
  const to = { want: { yieldsAt: step.yieldsAt ?? null }, lapse: { yieldsAt: null }, yield: {}, lose_all: present }[
    event
  ];
  if (!(yield* move(agent, event, to)) || event !== "want" || !step.wanter) return;
  const { agent: by, what } = step.wanter;
  const data = { since: iso(agent.seenAt), wanted_by: by, wanted: what, until: iso(step.yieldsAt ?? ctx.now) };
  const { run, project } = step.wanter;
  yield* appendEvents(ctx, [
    { type: "agent.warned", agent: agent.name, project, ...(run !== undefined && { run }), data },
  ]);
}

/** Whether any want counts no more, not even for a grace that has just ended. */
export function* anyWantOver(ctx: EngineContext): Tx<boolean> {
  return yield* isAnyWantBefore(ctx.now - WANTS_KEPT_MS);
}

export function* forgetWants(ctx: EngineContext): Tx<void> {
  yield* deleteWantsBefore(ctx.now - WANTS_KEPT_MS);
}

const WANTS_KEPT_MS = 60_000;

/** Takes a task from a silent agent: it is ready for the one that wants it. */
export function* takeTask(
  ctx: EngineContext,
  { agent: name, task: id, by }: Taken & { readonly task: string },
): Tx<boolean> {
  const locked = yield* lockTask(id);
  const { task } = locked;
  if (task.status !== "running" || task.agent !== name) return false;
  const agent = yield* yieldingAgent(name);
  if (!agent) return false;
  const message = `${name} had made no call since ${iso(agent.seenAt)}, and ${by.agent} wanted it`;
  yield* agents.saveLosses(name, lossesWith(agent, { task: task.id, key: task.key, to: by.agent, at: ctx.now }));
  if (by.kind === "work") yield* deleteWant(by.agent, "work");
  yield* giveBack(ctx, locked, { outcome: "lease_lost", fenced: true, error: { type: SILENT, message } });
  return true;
}

interface Taken {
  readonly agent: string;
  readonly by: Wanter;
}

/** Takes locks without a task, all of one project, from a silent agent, and serves those who wait for them. */
export function* takeLocks(
  ctx: EngineContext,
  { agent: name, locks: ids, by }: Taken & { readonly locks: readonly string[] },
): Tx<boolean> {
  const wanted = new Set(ids);
  const known = (yield* locksHeldBy(ctx, name)).filter(({ id }) => wanted.has(id));
  const [lock] = known;
  // Looked at before anything is locked; the locked look below decides.
  if (!lock || (yield* agents.findAgent(name))?.presence !== "yielding") return false;
  yield* lockProject(lock.project);
  const locks = (yield* locksHeldBy(ctx, name)).filter(({ id }) => wanted.has(id));
  if (locks.length === 0) return false;
  const change = new LockChange(ctx, lock.project);
  yield* change.breakStale(locks, by.agent, "silent");
  yield* change.serve();
  yield* change.settle();
  // After the runs, in the one order; an agent that is heard of meanwhile keeps its locks.
  const agent = yield* yieldingAgent(name);
  if (!agent) throw new RestartTransaction(`${name} is heard of again`);
  const paths = locks.map(({ path }: Lock) => path);
  yield* agents.saveLosses(name, lossesWith(agent, { paths, to: by.agent, at: ctx.now }));
  yield* change.flush();
  return true;
}

/** The agent, where what it holds is still to be had. */
function* yieldingAgent(name: string): Tx<agents.Agent | undefined> {
  yield* lockAgent(name);
  const agent = yield* agents.findAgent(name);
  return agent?.presence === "yielding" ? agent : undefined;
}

const LOSSES_KEPT_MAX = 20;

function lossesWith({ lost }: agents.Agent, loss: agents.SilenceLoss): agents.SilenceLoss[] {
  return [...lost, loss].slice(-LOSSES_KEPT_MAX);
}
