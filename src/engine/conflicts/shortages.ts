import { allAllocations } from "../../store/resources/allocations.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { lineState } from "../resources/stock.js";
import { unitsOf } from "../../store/resources/resources.js";
import { type FoundConflict, taskParty } from "./found.js";
import { amountKey, type ResourceState } from "./waits.js";
import { PARTIES_MAX } from "./lock-waits.js";

const ALLOCATIONS_MAX = 1_000;

/** All allocations, and what is free of the resources that requests wait for. */
export function* resourceState(ctx: EngineContext): Tx<ResourceState> {
  const all = yield* allAllocations(ALLOCATIONS_MAX);
  const waiting = all.filter(({ state, expiresAt }) => state === "waiting" && (expiresAt ?? Infinity) > ctx.now);
  const wanted = new Set(waiting.flatMap(({ amounts }) => amounts.map(({ resource }) => resource)));
  const units = wanted.size === 0 ? [] : yield* unitsOf([...wanted]);
  return {
    held: all.filter(({ state }) => state !== "waiting"),
    waiting,
    free: new Map(units.map((one) => [amountKey(one), one.capacity - one.allocated])),
  };
}

/** The agents that have some of a resource or wait for it. */
export function holdersOf({ held, waiting }: ResourceState): string[] {
  return [...held, ...waiting].map(({ holder }) => holder);
}

/** Resources of which more is asked for than is free: one conflict for each, with who has some of it and who waits. */
export function* oversubscribed(ctx: EngineContext, { held, waiting }: ResourceState): Tx<FoundConflict[]> {
  if (waiting.length === 0) return [];
  const { shortages } = yield* lineState(ctx);
  const short = new Set(waiting.flatMap(({ id }) => (shortages.get(id) ?? []).map(({ resource }) => resource)));
  const tasks = new Map((yield* findTasks(held.flatMap(({ task }) => task ?? []))).map((task) => [task.id, task]));
  return [...short].toSorted().map((resource) => {
    const uses = (one: (typeof held)[number]) => one.amounts.some((amount) => amount.resource === resource);
    const holders = held.filter(uses).map(({ id, holder, task }) => {
      const found = tasks.get(task ?? "");
      return {
        ...(found && taskParty(found, { role: "holds" })),
        role: "holds" as const,
        agent: holder,
        allocation: id,
      };
    });
    const waiters = waiting
      .filter(uses)
      .map(({ id, holder }) => ({ role: "waits" as const, agent: holder, allocation: id }));
    const detail = `${waiters.length} ${waiters.length === 1 ? "request waits" : "requests wait"} for ${resource}, which ${holders.length} ${holders.length === 1 ? "has" : "have"} some of`;
    return {
      kind: "resources",
      names: [resource],
      run: null,
      parties: [...holders, ...waiters].slice(0, PARTIES_MAX),
      detail,
    };
  });
}
