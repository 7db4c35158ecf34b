import { type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { BatonError } from "../../base/errors.js";
import { hint } from "../../base/names.js";
import type { Settings } from "../../base/settings.js";
import { isoOrNull } from "../../base/time.js";
import {
  type Breaker,
  deleteBreaker,
  ensureBreaker,
  findBreaker,
  listBreakers,
  saveBreaker,
} from "../../store/breakers/breakers.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockBreakers } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent, EXECUTOR_PREFIX } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import type { EffectContext, EffectResult, EndedAttempt, RunOutcome } from "../effect.js";
import type { Broken } from "../scheduling/demands.js";
import { serverOutcome, serverTarget } from "./servers.js";
import { type BreakerPolicy, hasReported, lets, newBreaker, observed, onTrial, type TargetOutcome } from "./state.js";
import { pauseOf } from "./trials.js";

const DELAY_MAX_MS = 1_800_000;

export function agentTarget(agent: string): string {
  return `agent:${agent}`;
}

export function agentOf(target: string): string {
  return target.slice("agent:".length);
}

function policyOf({ breaker_failures, breaker_delay_ms }: Settings): BreakerPolicy {
  return {
    failures: breaker_failures,
    delayMs: breaker_delay_ms,
    delayMaxMs: Math.max(DELAY_MAX_MS, breaker_delay_ms),
  };
}

const OUTCOMES: Readonly<Record<EndedAttempt["outcome"], TargetOutcome["outcome"]>> = {
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "failed",
  lease_lost: "failed",
  released: "neither",
  cancelled: "neither",
};

/**
 * Counts the ends of attempts on the breakers of their agents, and of calls on those of their servers. Reads nothing for an attempt of an
 * agent that succeeded while its breaker was clean.
 */
export function* countOutcomes(ctx: EffectContext, { attempts, run }: RunOutcome): Tx<EffectResult> {
  if (!ctx.settings.circuit_breakers) return {};
  const events: NewEvent[] = [];
  for (const { target, seen, agent } of attempts
    .flatMap(countedOf)
    .toSorted((a, b) => (a.target < b.target ? -1 : 1))) {
    const { startedAt = ctx.now, ...rest } = seen;
    const changed = yield* count(ctx, target, { ...rest, startedAt });
    const { id, project } = run;
    if (changed) events.push({ ...changed, ...(agent !== undefined && { agent }), project, run: id, task: seen.task });
  }
  return { events };
}

interface Counted {
  readonly target: string;
  readonly agent?: string;
  readonly seen: Omit<TargetOutcome, "startedAt"> & { readonly startedAt?: number | undefined };
}

/** Returns what an end of an attempt says of whom, if anything. */
function countedOf(attempt: EndedAttempt): Counted[] {
  const { agent, task, server, hasBreaker } = attempt;
  const startedAt = attempt.startedAt ?? undefined;
  if (server !== undefined)
    return [{ target: serverTarget(server), seen: { task, startedAt, outcome: serverOutcome(attempt) } }];
  const outcome = OUTCOMES[attempt.outcome];
  if (typeof agent !== "string" || agent.startsWith(EXECUTOR_PREFIX)) return [];
  if (hasBreaker !== true && outcome !== "failed") return [];
  return [{ target: agentTarget(agent), agent, seen: { task, startedAt, outcome } }];
}

function* count(ctx: EffectContext, target: string, seen: TargetOutcome): Tx<BreakerEvent | undefined> {
  if (seen.outcome === "failed") return yield* observe(ctx, yield* lockedOrNew(ctx, target), seen);
  // Calls of one server end at once in many places, and a success that says nothing new is not to wait for the others.
  const known = yield* findBreaker(target);
  if (known === undefined || (known.clean && seen.outcome === "succeeded")) return undefined;
  return yield* observe(ctx, (yield* lockBreakers([target]))[0], seen);
}

type BreakerEvent = Pick<NewEvent, "type" | "data">;

/** Counts an outcome on a breaker whose row is locked. */
function* observe(ctx: EffectContext, before: Breaker | undefined, seen: TargetOutcome): Tx<BreakerEvent | undefined> {
  if (before === undefined || (before.clean && seen.outcome === "succeeded")) return undefined;
  const after = observed(before, seen, { now: ctx.now, policy: policyOf(ctx.settings) });
  if (after === before) return undefined;
  yield* saveBreaker(after);
  const { target, failures, retryAt } = after;
  if (after.opens > before.opens)
    return { type: "breaker.opened", data: { target, failures, retry_at: isoOrNull(retryAt) } };
  return after.state === before.state ? undefined : { type: "breaker.closed", data: { target } };
}

function* lockedOrNew(ctx: EffectContext, target: string): Tx<Breaker | undefined> {
  const [known] = yield* lockBreakers([target]);
  if (known) return known;
  yield* ensureBreaker(newBreaker(target, ctx.now));
  return (yield* lockBreakers([target]))[0];
}

/**
 * Counts a failure of an agent that another has seen, on a closed breaker and once an hour for each connection: else who reports most often
 * decides. Undefined where breakers are off, and for a server's executor.
 */
export function* countReported(
  ctx: EngineContext,
  { agent, by }: { readonly agent: string; readonly by: string },
): Tx<{ readonly action: "breaker_counted" | "breaker_opened" | "noted"; readonly detail: string } | undefined> {
  if (!ctx.settings.circuit_breakers || agent.startsWith(EXECUTOR_PREFIX)) return undefined;
  const target = agentTarget(agent);
  const reporter = ctx.caller.session?.id ?? by;
  const before = yield* lockedOrNew(ctx, target);
  if (before !== undefined && before.state !== "closed")
    return { action: "noted", detail: `the circuit breaker of ${agent} is ${before.state} already` };
  if (before !== undefined && hasReported(before, reporter, ctx.now))
    return { action: "noted", detail: `a report on ${agent} over this connection has counted within the hour` };
  const changed = yield* observe(ctx, before, { task: "", startedAt: ctx.now, outcome: "failed", reporter });
  if (changed) yield* appendEvents(ctx, [{ ...changed, agent }]);
  return changed?.type === "breaker.opened"
    ? { action: "breaker_opened", detail: `${target} gets no work that others can do for a while` }
    : { action: "breaker_counted", detail: `a failure more of ${target}` };
}

/** Returns until when an agent gets no work that others can do; undefined where its breaker lets it have some. */
export function* brokenUntil(ctx: EngineContext, agent: string): Tx<Broken | undefined> {
  if (!ctx.settings.circuit_breakers) return undefined;
  const breaker = yield* findBreaker(agentTarget(agent));
  return breaker && (yield* pauseOf(ctx, breaker, agent));
}

/** Makes a task that has been claimed the trial of the breaker of a target, where the pause of that is over. */
export function* beginTrial(ctx: EngineContext, target: string, task: string): Tx<void> {
  if (!ctx.settings.circuit_breakers) return;
  // Claims of calls of one server that is well do not wait for each other.
  const known = yield* findBreaker(target);
  if (known === undefined || known.state === "closed") return;
  const [breaker] = yield* lockBreakers([target]);
  if (breaker !== undefined && breaker.state !== "closed" && lets(breaker, ctx.now, false))
    yield* saveBreaker(onTrial(breaker, task, ctx.now));
}

/** A page of the breakers that have ever counted a failure, by target. */
export function* listBreakerPage(query: PageQuery & { readonly target?: string | undefined }): Tx<Page<Breaker>> {
  if (query.target !== undefined) {
    const found = yield* findBreaker(targetOf(query.target));
    return { page: found === undefined ? [] : [found], next: {} };
  }
  const rows = yield* listBreakers({ after: query.cursor ?? "", limit: query.limit + 1 });
  return pageOf(rows, query.limit, ({ target }) => target);
}

/** A target as it is stored: a bare name is that of an agent. */
function targetOf(reference: string): string {
  return /^(agent|server):/.test(reference) ? reference : agentTarget(reference);
}

/** Forgets the failures of a target, which gets work again at once. Errors: `not_found` where it has no breaker. */
export function* resetBreaker(ctx: EngineContext, given: { target: string; agent?: string | undefined }): Tx<Breaker> {
  const by = yield* actingAgent(ctx, given.agent);
  const target = targetOf(given.target);
  if (target === agentTarget(by.name) && ctx.caller.channel !== "human") throw ownBreaker(by.name);
  const [breaker] = yield* lockBreakers([target]);
  if (breaker === undefined) throw yield* noBreaker(target);
  yield* deleteBreaker(target);
  yield* appendEvents(ctx, [
    { type: "breaker.reset", agent: by.name, data: { target, state: breaker.state, failures: breaker.failures } },
  ]);
  return newBreaker(target, ctx.now);
}

function ownBreaker(agent: string): BatonError {
  return new BatonError(
    "not_permitted",
    `${agent} may not reset its own circuit breaker: it closes by itself when a trial succeeds, or another agent or a person resets it. Nothing was changed.`,
    {
      details: { agent },
      next: [{ tool: "query_operation", arguments: { name: "list_circuit_breakers", arguments: { target: agent } } }],
    },
  );
}

const NAMES_MAX = 200;

function* noBreaker(target: string): Tx<BatonError> {
  const known = (yield* listBreakers({ after: "", limit: NAMES_MAX })).map((one) => one.target);
  return new BatonError(
    "not_found",
    `There is no circuit breaker ${target}${hint(target, known)}: no failure of that name has been counted since it was reset or first seen. Targets are agent:NAME and server:NAME. Nothing was changed.`,
    {
      details: { target },
      next: [{ tool: "query_operation", arguments: { name: "list_circuit_breakers", arguments: {} } }],
    },
  );
}
