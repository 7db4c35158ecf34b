import type { ScorePart } from "./scoring.js";

/** A strategy: which parts of a score count for how much. They need not sum to anything. */
export interface Strategy {
  readonly weights: Readonly<Partial<Record<ScorePart, number>>>;
  /** Whether an agent that might be bad counts as bad: fewer failures, and no newcomer is tried. */
  readonly cautious?: true;
  /** Whether the weights of what is claimed give way to those of what was shown as evidence comes in. */
  readonly adapts?: true;
}

export const STRATEGY_NAMES = [
  "adaptive",
  "capability",
  "load_balanced",
  "performance",
  "persona_cognitive_match",
  "cost_optimized",
  "round_robin",
] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  adaptive: {
    weights: {
      performance: 2,
      specialization: 4,
      load: 1.5,
      speed: 1,
      persona: 1,
      context: 1,
      cost: 0.5,
      capability: 0.5,
    },
    adapts: true,
  },
  capability: { weights: { specialization: 3, capability: 2, context: 1 } },
  load_balanced: { weights: { load: 6, turn: 1, speed: 0.5, performance: 0.5 } },
  performance: { weights: { performance: 1, specialization: 3 } },
  persona_cognitive_match: { weights: { persona: 6, performance: 1, specialization: 1, load: 0.5 } },
  cost_optimized: { weights: { cost: 6, performance: 1.5, load: 0.5 } },
  round_robin: { weights: { turn: 1 } },
};

export const GOALS = ["speed", "cost", "quality", "balance_all"] as const;
export type OptimizationGoal = (typeof GOALS)[number];

export const OF_GOAL: Readonly<Record<OptimizationGoal, Strategy>> = {
  speed: { weights: { speed: 6, load: 2, performance: 1.5 } },
  cost: STRATEGIES.cost_optimized,
  quality: STRATEGIES.performance,
  balance_all: STRATEGIES.adaptive,
};

/** The strategy of a run's mode, where neither a strategy nor a goal is named. */
export const OF_MODE: Readonly<Record<string, Strategy>> = {
  standard: STRATEGIES.adaptive,
  adaptive: STRATEGIES.adaptive,
  high_performance: OF_GOAL.speed,
  fault_tolerant: { weights: { performance: 4, specialization: 1, load: 0.5 }, cautious: true },
  resource_aware: { weights: { load: 4, cost: 4, performance: 1.5 } },
};
