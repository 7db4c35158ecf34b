import { type Belief, logSumsOf, narrowed, updated } from "../../base/numbers/log-normal.js";

/** An ended task: what its attempts cost together, for the model that is asked about, and what it was. */
export interface PastTask {
  readonly role: string | null;
  /** The key of its step. */
  readonly type: string;
  /** The model that did most of it. */
  readonly model: string | null;
  readonly amount: number;
}

/** The task that is asked about. Without a type: a task of the role. */
export interface Asked {
  readonly role: string | null;
  readonly type?: string | undefined;
  readonly model: string | null;
}

/** Groups of past tasks, from the widest to the narrowest, with what those of each are worth as evidence. */
const LEVELS = [
  { name: "all", worth: 0.3, of: [] },
  { name: "model", worth: 0.4, of: ["model"] },
  { name: "role", worth: 0.6, of: ["role"] },
  { name: "role and model", worth: 0.8, of: ["role", "model"] },
  { name: "role, type and model", worth: 1, of: ["role", "type", "model"] },
] as const satisfies readonly {
  readonly name: string;
  readonly worth: number;
  readonly of: readonly (keyof Asked)[];
}[];

export type Basis = (typeof LEVELS)[number]["name"] | "prompt size";

/** A group on the way to the narrowest one, as a forecast of several tasks shares it with those of other groups. */
export interface GroupError {
  /** Equal for the same group. */
  readonly group: string;
  /** The part of an error in the mean of the wider group that is one of this group's too. */
  readonly inherits: number;
  /** The standard deviation of the error that is this group's own. */
  readonly own: number;
}

export interface Judgement {
  readonly belief: Belief;
  /** From the widest group to the one asked about. */
  readonly path: readonly GroupError[];
  /** From 0, where only the prior speaks, to 1. */
  readonly confidence: number;
  /** The narrowest group that has past tasks, and how many. */
  readonly basis: Basis;
  readonly observations: number;
}

/**
 * Returns what past tasks say of the one that is asked about. Each group begins with what the wider one says, and corrects it by its
 * own tasks: the fewer it has, the more the wider ones say.
 */
export function judged(past: readonly PastTask[], asked: Asked, prior: Belief): Judgement {
  let belief = prior;
  let inherited = 0;
  let [confidence, observations] = [0, 0];
  let basis: Basis = "prompt size";
  const path: GroupError[] = [];
  for (const { name, worth, of } of LEVELS) {
    const amounts = past.filter((one) => of.every((key) => one[key] === asked[key])).map(({ amount }) => amount);
    const before = path.length === 0 ? belief : narrowed(belief);
    belief = updated(before, logSumsOf(amounts));
    const share = amounts.length / belief.weight;
    const variance = belief.variance / belief.weight;
    const inherits = path.length === 0 ? 0 : 1 - share;
    path.push({
      group: [name, ...of.map((key) => String(asked[key]))].join("/"),
      inherits,
      own: Math.sqrt(Math.max(0, variance - inherits ** 2 * inherited)),
    });
    inherited = variance;
    confidence = share * worth + (1 - share) * confidence;
    if (amounts.length > 0) [basis, observations] = [name, amounts.length];
  }
  return { belief, path, confidence, basis, observations };
}
