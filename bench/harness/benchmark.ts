import type { Profile } from "./profile.js";

/** The context of a benchmark. */
export interface Bench {
  /** An empty directory of its own, on the disk that is measured; gone afterwards. */
  readonly directory: string;
  /** Smaller amounts, for a look: the figures are not kept. */
  readonly quick: boolean;
  /** Says what is going on, since some take minutes. */
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Outcome>;
}

/** One figure, beside its peer of the same run where it has one. */
export interface Line {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: { readonly name: string; readonly value: number };
  /** To the peer: the median of the rounds' ratios, so that what slows both down for a while cancels out. */
  readonly ratio?: number;
  readonly target?: Target;
}

export interface Target {
  readonly of: "value" | "ratio";
  readonly at: "most" | "least";
  readonly limit: number;
}

export interface Outcome {
  readonly lines: readonly Line[];
  /** How it was measured, as far as a reader of the figures must know. */
  readonly notes: readonly string[];
  /** Where the time goes, for what fell short. */
  readonly profiles?: readonly Profile[];
  /** The rounds behind the lines. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

export type Verdict = "met" | `missed by ${number} %`;

export function verdictOn(line: Line): Verdict | undefined {
  const { target } = line;
  if (target === undefined) return undefined;
  const reached = target.of === "value" ? line.value : line.ratio;
  if (reached === undefined) throw new Error(`${line.what} has a target for a ratio, and no peer`);
  const by = target.at === "most" ? reached / target.limit - 1 : 1 - reached / target.limit;
  return by <= 0 ? "met" : `missed by ${Math.max(1, Math.round(by * 100))} %`;
}

export function isMissed(line: Line): boolean {
  return verdictOn(line)?.startsWith("missed") ?? false;
}
