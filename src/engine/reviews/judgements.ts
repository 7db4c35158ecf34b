import { BatonError } from "../../base/errors.js";
import type { ArtifactVerdict, Severity } from "../../base/statuses.js";
import { type Artifact, findArtifact, saveValidation } from "../../store/artifacts/artifacts.js";
import { judgementsOf, type Review } from "../../store/reviews/reviews.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { RunChange } from "../lifecycle/run-change.js";
import { rolesOfTier, type Supervised, type SupervisingTier, tierOfRole } from "../supervision/tiers.js";

export type { Review };

// An artifact alone is judged by a reviewer's task: its verdict becomes issues of the artifact's validation.

/** Roles that judge an artifact by its type, where the project's own map has them. */
const ROLE_OF_TYPE: Readonly<Record<string, string>> = {
  requirements: "project_manager",
  architecture: "tech_lead",
  code: "code_reviewer",
  tests: "code_reviewer",
  security: "security_reviewer",
};

/** The role that judges artifacts of a type: the usual one of its tier, else the first that the project's map has there. */
export function judgingRole(config: Supervised, type: string): string {
  const usual = ROLE_OF_TYPE[type] ?? "code_reviewer";
  const tier: SupervisingTier = tierOfRole({}, usual) === "architect" ? "architect" : "lead";
  const roles = rolesOfTier(config, tier);
  return roles.includes(usual) ? usual : (roles[0] ?? usual);
}

/** The newest judgement of an artifact of a run: decided, or open. */
export function* judgementOf({ id, run }: Artifact): Tx<Review | undefined> {
  if (run === null) return undefined;
  const known = yield* judgementsOf(run, id);
  return known.at(-1);
}

export interface JudgedIssue {
  readonly check: "review";
  readonly severity: Severity;
  readonly message: string;
  readonly where?: string;
  readonly suggestion?: string;
  /** The reviewer. */
  readonly from: string;
}

/** The findings of a judgement as issues of a validation; one that sends the artifact back without a finding is one by itself. */
export function issuesOf({ verdict, findings, critique, reviewer }: Review): JudgedIssue[] {
  const from = reviewer ?? "";
  const issues = findings.map(({ severity, what, where, suggestion }): JudgedIssue => ({
    check: "review",
    severity,
    message: what,
    ...(where === undefined ? {} : { where }),
    ...(suggestion === undefined ? {} : { suggestion }),
    from,
  }));
  const isRefused = verdict !== null && verdict !== "approve";
  if (!isRefused || issues.some(({ severity }) => severity === "major" || severity === "critical")) return issues;
  return [...issues, { check: "review", severity: "major", message: critique ?? `The verdict is ${verdict}.`, from }];
}

const WORST: readonly ArtifactVerdict[] = ["critical", "failed", "passed"];

/** Records the verdict of a reviewer with the artifact, beside what its checks have found: the worse one counts. */
export function* recordJudgement(change: RunChange, review: Review): Tx<void> {
  const artifact = review.artifact === null ? undefined : yield* findArtifact(review.artifact);
  if (!artifact) return;
  const issues = issuesOf(review).map(({ severity }) => severity);
  const own = issues.includes("critical") ? "critical" : issues.includes("major") ? "failed" : "passed";
  const verdict = WORST.find((one) => one === own || one === artifact.verdict) ?? own;
  yield* saveValidation(artifact.id, { verdict, figures: artifact.figures ?? {} });
  const data = { artifact: artifact.id, name: artifact.name, version: artifact.version, verdict };
  change.record({ type: "artifact.validated", task: artifact.task, agent: review.reviewer, data });
}

/** Errors: `not_permitted` for the author of an artifact that is judged. */
export function requireOther({ agent, id, key }: Task, { author, artifact }: Review): void {
  if (author === null || agent !== author) return;
  const message = `${author} put artifact ${artifact ?? ""} and does not judge it. Nothing was decided: release ${key} (${id}) for another agent.`;
  throw new BatonError("not_permitted", message, { details: { task: id, artifact, author } });
}
