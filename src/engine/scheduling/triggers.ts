/** How the dependencies of a task stand. Failed counts dead letters and blocked; skipped counts cancelled too. */
export interface DependencyCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
}

/** `wait`: still open. `block`: can no longer hold because something failed. `skip`: can no longer hold for another reason. */
export type Verdict = "ready" | "wait" | "block" | "skip";

/** Whether a task starts, given how its dependencies ended. `all_done` counts every way of settling. */
export function judge(rule: TriggerRule, deps: DependencyCounts): Verdict {
  const open = deps.total - deps.succeeded - deps.failed - deps.skipped;
  const lost: Verdict = deps.failed > 0 ? "block" : "skip";
  switch (rule) {
    case "all_succeeded":
      if (deps.failed > 0) return "block";
      if (deps.skipped > 0) return "skip";
      return open === 0 ? "ready" : "wait";
    case "none_failed":
      if (deps.failed > 0) return "block";
      return open === 0 ? "ready" : "wait";
    case "all_done":
      return open === 0 ? "ready" : "wait";
    case "one_succeeded":
      if (deps.succeeded > 0) return "ready";
      return open === 0 ? lost : "wait";
    case "one_failed":
      if (deps.failed > 0) return "ready";
      return open === 0 ? "skip" : "wait";
  }
}
import type { TriggerRule } from "../../base/statuses.js";
