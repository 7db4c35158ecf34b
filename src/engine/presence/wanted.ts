import type { LockMode } from "../../base/statuses.js";
import { type Lock, locksOfTask } from "../../store/locks/locks.js";
import type { Want } from "../../store/presence/wants.js";
import { findRun } from "../../store/runs/runs.js";
import { demandsParkedOn, findDemand } from "../../store/scheduling/lanes.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { isOpen } from "../lifecycle/run-state.js";
import { excludes, isStale, nearbyLocks, LockTable, patternOf } from "../locks/conflicts.js";
import { keptPattern, overlaps, type PathPattern } from "../paths/paths.js";
import { meets, type Offer } from "../scheduling/demands.js";

/** An agent that wants what a silent one holds. */
export interface Wanter {
  readonly agent: string;
  /** A claim that found nothing, or files that were denied or are waited for. */
  readonly kind: "work" | "files";
  readonly since: number;
  /** The key of a task, or a path. */
  readonly what: string;
  readonly project: string;
  readonly run?: string;
}

/** A task, or locks without a task of one project, with the first agent that wants them. */
export type WantedHolding = { readonly by: Wanter } & (
  | { readonly task: string }
  | { readonly locks: readonly string[] }
);

export interface SilentHoldings {
  readonly agent: string;
  /** Of others, those that count. */
  readonly wants: readonly Want[];
  readonly tasks: readonly Task[];
  readonly locks: readonly Lock[];
}

/** Returns the holdings of a silent agent that others want. A claim takes one task, so it wants one. A query. */
export function* wantedHoldings(ctx: EngineContext, held: SilentHoldings): Tx<WantedHolding[]> {
  const found: WantedHolding[] = [];
  let wants = held.wants;
  for (const task of held.tasks) {
    const by = yield* wanterOfTask(ctx, { ...held, wants }, task);
    if (!by) continue;
    found.push({ task: task.id, by });
    if (by.kind === "work") wants = wants.filter(({ agent, kind }) => agent !== by.agent || kind !== "work");
  }
  for (const lock of held.locks) {
    const by = yield* wanterOfLocks(ctx, { ...held, wants }, [lock]);
    if (by) found.push({ locks: [lock.id], by });
  }
  return found;
}

function* wanterOfTask(ctx: EngineContext, held: SilentHoldings, task: Task): Tx<Wanter | undefined> {
  const files = task.holdsFiles ? (yield* locksOfTask(task.id)).filter(({ state }) => state === "held") : [];
  return (yield* claimerOf(held, task)) ?? (yield* wanterOfLocks(ctx, held, files));
}

/** The first claim that could take a task, were it free. */
function* claimerOf({ wants }: SilentHoldings, task: Task): Tx<Wanter | undefined> {
  const claims = wants.filter(({ kind, project }) => kind === "work" && project === task.project);
  if (claims.length === 0) return undefined;
  const [demand, run] = [yield* findDemand(task.demand), yield* findRun(task.run)];
  if (!demand || !run || !isOpen(run)) return undefined;
  const above = yield* runsAbove(task.run);
  const claim = claims.find(
    (want) => (want.wanted.run === undefined || above.includes(want.wanted.run)) && meets(offerOf(want), demand),
  );
  return claim && { ...claim, what: task.key, run: task.run };
}

/** A claim from a run includes its child runs. */
function* runsAbove(id: string): Tx<string[]> {
  const above: string[] = [];
  for (let at: string | null = id; at !== null && !above.includes(at);) {
    above.push(at);
    at = (yield* findRun(at))?.parentRun ?? null;
  }
  return above;
}

function offerOf({ agent, wanted }: Want): Offer {
  const { roles = [], capabilities = [] } = wanted;
  const parties = new Set([`agent:${agent}`]);
  return { agent, roles: new Set(roles), capabilities: new Set(capabilities), carriesOut: undefined, parties };
}

/** The first that was denied the files, waits for them in line, or found the tasks it could claim locked out by them. */
function* wanterOfLocks(ctx: EngineContext, held: SilentHoldings, locks: readonly Lock[]): Tx<Wanter | undefined> {
  const [lock] = locks;
  if (!lock) return undefined;
  const { project } = lock;
  const here = held.wants.filter((want) => want.project === project);
  const denied = here.find((want) => locks.some((one) => isWanted(one, patternsOf(want, one))));
  if (denied) return { ...denied, what: lock.path };
  // The first of those that are read will do.
  const space = { id: project, outermost: lock.outermost };
  const near = new LockTable(ctx.now, (yield* nearbyLocks(ctx.now, space, locks.map(patternOf))).locks);
  const waiting = locks
    .flatMap((one) => near.overlapping(patternOf(one)).filter((other) => excludes(one.mode, other.mode)))
    .find((other) => other.state === "queued" && other.agent !== held.agent && !isStale(other, ctx.now));
  if (waiting) return { agent: waiting.agent, kind: "files", since: waiting.since, what: waiting.path, project };
  if (!here.some(({ kind }) => kind === "work")) return undefined;
  const parked = yield* demandsParkedOn([...new Set(locks.map(({ request }) => request))]);
  const claim = here.find((want) => want.kind === "work" && parked.some((demand) => meets(offerOf(want), demand)));
  // The files are wanted, and the claim goes on wanting a task.
  return claim && { ...claim, kind: "files", what: lock.path };
}

interface WantedPattern {
  readonly pattern: PathPattern;
  readonly mode: LockMode;
}

function patternsOf({ wanted: { paths = [] } }: Want, space: Lock): WantedPattern[] {
  return paths.map(({ path, mode }) => ({ pattern: keptPattern(space, path), mode }));
}

function isWanted(lock: Lock, wanted: readonly WantedPattern[]): boolean {
  return wanted.some(({ pattern, mode }) => excludes(lock.mode, mode) && overlaps(pattern, patternOf(lock)));
}
