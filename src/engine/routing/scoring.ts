import { durationBelief, type EvidenceLevels, type SuccessBelief, successBelief } from "../belief/belief.js";
import { sampledBeta, type Uniform } from "./sampling.js";

// The parts of the score of an agent for a task, each from 0 to 1 and higher for the better agent. The score is their mean by the
// weights of a strategy (strategies.ts), times the quality and the health.

export const SCORE_PARTS = [
  "capability",
  "performance",
  "speed",
  "specialization",
  "persona",
  "load",
  "cost",
  "context",
  "turn",
] as const;
export type ScorePart = (typeof SCORE_PARTS)[number];
export type ScoreParts = Readonly<Record<ScorePart | "quality" | "health", number>>;

/** The ways of working that a task asks for, or that an agent says it has: each number from 0 to 1. */
export interface Persona {
  readonly cognitive_style?: string | undefined;
  readonly creativity?: number | undefined;
  readonly analytical_depth?: number | undefined;
  readonly collaboration?: number | undefined;
}

const TRAITS = ["creativity", "analytical_depth", "collaboration"] as const;

/** Reads the persona that an agent registered, whose form is free: keys that are none of these, or no such values, say nothing here. */
export function personaOf(said: Readonly<Record<string, unknown>>): Persona {
  const traits = TRAITS.flatMap((trait) => {
    const value = said[trait];
    return typeof value === "number" && value >= 0 && value <= 1 ? [[trait, value] as const] : [];
  });
  const style = said["cognitive_style"];
  return { ...Object.fromEntries(traits), ...(typeof style === "string" && { cognitive_style: style }) };
}

/** An agent that a task could go to, as far as its score goes by it. */
export interface RoutingCandidate {
  readonly agent: string;
  /** The capabilities, and the role, that the task asks for; and how many of them the agent offers. */
  readonly asked: number;
  readonly offered: number;
  /** Faded to now. */
  readonly evidence: EvidenceLevels;
  /** The agent's own word on how good it is at this, 0 to 1; null where it says nothing. */
  readonly declared: number | null;
  readonly persona: Persona;
  /** Tasks that it has, running or reserved, and how many it takes at once. */
  readonly busy: number;
  readonly capacity: number;
  /** US$ that a task costs with it; null where that is not known. */
  readonly cost: number | null;
  /** How much of the context of the task it has: a share from 0 to 1 of each kind that there is. */
  readonly context: readonly number[];
  /** The instant at which a task was last given to it, or kept for it; null for never. */
  readonly servedAt: number | null;
  /** Its newest attempts that failed, back to its last success, and how long ago the newest ended. */
  readonly failuresInRow: number;
  readonly restedMs: number;
}

export interface ScoringTerms {
  readonly persona: Persona;
  /** The least probability of success that the task asks for, 0 to 1. */
  readonly quality?: number | undefined;
  /** Draws the probabilities of success; null takes their means, so that equal evidence gives equal scores. */
  readonly uniform: Uniform | null;
  /** Whether an agent that might be bad counts as bad, not as one to try. */
  readonly cautious: boolean;
}

/** The parts of candidates of one task, in their order: speed, cost and turn compare them with each other. */
export function partsOf(candidates: readonly RoutingCandidate[], terms: ScoringTerms): ScoreParts[] {
  const durations = candidates.map(({ evidence }) => Math.exp(durationBelief(evidence).mean));
  const fastest = Math.min(...durations);
  const costs = candidates.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  const cheapest = Math.min(...costs);
  return candidates.map((candidate, at) => ({
    capability: candidate.asked === 0 ? 1 : candidate.offered / candidate.asked,
    performance: performanceOf(candidate.evidence, terms),
    speed: fastest / (durations[at] ?? fastest),
    specialization: specializationOf(candidate),
    persona: personaMatch(terms.persona, candidate.persona),
    load: Math.max(0, 1 - candidate.busy / candidate.capacity),
    cost: candidate.cost === null ? UNKNOWN : candidate.cost <= 0 ? 1 : cheapest / candidate.cost,
    context: candidate.context.reduce((sum, one) => sum + one, 0) / Math.max(1, candidate.context.length),
    turn: 1 - candidates.filter((other) => isBefore(other, candidate)).length / candidates.length,
    quality: qualityOf(candidate.evidence, terms.quality),
    health: 1 - suspicionOf(candidate),
  }));
}

/** Whether it is the turn of one agent rather than of another: it was served longer ago or, where both were at once, has less. */
function isBefore(one: RoutingCandidate, other: RoutingCandidate): boolean {
  const apart = (one.servedAt ?? -1) - (other.servedAt ?? -1);
  return apart < 0 || (apart === 0 && one.busy < other.busy);
}

/** The part of what is not known. */
const UNKNOWN = 0.5;

/**
 * The belief is drawn from as if it rested on so many times its attempts. Thompson sampling as it stands goes on trying what is nearly
 * as good for longer than a history of thousands of tasks: docs/decisions/0081 has the figures.
 */
const SHARPNESS = 10;
/** Standard deviations by which a cautious choice takes an agent to be worse than it seems: one in ten is. */
const CAUTION = 1.28;

function performanceOf(evidence: EvidenceLevels, { uniform, cautious }: ScoringTerms): number {
  const { alpha, beta } = successBelief(evidence);
  const mean = alpha / (alpha + beta);
  if (cautious) return Math.max(0, mean - CAUTION * Math.sqrt((mean * (1 - mean)) / (alpha + beta + 1)));
  return uniform === null ? mean : sampledBeta({ alpha: SHARPNESS * alpha, beta: SHARPNESS * beta }, uniform);
}

/** Likely enough to succeed: 1. Else the part of the way to that. */
function qualityOf(evidence: EvidenceLevels, least = 0): number {
  const { alpha, beta } = successBelief(evidence);
  return least === 0 ? 1 : Math.min(1, alpha / (alpha + beta) / least);
}

/** An agent breaks without a word before one in so many attempts. */
const ATTEMPTS_PER_BREAK = 10_000;
/** An agent that seems broken is tried again after a rest that grows with each failure. */
const REST_PER_FAILURE_MS = 1_800_000;

/**
 * The probability that an agent has broken: that its failures in a row are not those which its record lets expect. A good agent is left
 * after some five, which its long record would hide; one that often fails is not. It fades as the agent rests, so that it is tried.
 */
function suspicionOf({ evidence, failuresInRow, restedMs }: RoutingCandidate): number {
  if (failuresInRow === 0) return 0;
  const { alpha, beta } = successBelief({ ...evidence, pair: evidence.agent });
  const usual = (beta / (alpha + beta)) ** failuresInRow;
  const broken = 1 / (1 + (ATTEMPTS_PER_BREAK - 1) * usual);
  return broken * 2 ** (-restedMs / (REST_PER_FAILURE_MS * failuresInRow));
}

/** An agent's own word counts for so many attempts: it may boast. */
const DECLARED_ATTEMPTS = 5;

/** The declared skill of an agent, corrected by what it has shown; without a declaration, the evidence alone. */
export function specializationOf({ declared, evidence }: Pick<RoutingCandidate, "declared" | "evidence">): number {
  return correctedBy(successBelief(evidence), declared);
}

/** The same of a belief that is known already. */
export function correctedBy(shown: SuccessBelief, declared: number | null): number {
  const word = declared === null ? 0 : DECLARED_ATTEMPTS;
  return (shown.alpha + word * (declared ?? 0)) / (shown.alpha + shown.beta + word);
}

/** Nearness of a persona to the one asked for, over what is asked. An agent that does not say is half near. */
export function personaMatch(asked: Persona, has: Persona): number {
  const near = TRAITS.flatMap((trait) => {
    const [want, is] = [asked[trait], has[trait]];
    if (want === undefined) return [];
    return [is === undefined ? UNKNOWN : 1 - Math.abs(want - is)];
  });
  if (asked.cognitive_style !== undefined) {
    const same = has.cognitive_style === asked.cognitive_style ? 1 : 0;
    near.push(has.cognitive_style === undefined ? UNKNOWN : same);
  }
  return near.length === 0 ? 1 : near.reduce((sum, one) => sum + one, 0) / near.length;
}
