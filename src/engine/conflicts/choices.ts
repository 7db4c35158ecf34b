import { CONFLICT_KINDS, type ConflictKind, type ConflictStrategy } from "../../base/statuses.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { deleteStrategy, findStrategies, saveStrategy, type ScopeStrategy } from "../../store/conflicts/strategies.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { requireRun } from "../lookup.js";
import { findProject } from "../projects/projects.js";
import type { ConflictScope } from "./detection.js";
import { APPLICABLE } from "./strategies.js";

export interface StrategyChoice {
  /** `default` clears what was set. */
  readonly strategy: ConflictStrategy | "default";
  /** `project`, or a kind of conflict. */
  readonly scope: "project" | ConflictKind;
  readonly project?: string | undefined;
  readonly agent?: string | undefined;
}

/** Strategy that holds for a scope, and who set it, unless it is the default. */
export type StrategySetting = Pick<ScopeStrategy, "scope" | "strategy"> & Partial<ScopeStrategy>;

/** The scopes that a strategy for a conflict may be set for, the nearest first. */
export function scopesOf(project: string, kind: ConflictKind): string[] {
  return [`kind:${kind}`, `project:${project}`];
}

/** Whether a strategy can resolve conflicts of a kind. */
export function fits(kind: ConflictKind, strategy: ConflictStrategy): boolean {
  return strategy === "adaptive" ? APPLICABLE[kind].length > 0 : APPLICABLE[kind].includes(strategy);
}

/** The strategies that are set for a project and for kinds of conflicts. A query. Errors: `not_found`. */
export function* setStrategies(ctx: EngineContext, where: ConflictScope): Tx<ScopeStrategy[]> {
  const run = where.run === undefined ? undefined : yield* requireRun(where.run);
  const project = yield* findProject(ctx, run?.project ?? where.project);
  const kinds = CONFLICT_KINDS.map((kind) => `kind:${kind}`);
  return yield* findStrategies(project ? [`project:${project.id}`, ...kinds] : kinds);
}

/**
 * Sets how conflicts are resolved from now on, or clears that. Returns what holds then. Errors: `not_found` without
 * a project where the scope is one; `invalid_input` for a strategy that cannot resolve conflicts of the kind.
 */
export function* setConflictStrategy(
  ctx: EngineContext,
  { strategy, scope: wanted, project: name, agent }: StrategyChoice,
): Tx<StrategySetting> {
  const by = yield* actingAgent(ctx, agent);
  // A strategy for a kind holds in all projects; one that is named is to be there all the same.
  const found = wanted === "project" || name !== undefined ? yield* findProject(ctx, name) : undefined;
  const project = wanted === "project" ? found : undefined;
  if (wanted === "project" && project === undefined) {
    const message = "There is no project around the working directory: name one. Nothing was changed.";
    throw new BatonError("not_found", message, { next: [callOperation("list_projects", {})] });
  }
  if (wanted !== "project" && strategy !== "default" && !fits(wanted, strategy)) throw misfit(wanted, strategy);
  const scope = project === undefined ? `kind:${wanted}` : `project:${project.id}`;
  const data = { scope, strategy };
  yield* appendEvents(ctx, [{ type: "conflict.strategy_set", project: project?.id ?? null, agent: by.name, data }]);
  if (strategy === "default") {
    yield* deleteStrategy(scope);
    return { scope, strategy: ctx.settings.conflict_strategy };
  }
  const set = { scope, strategy, setBy: by.name, setAt: ctx.now };
  yield* saveStrategy(set);
  return set;
}

function misfit(kind: ConflictKind, strategy: ConflictStrategy): BatonError {
  const known = APPLICABLE[kind];
  const which =
    known.length === 0 ? "no strategy can: they are for their parties" : `${known.join(", ")} or adaptive can`;
  const message = `${strategy} cannot resolve conflicts of kind ${kind}; ${which}. Nothing was changed.`;
  return new BatonError("invalid_input", message, { details: { path: "strategy" } });
}
