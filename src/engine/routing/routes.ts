import { z } from "zod";
import { BatonError } from "../../base/errors.js";
import { defined } from "../../base/json.js";
import { fadingPerMs } from "../../base/numbers/half-life.js";
import { rounded } from "../../base/numbers/rounding.js";
import { type Agent, findAgent } from "../../store/agents/agents.js";
import { newestEventOfTask } from "../../store/events/history.js";
import { appendEvents } from "../../store/events/events.js";
import { evidenceByGroup, evidenceOf, evidenceWithIds, type WeighedEvidence } from "../../store/learning/evidence.js";
import { type Demand, findDemand } from "../../store/scheduling/lanes.js";
import { heldWork, keptWork } from "../../store/scheduling/workloads.js";
import { recentOutcomes } from "../../store/tasks/attempts.js";
import { agentsThatWorked } from "../../store/tasks/workers.js";
import type { Task, TaskAndSpec, TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { connectionOf, liveAgents, offerOf, requireAgent } from "../agents/agents.js";
import { brokenAgents, offerFor } from "../claims/offers.js";
import type { EngineContext } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { requireRun, requireTask } from "../lookup.js";
import { type Offer, unmet } from "../scheduling/demands.js";
import { taskType } from "../steps/task-type.js";
import { requireAssignable, reserveTask } from "../tasks/assignments.js";
import { asEvidence, type Evidence } from "../belief/belief.js";
import { contextsFor } from "./context.js";
import { ranked, type Ranked } from "./ranking.js";
import { personaOf, type Persona, type RoutingCandidate } from "./scoring.js";
import { OF_GOAL, OF_MODE, type OptimizationGoal, STRATEGIES, type StrategyName } from "./strategies.js";

export interface RouteQuery {
  readonly task: string;
  /** Handles; without them all agents that are there and take tasks. */
  readonly candidates?: readonly string[] | undefined;
  readonly strategy?: StrategyName | undefined;
  readonly goal?: OptimizationGoal | undefined;
  /** The type whose evidence counts. Default: that of the task. */
  readonly type?: string | undefined;
  readonly persona: Persona;
  readonly quality?: number | undefined;
}

export interface RoutedAgent extends Ranked {
  /** The kinds of reason for which a claim of it would be turned away; empty where it can take the task. */
  readonly gaps: readonly string[];
}

export interface Route {
  readonly task: Task;
  readonly type: string;
  /** The strategy, the goal or the run's mode that decided. */
  readonly by: string;
  /** Agents that can take the task before those that cannot, each the best first. */
  readonly ranking: readonly RoutedAgent[];
  /** Agents of which nothing was learned yet: what they declare ranks them. */
  readonly unproven: ReadonlySet<string>;
}

/** Ranks agents for a task and changes nothing. Errors: `not_found` for the task and for a candidate. */
export function* routeOf(ctx: EngineContext, query: RouteQuery): Tx<Route> {
  return yield* routeFor(ctx, yield* requireTask(query.task), query);
}

/**
 * Reserves a task for the best of a ranking that can still take it: what ranks them was read before, so that nothing waits for it. The history keeps the
 * candidates with the parts of their scores. Errors: `not_found` for the task; `invalid_transition` for one that is held or has ended; `conflict` where
 * no candidate can take it.
 */
export function* assignBest(ctx: EngineContext, route: Route): Tx<Route & { readonly assigned: string }> {
  const locked = yield* lockTask(route.task.id);
  requireAssignable(locked.task);
  const assigned = yield* firstThatTakes(ctx, locked.task, route);
  if (assigned === undefined) throw noTaker(route);
  const task = yield* reserveTask(ctx, locked, assigned);
  const { id, run, project } = task;
  const candidates = route.ranking.slice(0, KEPT_MAX).map(({ agent, score, parts, gaps }) => ({
    agent,
    score: rounded(score),
    ...(gaps.length > 0 ? { gaps } : { parts: roundedParts(parts) }),
  }));
  const fallback = route.unproven.has(assigned);
  const { success = 0 } = route.ranking.find(({ agent }) => agent === assigned) ?? {};
  const choice = { by: route.by, task_type: route.type, success: rounded(success) };
  const data = { ...choice, candidates, ...(fallback && { fallback }) };
  yield* appendEvents(ctx, [{ type: "task.routed", project, run, task: id, agent: assigned, data }]);
  return { ...route, task, assigned };
}

/** The best of a ranking by which a claim would not be turned away now. */
function* firstThatTakes(ctx: EngineContext, task: Task, { ranking }: Route): Tx<string | undefined> {
  const demand = yield* demandFor(task);
  for (const { agent: name } of ranking.filter(({ gaps }) => gaps.length === 0).slice(0, TRIED_MAX)) {
    const agent = yield* findAgent(name);
    if (agent?.status !== "active") continue;
    const [offered] = yield* offeredBy(ctx, [agent], { task, demand });
    if (offered?.gaps.length === 0) return name;
  }
  return undefined;
}

/** As many of them as are asked under the lock of the task. */
const TRIED_MAX = 5;

/** The demand of a task, without the agent that it is kept for. */
function* demandFor(task: Task): Tx<Demand> {
  const demand = yield* findDemand(task.demand);
  if (!demand) throw new Error(`task ${task.id} has no demand`);
  return { ...demand, reservedFor: null };
}

/** As many candidates as the history keeps of a decision. */
const KEPT_MAX = 20;
/** As many agents as are ranked. */
const RANKED_MAX = 100;

function* routeFor(ctx: EngineContext, { task, spec }: TaskAndSpec, query: RouteQuery): Tx<Route> {
  const type = query.type ?? taskType(task, spec);
  const asked = { task, type, demand: yield* demandFor(task) };
  const agents = query.candidates === undefined ? yield* takingAgents(ctx) : yield* namedAgents(query.candidates);
  const offered = yield* offeredBy(ctx, agents, asked);
  // Agents that can take it come first, so that the others take no place of theirs.
  const able = offered.filter(({ gaps }) => gaps.length === 0);
  const unable = offered.filter(({ gaps }) => gaps.length > 0);
  const chosen = [...able, ...unable].slice(0, RANKED_MAX);
  const facts = yield* sharedFacts(ctx, asked, chosen);
  const candidates = new Map<Offered, RoutingCandidate>();
  for (const one of chosen) candidates.set(one, yield* candidateOf(ctx, one, { ...asked, ...facts }));
  const { by, strategy } = yield* strategyFor(task, query);
  const uniform = ctx.settings.learning_enabled ? () => ctx.random() : null;
  const inOrder = (some: readonly Offered[]): Ranked[] =>
    ranked(
      some.flatMap((one) => candidates.get(one) ?? []),
      { strategy, persona: personaFor(spec, query), quality: query.quality ?? spec.quality, uniform },
    );
  const gapsOf = new Map(chosen.map(({ agent, gaps }) => [agent.name, gaps]));
  const ranking = [...inOrder(able), ...inOrder(unable).map((one) => ({ ...one, score: 0 }))];
  const unproven = [...candidates.values()].filter(({ evidence }) => !isTold(evidence.pair) && !isTold(evidence.agent));
  return {
    task,
    type,
    by,
    ranking: ranking.map((one) => ({ ...one, gaps: gapsOf.get(one.agent) ?? [] })),
    unproven: new Set(unproven.map(({ agent }) => agent)),
  };
}

function isTold({ successes, failures }: Evidence): boolean {
  return successes + failures > 0;
}

/** The ways of working that the task asks for; what the query says counts instead. */
function personaFor(spec: TaskSpec, { persona }: RouteQuery): Persona {
  const { cognitive_style, creativity, analytical_depth, collaboration } = spec;
  return { cognitive_style, creativity, analytical_depth, collaboration, ...defined({ ...persona }) };
}

function* namedAgents(names: readonly string[]): Tx<Agent[]> {
  const agents: Agent[] = [];
  for (const name of new Set(names)) agents.push(yield* requireAgent(name));
  return agents;
}

/** The agents that are there and take tasks: one that says nothing of itself and has had no task may only plan, or watch. */
function* takingAgents(ctx: EngineContext): Tx<Agent[]> {
  const live = yield* liveAgents(ctx);
  const unsaid = live.filter((agent) => !isDescribed(agent)).map(({ name }) => name);
  const worked = new Set(yield* agentsThatWorked(unsaid));
  return live.filter((agent) => isDescribed(agent) || worked.has(agent.name));
}

function isDescribed({ capabilities, roles, offeredRoles, profile }: Agent): boolean {
  return [capabilities, roles, offeredRoles, Object.keys(profile)].some(({ length }) => length > 0);
}

/** An agent, what it offers for a demand, and why a claim of it would be turned away. */
interface Offered {
  readonly agent: Agent;
  readonly offer: Offer;
  readonly gaps: readonly string[];
}

function* offeredBy(
  ctx: EngineContext,
  agents: readonly Agent[],
  { task, demand }: Pick<AskedTask, "task" | "demand">,
): Tx<Offered[]> {
  const broken = yield* brokenAgents();
  const offered: Offered[] = [];
  for (const agent of agents) {
    const given = offerOf({ ...agent, hasBreaker: broken.has(agent.name) }, {}, connectionOf(agent));
    const offer = yield* offerFor(ctx, given, [{ demand, head: task.id }]);
    offered.push({ agent, offer, gaps: unmet(offer, demand).map(({ kind }) => kind) });
  }
  return offered;
}

function* strategyFor({ run }: Task, { strategy, goal }: RouteQuery) {
  if (strategy !== undefined) return { by: strategy, strategy: STRATEGIES[strategy] };
  if (goal !== undefined) return { by: `goal ${goal}`, strategy: OF_GOAL[goal] };
  const { mode } = yield* requireRun(run);
  const ofMode = OF_MODE[mode] ?? STRATEGIES.adaptive;
  return ofMode === STRATEGIES.adaptive
    ? { by: "adaptive", strategy: ofMode }
    : { by: `mode ${mode}`, strategy: ofMode };
}

/** The facts of all candidates at once. */
interface SharedFacts {
  readonly pairs: ReadonlyMap<string, WeighedEvidence>;
  readonly ofAgents: ReadonlyMap<string, WeighedEvidence>;
  readonly ofType: WeighedEvidence;
  /** Tasks that an agent has, running or reserved. */
  readonly busy: ReadonlyMap<string, number>;
  /** The instants at which it was given the newest of these. */
  readonly given: ReadonlyMap<string, number>;
  readonly contexts: ReadonlyMap<string, readonly number[]>;
}

interface AskedTask {
  readonly task: Task;
  readonly type: string;
  readonly demand: Demand;
}

const WORK_MAX = 2_000;
/** A type without evidence. */
const NO_TYPE = "";

function* sharedFacts(ctx: EngineContext, { task, type }: AskedTask, offered: readonly Offered[]): Tx<SharedFacts> {
  const fades = { now: ctx.now, perMs: fadingPerMs(ctx.settings.learning_rate) };
  // With learning off choices go by what is declared: evidence of before fades, and would change them with the time.
  const isLearning = ctx.settings.learning_enabled;
  const names = isLearning ? offered.map(({ agent }) => agent.name) : [];
  const pairs = yield* evidenceWithIds(
    names.map((name) => `${name}/${type}`),
    fades,
  );
  const busy = new Map<string, number>();
  const given = new Map<string, number>();
  const has = (agent: string, since: number | null): void => {
    busy.set(agent, (busy.get(agent) ?? 0) + 1);
    given.set(agent, Math.max(given.get(agent) ?? 0, since ?? 0));
  };
  for (const { agent, startedAt } of yield* heldWork(WORK_MAX)) has(agent, startedAt);
  for (const { task: id, demand, reservedUntil } of yield* keptWork(WORK_MAX))
    if (id !== task.id) has(demand.reservedFor ?? "", (reservedUntil ?? 0) - ctx.settings.reservation_ms);
  return {
    pairs: new Map(pairs.map((pair) => [pair.agent, pair])),
    ofAgents: yield* evidenceByGroup("agent", names, fades),
    ofType: yield* evidenceOf({ type: isLearning ? type : NO_TYPE }, fades),
    busy,
    given,
    contexts: yield* contextsFor(
      ctx,
      task,
      offered.map(({ agent }) => agent),
    ),
  };
}

/** Outcomes that say whether an agent works at all; a released or cancelled attempt does not. */
const FAILED = new Set(["failed", "timed_out", "lease_lost"]);
const OUTCOMES_MAX = 20;
const MICROS = 1_000_000;

function* candidateOf(
  ctx: EngineContext,
  { agent, offer }: Offered,
  facts: AskedTask & SharedFacts,
): Tx<RoutingCandidate> {
  const { demand, type } = facts;
  const { name, profile } = agent;
  const recent = yield* recentOutcomes(name, OUTCOMES_MAX);
  const telling = recent.filter(({ outcome }) => FAILED.has(outcome) || outcome === "succeeded");
  const success = telling.findIndex(({ outcome }) => outcome === "succeeded");
  const failures = success < 0 ? telling.length : success;
  const pair = facts.pairs.get(name);
  const areas = [type, demand.role, ...demand.requires].flatMap((area) => {
    const { specialization = {} } = profile;
    // A key such as constructor is that of no area.
    return area !== null && Object.hasOwn(specialization, area) ? [specialization[area] ?? 0] : [];
  });
  const met = demand.requires.filter((one) => offer.capabilities.has(one)).length;
  const hasRole = demand.role !== null && offer.roles.has(demand.role);
  const served = Math.max(facts.given.get(name) ?? 0, ...recent.map(({ startedAt }) => startedAt));
  return {
    agent: name,
    asked: demand.requires.length + (demand.role === null ? 0 : 1),
    offered: met + (hasRole ? 1 : 0),
    evidence: {
      pair: asEvidence(pair),
      agent: asEvidence(facts.ofAgents.get(name)),
      type: asEvidence(facts.ofType),
    },
    declared: areas[0] ?? null,
    persona: personaOf(profile.persona ?? {}),
    busy: facts.busy.get(name) ?? 0,
    capacity: agent.maxConcurrentTasks,
    cost: pair === undefined || pair.costs === 0 ? null : pair.cost / pair.costs / MICROS,
    context: facts.contexts.get(name) ?? [],
    servedAt: served === 0 ? null : served,
    failuresInRow: ctx.settings.learning_enabled ? failures : 0,
    restedMs: Math.max(0, ctx.now - (telling[0]?.endedAt ?? ctx.now)),
  };
}

function noTaker({ task, ranking }: Route): BatonError {
  const able = ranking.some(({ gaps }) => gaps.length === 0);
  const why = ranking.slice(0, 5).map(({ agent, gaps }) => `${agent} (${gaps.join(", ")})`);
  const whom = able
    ? "the candidates that could take it have changed since they were ranked; call route_task again"
    : why.length === 0
      ? "no agent is there that takes tasks"
      : `none of the candidates can take it: ${why.join(", ")}`;
  return new BatonError("conflict", `Task ${task.key} (${task.id}) was not assigned: ${whom}.`, {
    details: { task: task.id },
    retry: { after_ms: able ? 0 : 60_000 },
    next: [{ tool: "check_task_ready", arguments: { task: task.id } }],
  });
}

export function roundedParts(parts: Ranked["parts"]): Record<string, number> {
  return Object.fromEntries(Object.entries(parts).map(([part, value]) => [part, rounded(value)]));
}

const choiceSchema = z.object({
  by: z.string(),
  candidates: z.array(z.object({ agent: z.string(), score: z.number() })),
});

/** Returns the newest choice of an agent for a task, where it was that of this agent. A query. */
export function* choiceOf(
  task: Pick<Task, "id" | "run">,
  agent: string,
): Tx<z.output<typeof choiceSchema> | undefined> {
  const routed = yield* newestEventOfTask(task, ["task.routed"]);
  return routed?.agent === agent ? choiceSchema.safeParse(routed.data).data : undefined;
}
