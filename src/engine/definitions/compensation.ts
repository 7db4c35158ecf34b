import { parseStep, type StepChecks } from "./step-checks.js";
import type { WrittenStep } from "./schema.js";

// A compensation is written as a step, without these keys, which it takes from the step that it undoes.

const FROM_ITS_STEP = ["key", "needs", "trigger", "if", "for_each", "phase", "compensate"] as const;
const KINDS: ReadonlySet<unknown> = new Set([undefined, "agent", "command", "tool", "human", "workflow"]);

/** Reads the `compensate` of a step: a step of the same key, or undefined where it has none or one that is wrong. */
export function parseCompensation(step: WrittenStep, checks: StepChecks): WrittenStep | undefined {
  const { compensate, key } = step;
  if (compensate === undefined) return undefined;
  const { problems } = checks;
  const at = `${checks.at}.compensate`;
  const before = problems.count;
  for (const field of FROM_ITS_STEP) {
    if (field in compensate)
      problems.add({ path: `${at}.${field}`, step: key, message: "is that of the step it undoes: leave it out" });
  }
  if (!KINDS.has(compensate["kind"])) {
    const message = "what undoes a step is of the kind agent, command, tool, human or workflow";
    problems.add({ path: `${at}.kind`, step: key, message });
  }
  if (problems.count > before) return undefined;
  return parseStep({ ...compensate, key }, { ...checks, at });
}
