import type { Allocation } from "../../store/resources/allocations.js";
import type { Lock } from "../../store/locks/locks.js";
import type { ConflictParty } from "../../store/conflicts/conflicts.js";
import { findCycle, type WaitEdge } from "../graph/dag.js";
import type { FoundConflict } from "./found.js";
import type { LockQueues } from "./lock-waits.js";

/** The allocations of all resources, and how much is free of each, by `amountKey`. */
export interface ResourceState {
  readonly held: readonly Allocation[];
  readonly waiting: readonly Allocation[];
  readonly free: ReadonlyMap<string, number>;
}

export function amountKey({ resource, unit }: { readonly resource: string; readonly unit: string }): string {
  return JSON.stringify([resource, unit]);
}

interface Waiter {
  readonly party: ConflictParty;
  /** Owners that it waits for: all of them. */
  readonly awaits: ReadonlySet<string>;
  /** Amounts that it waits for. */
  readonly wants: Allocation["amounts"];
}

/**
 * Returns the cycles of agents that wait for each other over locks, earlier requests for locks, and allocations. Those are in one that
 * would not get on though all others were done (reduction of the resource graph: Holt, 1972): an agent that waits for one unit of which
 * two have some is in none while the other of them may end.
 */
export function waitCycles(queues: LockQueues, resources: ResourceState): FoundConflict[] {
  const waiters = waitersOf(queues, resources);
  const stuck = stuckOf(waiters, resources, queues);
  const edges = edgesAmong(new Map([...waiters].filter(([node]) => stuck.has(node))), resources, queues);
  const cycles: FoundConflict[] = [];
  const left = new Set(stuck);
  for (let cycle = findCycle(edges); cycle !== undefined; cycle = findCycle(among(edges, left))) {
    const members = [...new Set(cycle)];
    for (const member of members) left.delete(member);
    const parties = members.flatMap((member) => {
      const party = waiters.get(member)?.party;
      return party
        ? { ...party, isOfTask: isOfTask(member, others(waiters, { members, member }), { queues, resources }) }
        : [];
    });
    const text = [...members, members[0] ?? ""].map((member) => agentOf(member)).join(" → ");
    cycles.push({
      kind: "wait_cycle",
      names: members.toSorted(),
      run: null,
      parties,
      detail: `each waits for the next: ${text}`,
    });
  }
  return cycles;
}

function others(
  waiters: ReadonlyMap<string, Waiter>,
  { members, member }: { readonly members: readonly string[]; readonly member: string },
): ReadonlyMap<string, Waiter> {
  return new Map([...waiters].filter(([node]) => node !== member && members.includes(node)));
}

/** Whether all that these waiters wait for of a node is its task's own. */
function isOfTask(
  node: string,
  by: ReadonlyMap<string, Waiter>,
  { queues, resources }: { readonly queues: LockQueues; readonly resources: ResourceState },
): boolean {
  const { task } = taskOf(node);
  const wanted = new Set([...by.values()].flatMap(({ wants }) => wants.map(amountKey)));
  const allocations = resources.held.filter(
    (one) => allocationNode(queues, one) === node && one.amounts.some((amount) => wanted.has(amountKey(amount))),
  );
  const locks = queues.waits
    .filter(({ locks: [lock] }) => lock !== undefined && by.has(nodeOf(queues, lock)))
    .flatMap(({ blockers }) => blockers.filter((one) => nodeOf(queues, one) === node));
  const awaited = [...allocations, ...locks];
  return awaited.length > 0 && awaited.every((one) => one.task === task);
}

function among(edges: readonly WaitEdge[], nodes: ReadonlySet<string>): WaitEdge[] {
  return edges.filter(([from, to]) => nodes.has(from) && nodes.has(to));
}

function nodeOf(queues: LockQueues, { agent, task }: { readonly agent: string; readonly task: string | null }): string {
  return JSON.stringify([agent, task ?? queues.onlyTask.get(agent) ?? null]);
}

function agentOf(node: string): string {
  return (JSON.parse(node) as [string, string | null])[0];
}

function allocationNode(queues: LockQueues, { holder, task }: Allocation): string {
  return nodeOf(queues, { agent: holder, task });
}

function waitersOf(queues: LockQueues, { waiting }: ResourceState): Map<string, Waiter> {
  const waiters = new Map<string, Waiter>();
  for (const { locks, blockers } of queues.waits) {
    const [lock] = locks;
    if (!lock) continue;
    const node = nodeOf(queues, lock);
    const awaits = new Set(blockers.map((one) => nodeOf(queues, one)).filter((one) => one !== node));
    waiters.set(node, {
      ...merged(waiters.get(node), lockParty(node, lock)),
      awaits: union(waiters.get(node), awaits),
    });
  }
  for (const one of waiting) {
    const node = allocationNode(queues, one);
    const known = waiters.get(node);
    const party = { role: "waits" as const, agent: one.holder, ...taskOf(node), allocation: one.id };
    const { wants, ...rest } = merged(known, party);
    waiters.set(node, { ...rest, awaits: union(known, new Set()), wants: [...wants, ...one.amounts] });
  }
  return waiters;
}

function merged(known: Waiter | undefined, party: ConflictParty): Pick<Waiter, "party" | "wants"> {
  return { party: { ...known?.party, ...party }, wants: known?.wants ?? [] };
}

function union(known: Waiter | undefined, more: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...(known?.awaits ?? []), ...more]);
}

function lockParty(node: string, lock: Lock): ConflictParty {
  return { role: "waits", agent: lock.agent, ...taskOf(node), request: lock.request, paths: [lock.path] };
}

function taskOf(node: string): { readonly task?: string } {
  const [, task] = JSON.parse(node) as [string, string | null];
  return task === null ? {} : { task };
}

/** The waiters that are left when all that could get on have ended and given back what they had. */
function stuckOf(waiters: ReadonlyMap<string, Waiter>, { held, free }: ResourceState, queues: LockQueues): Set<string> {
  const stuck = new Set(waiters.keys());
  const spare = new Map(free);
  const giveBack = (node: string | undefined): void => {
    for (const one of held) {
      const owner = allocationNode(queues, one);
      if (node === undefined ? waiters.has(owner) : owner !== node) continue;
      for (const amount of one.amounts)
        spare.set(amountKey(amount), (spare.get(amountKey(amount)) ?? 0) + amount.amount);
    }
  };
  giveBack(undefined);
  for (let moved = true; moved;) {
    moved = false;
    for (const node of stuck) {
      const waiter = waiters.get(node);
      const isFree = [...(waiter?.awaits ?? [])].every((other) => !stuck.has(other));
      const fits = (waiter?.wants ?? []).every((want) => want.amount <= (spare.get(amountKey(want)) ?? 0));
      if (!isFree || !fits) continue;
      stuck.delete(node);
      giveBack(node);
      moved = true;
    }
  }
  return stuck;
}

function edgesAmong(stuck: ReadonlyMap<string, Waiter>, { held }: ResourceState, queues: LockQueues): WaitEdge[] {
  const edges: WaitEdge[] = [];
  for (const [node, waiter] of stuck) {
    for (const other of waiter.awaits) if (stuck.has(other)) edges.push([node, other]);
    const wanted = new Set(waiter.wants.map(amountKey));
    for (const one of held) {
      const owner = allocationNode(queues, one);
      if (owner !== node && stuck.has(owner) && one.amounts.some((amount) => wanted.has(amountKey(amount))))
        edges.push([node, owner]);
    }
  }
  return edges;
}
