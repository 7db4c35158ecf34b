import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { Estimator } from "./estimates.js";
import { type PastWork, pastWork } from "./history.js";
import { Pricing } from "./pricing.js";
import { type ModelTier, TIER_MODELS } from "./tiers.js";

export const COMPLEXITIES = ["low", "medium", "high"] as const;
type Complexity = (typeof COMPLEXITIES)[number];

export interface ModelQuery {
  readonly role: string;
  readonly complexity: Complexity;
  /** In US dollars, for one task. */
  readonly budget?: number | undefined;
}

/** A model for a role, with the quality and the typical cost that are expected of it, in US dollars. */
export interface ModelAdvice {
  readonly model: string;
  readonly tier: ModelTier | undefined;
  readonly quality: number;
  /** Undefined where its price is not known. */
  readonly cost: number | undefined;
  readonly observations: number;
  readonly confidence: number;
}

export interface Recommendation {
  readonly best: ModelAdvice;
  readonly others: readonly ModelAdvice[];
  /** The reason, in a sentence. */
  readonly because: string;
}

/** The quality from which a model is good enough. */
const QUALITY_MIN = 0.7;
/** Quality that is expected of a tier before any task was done with a model: a rule of thumb, which counts as a few tasks. */
const EXPECTED = {
  low: { light: 0.8, standard: 0.9, frontier: 0.92 },
  medium: { light: 0.6, standard: 0.85, frontier: 0.9 },
  high: { light: 0.4, standard: 0.65, frontier: 0.85 },
} as const satisfies Record<Complexity, Record<ModelTier, number>>;
const EXPECTED_WEIGHT = 4;

const OTHERS_MAX = 10;

/** Recommends the model with the most quality for its cost among those that are good enough and within the budget. */
export function* recommendModel(ctx: EngineContext, query: ModelQuery): Tx<Recommendation> {
  const past = yield* pastWork([query.role]);
  const estimator = new Estimator(past, new Pricing(ctx));
  const models = new Set([...past.flatMap(({ model }) => model ?? []), ...Object.values(TIER_MODELS)]);
  const known = [...models].map((model): ModelAdvice => {
    const { cost, tier } = estimator.estimate({ role: query.role, model });
    return { model, tier, cost: cost?.typical, ...qualityOf(past, model, { ...query, tier }) };
  });
  return chosen(known, query);
}

interface Expecting extends ModelQuery {
  readonly tier: ModelTier | undefined;
}

/** The quality of a model in a role: its tasks of the role, then all of its tasks, then what its tier lets expect. */
function qualityOf(past: readonly PastWork[], model: string, { role, complexity, tier = "standard" }: Expecting) {
  const all = past.filter((one) => one.model === model);
  const own = all.filter((one) => one.role === role);
  const towards = (prior: number, works: readonly PastWork[]) =>
    (works.reduce((sum, { quality }) => sum + quality, 0) + prior * EXPECTED_WEIGHT) / (works.length + EXPECTED_WEIGHT);
  const quality = towards(towards(EXPECTED[complexity][tier], all), own);
  return { quality, observations: own.length, confidence: own.length / (own.length + EXPECTED_WEIGHT) };
}

function chosen(known: readonly ModelAdvice[], { complexity, budget }: ModelQuery): Recommendation {
  const priced = known.filter(({ cost }) => cost !== undefined);
  const all = priced.length > 0 ? priced : known;
  const affordable = budget === undefined ? all : all.filter(({ cost = 0 }) => cost <= budget);
  const within = affordable.length > 0 ? affordable : cheapestOf(all);
  const good = within.filter(({ quality }) => quality >= QUALITY_MIN);
  const order = good.length > 0 ? good.toSorted(byWorth) : within.toSorted((a, b) => b.quality - a.quality);
  const [best] = order;
  if (best === undefined) throw new Error("the models of the tiers are always known");
  const others = known.filter((one) => one !== best).toSorted(byWorth);
  const grounds = [
    good.length > 0
      ? `of the ${good.length} models that are good enough for ${complexity} complexity it has the most quality for its cost`
      : `no model within reach is good enough for ${complexity} complexity, and it is the best of them`,
    ...(affordable.length > 0 ? [] : ["every model costs more than the budget, and it is the cheapest"]),
    best.observations === 0
      ? "no past task of the role was done with it: the tier of its price stands for its quality"
      : `${best.observations} past tasks of the role were done with it`,
  ];
  return { best, others: others.slice(0, OTHERS_MAX), because: `${grounds.join("; ")}.` };
}

function cheapestOf(models: readonly ModelAdvice[]): ModelAdvice[] {
  return models.toSorted((a, b) => (a.cost ?? 0) - (b.cost ?? 0)).slice(0, 1);
}

/** The most quality for the cost first; where both are free, the better one. */
function byWorth(a: ModelAdvice, b: ModelAdvice): number {
  const worth = (one: ModelAdvice) => one.quality / Math.max(one.cost ?? Infinity, 1e-9);
  return worth(b) - worth(a) || b.quality - a.quality;
}
