import { CONCURRENT_TASKS_MAX } from "../../base/limits.js";
import * as agents from "../../store/agents/agents.js";
import { appendEvents } from "../../store/events/events.js";
import { lockAgent, lockRuns } from "../../store/lock-order.js";
import { findTaskAndSpec, reservedTasksOf, runningTasksOf } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import { actingAgent, requireAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { renewLease } from "../lifecycle/leases.js";
import { releaseAgentLocks } from "../locks/expiry.js";
import { freeAllocationsOf } from "../resources/allocations.js";
import { reserveTask } from "../tasks/assignments.js";
import { giveBack } from "../tasks/tasks.js";

/** One step of taking an agent out. */
export interface Unregistering {
  readonly agent: agents.Agent;
  /** The task that it has given back. */
  readonly returned?: string;
  /** Whether another step is to follow. */
  readonly again: boolean;
}

/**
 * One step of taking an agent out: gives back one of its tasks, or ends one of its reservations, each in its own transaction; when it has
 * none left, releases its locks, takes its requests out of the line and marks it as gone. Errors: `not_found`.
 */
export function* unregisterAgent(ctx: EngineContext, name: string): Tx<Unregistering> {
  const known = yield* agents.findAgent(name);
  if (known?.status === "unregistered") return { agent: known, again: false };
  const before = yield* requireAgent(name);
  const [task] = yield* runningTasksOf(name, 1);
  if (task) {
    const held = yield* lockTask(task.id);
    if (held.task.agent === name)
      yield* giveBack(ctx, held, { outcome: "released", fenced: true, note: `${name} was taken out` });
    return { agent: before, returned: task.id, again: true };
  }
  const [reserved] = yield* reservedTasksOf(name, 1);
  if (reserved) {
    const locked = yield* lockTask(reserved.id);
    if (locked.task.reservedFor === name) yield* reserveTask(ctx, locked, null);
    return { agent: before, again: true };
  }
  return { agent: yield* takeOut(ctx, before), again: false };
}

function* takeOut(ctx: EngineContext, before: agents.Agent): Tx<agents.Agent> {
  const { name } = before;
  // Projects and runs come before the agent in lock order.
  yield* releaseAgentLocks(ctx, name);
  // A claim takes this lock too, so what it has taken shows now, and what it takes later it takes for an agent that is gone.
  yield* lockAgent(name);
  const agent = (yield* agents.findAgent(name)) ?? before;
  if (agent.status === "unregistered") return agent;
  yield* freeAllocationsOf(ctx, name);
  const [claimed] = yield* runningTasksOf(name, 1);
  if (claimed) throw new RestartTransaction(`agent ${name} has claimed ${claimed.id} meanwhile`);
  const gone: agents.Agent = { ...agent, status: "unregistered", seenAt: ctx.now };
  yield* agents.saveAgent(gone);
  yield* appendEvents(ctx, [{ type: "agent.unregistered", agent: name }]);
  return gone;
}

export interface AgentHeartbeat {
  readonly agent?: string | undefined;
  readonly status?: string | undefined;
  readonly load?: number | undefined;
}

/** Records a sign of life of an agent and renews the leases of all its tasks. Returns their ids. */
export function* heartbeat(ctx: EngineContext, sign: AgentHeartbeat): Tx<{ agent: agents.Agent; renewed: string[] }> {
  const agent = yield* actingAgent(ctx, sign.agent);
  const loadNote = JSON.stringify({ status: sign.status ?? null, load: sign.load ?? null });
  const session = ctx.caller.session?.id ?? null;
  // A transaction that takes a task away holds its run's lock.
  yield* lockRuns((yield* runningTasksOf(agent.name, CONCURRENT_TASKS_MAX)).map(({ run }) => run));
  yield* agents.recordSignOfLife({ name: agent.name, session, host: ctx.caller.host, at: ctx.now, loadNote });
  const renewed: string[] = [];
  for (const task of yield* runningTasksOf(agent.name, CONCURRENT_TASKS_MAX)) {
    const found = yield* findTaskAndSpec(task.id);
    if (!found) continue;
    yield* renewLease(ctx, found);
    renewed.push(task.id);
  }
  return { agent: { ...agent, session, seenAt: ctx.now, loadNote }, renewed };
}
