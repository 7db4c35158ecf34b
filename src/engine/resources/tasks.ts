import { appendEvents } from "../../store/events/events.js";
import { lockResources } from "../../store/lock-order.js";
import { type Allocation, allocationsOfTasks, insertAllocation, usesOf } from "../../store/resources/allocations.js";
import type { Requirements } from "../../store/resources/resources.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import { RestartTransaction, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { EffectContext, EffectResult, RunOutcome } from "../effect.js";
import { eventOf, free } from "./allocations.js";
import { amountsOf, fromThousandths, requirementsOf } from "./amounts.js";
import { type Shortage, summed } from "./pool.js";
import { type QueueContext, lineState, resolved, saveOwn } from "./stock.js";

interface Requiring {
  readonly demand: Pick<Demand, "resources">;
}

/** Whether one of these requires resources: without any no statement is paid for them. */
function requiresAny(lanes: readonly Requiring[]): boolean {
  return lanes.some(({ demand }) => demand.resources !== null);
}

/**
 * Returns those of these lanes, best first, whose tasks have the resources that they require. A task that does not fit yet keeps what it requires
 * from those behind it, as a request in line does; one that can never fit, or requires what does not exist, keeps nothing.
 */
export function* fitting<T extends Requiring>(
  ctx: EngineContext,
  holder: string,
  lanes: readonly T[],
): Tx<readonly T[]> {
  if (!requiresAny(lanes)) return lanes;
  const written = lanes.map(({ demand }) => (demand.resources === null ? [] : amountsOf(demand.resources)));
  const { amounts, stock } = yield* resolved(ctx, written.flat());
  const { pool } = yield* lineState(ctx, stock);
  let at = 0;
  return lanes.filter((_, lane) => {
    const own = summed(amounts.slice(at, (at += written[lane]?.length ?? 0)));
    const short = pool.shortages(holder, own);
    if (short.length > 0 && !short.some(({ never }) => never)) pool.take(holder, own);
    return short.length === 0;
  });
}

/** Returns why a task cannot have the resources that it requires now, in a sentence, and the tasks that hold them; undefined where it can. */
export function* whyShort(
  ctx: EngineContext,
  holder: string,
  { resources, subject = "it" }: Pick<Demand, "resources"> & { readonly subject?: string },
): Tx<{ detail: string; blocking: string[] } | undefined> {
  if (resources === null) return undefined;
  const { amounts, stock } = yield* resolved(ctx, amountsOf(resources));
  const { pool } = yield* lineState(ctx, stock);
  const short = pool.shortages(holder, summed(amounts)).slice(0, NAMED_MAX);
  if (short.length === 0) return undefined;
  const blocking = new Set<string>();
  const sentences: string[] = [];
  for (const one of short) {
    const uses = yield* usesOf(one.resource, NAMED_MAX);
    for (const { task, state } of uses) if (task !== null && state !== "waiting") blocking.add(task);
    const holders = new Set(uses.flatMap((use) => (use.state === "waiting" ? [] : [use.holder])));
    const exists = stock.some(({ id }) => id === one.resource);
    sentences.push(
      `${subject} requires ${lackOf(one, exists)}${holders.size === 0 ? "" : `, held by ${[...holders].join(", ")}`}`,
    );
  }
  return { detail: sentences.join("; "), blocking: [...blocking] };
}

const NAMED_MAX = 10;

function lackOf({ resource, unit, wanted, free: left, never }: Shortage, exists: boolean): string {
  if (!exists) return `${resource}, which no register_resource has made known`;
  if (unit === undefined) return `${resource}, which has as many users as it may`;
  const needs = `${fromThousandths(wanted)} ${unit} of ${resource}`;
  return never ? `${needs}, more than there is` : `${needs}, and ${fromThousandths(left)} are free`;
}

/**
 * Allocates what a task that is being claimed requires, for as long as its attempt lasts. Returns it under the ids of its resources. Errors: `RestartTransaction` where it does not
 * fit any more: the lanes were read before the queue was locked.
 */
export function* allocateToTask(ctx: EngineContext, task: Task, resources: Requirements): Tx<Requirements> {
  yield* lockResources();
  const { amounts: resolvedAmounts, stock } = yield* resolved(ctx, amountsOf(resources));
  const amounts = summed(resolvedAmounts);
  const holder = task.agent ?? "";
  const { pool } = yield* lineState(ctx, stock);
  if (pool.shortages(holder, amounts).length > 0)
    throw new RestartTransaction(`resources of ${task.id} were taken meanwhile`);
  yield* saveOwn(stock);
  const allocation: Allocation = {
    id: ctx.newId("allocation"),
    holder,
    madeBy: holder,
    task: task.id,
    state: "held",
    priority: task.priority,
    askedAt: ctx.now,
    expiresAt: null,
    amounts,
  };
  yield* insertAllocation(allocation);
  yield* appendEvents(ctx, [eventOf("resource.allocated", allocation)]);
  return requirementsOf(amounts);
}

/** The resources that a task has with its attempt, by the ids under which they were allocated. A query. */
export function* resourcesOfTask(task: string): Tx<Requirements> {
  return requirementsOf((yield* allocationsOfTasks([task])).flatMap(({ amounts }) => amounts));
}

/** Frees what attempts that ended had of resources, and serves who waits for them. */
export function* freeResources(ctx: EffectContext, { attempts }: RunOutcome): Tx<EffectResult> {
  const ended = attempts.flatMap(({ task, hasResources }) => (hasResources === true ? [task] : []));
  yield* freeTasks(ctx, ended);
  return {};
}

interface Held {
  readonly task: Pick<Task, "id">;
  readonly spec: Pick<TaskSpec, "resources">;
}

/** Frees what these tasks, whose attempts ended, had of resources: last in a transaction that locks more after their end. */
export function* freeResourcesOf(ctx: EngineContext, held: readonly Held[]): Tx<void> {
  yield* freeTasks(
    ctx,
    held.flatMap(({ task, spec }) => (spec.resources === undefined ? [] : [task.id])),
  );
}

function* freeTasks(ctx: QueueContext, tasks: readonly string[]): Tx<void> {
  if (tasks.length === 0) return;
  yield* lockResources();
  yield* free(ctx, yield* allocationsOfTasks(tasks), "attempt_ended");
}
