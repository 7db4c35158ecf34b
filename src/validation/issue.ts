import type { Severity } from "../base/statuses.js";

/** A fault that a check has found. */
export interface ValidationIssue {
  /** Name of the check, such as `secrets`. */
  readonly check: string;
  readonly severity: Severity;
  readonly message: string;
  /** First line of the fault, from 1. */
  readonly line?: number;
  /** The place in words, where it is no line. */
  readonly where?: string;
  readonly suggestion?: string;
}

/** An artifact as the checks see it. */
export interface ValidationSubject {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  /** The language that the caller names, such as `python`. */
  readonly language?: string | undefined;
  /** Share of lines that tests must reach, in per cent. */
  readonly coverageMin: number;
  /** Whether a file exists, relative to the artifact; absent where it lies nowhere. */
  readonly exists?: ((relative: string) => boolean) | undefined;
}

/** The result of a check. */
export interface CheckResult {
  readonly issues: readonly ValidationIssue[];
  readonly figures?: Readonly<Record<string, number>>;
}

/** Turns offsets of a text into lines, for texts with many of them. */
export class Lines {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  at(offset: number): number {
    let [from, to] = [0, this.#starts.length - 1];
    while (from < to) {
      const middle = Math.ceil((from + to) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) from = middle;
      else to = middle - 1;
    }
    return from + 1;
  }
}

/** The newest version of an artifact of a run. */
export interface RunText {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}
