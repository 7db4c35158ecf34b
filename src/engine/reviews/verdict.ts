import { SEVERITIES, type ReviewVerdict, VERDICTS } from "../../base/statuses.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { ReviewFinding, Review } from "../../store/reviews/reviews.js";
import { iso } from "../../base/time.js";

/** A verdict as a reviewer gives it: the result of the reviewer's task. */
export interface GivenVerdict {
  readonly verdict: ReviewVerdict;
  readonly critique?: string | undefined;
  readonly findings?: readonly ReviewFinding[] | undefined;
}

export const FINDINGS_MAX = 100;
export const CRITIQUE_CHARS_MAX = 10_000;
export const FINDING_CHARS_MAX = 2_000;

const shortText = { type: "string", minLength: 1, maxLength: FINDING_CHARS_MAX } as const;

/** JSON Schema of the result of a reviewer's task. */
export const VERDICT_SCHEMA = {
  type: "object",
  required: ["verdict"],
  additionalProperties: false,
  properties: {
    verdict: { enum: [...VERDICTS] },
    critique: { type: "string", maxLength: CRITIQUE_CHARS_MAX },
    findings: {
      type: "array",
      maxItems: FINDINGS_MAX,
      items: {
        type: "object",
        required: ["severity", "what"],
        additionalProperties: false,
        properties: { severity: { enum: [...SEVERITIES] }, where: shortText, what: shortText, suggestion: shortText },
      },
    },
  },
};

/** Whether a verdict that sends work back says why. */
export function isReasoned({ verdict, critique = "", findings = [] }: GivenVerdict): boolean {
  return verdict === "approve" || critique.trim() !== "" || findings.length > 0;
}

/** Whether a verdict approves work in which its own findings see something critical. */
export function isContradicted({ verdict, findings = [] }: GivenVerdict): boolean {
  return verdict === "approve" && findings.some(({ severity }) => severity === "critical");
}

const QUALITIES: Readonly<Record<ReviewVerdict, number>> = { approve: 1, revise: 0.4, reject: 0 };
/** The share of its quality that work keeps with each major or critical finding. */
const SERIOUS_SHARE = 0.9;

/** How good the judged work is, from 0 to 1. */
export function qualityOf({ verdict, findings = [] }: GivenVerdict): number {
  const serious = findings.filter(({ severity }) => severity === "major" || severity === "critical").length;
  return QUALITIES[verdict] * SERIOUS_SHARE ** serious;
}

const REASON_CHARS_MAX = 2_000;

/** A verdict in one text, for the error of a rejected task. */
export function verdictText({ critique, findings }: Pick<Review, "critique" | "findings">): string {
  const lines = findings.map(
    ({ severity, where, what }) => `${severity}${where === undefined ? "" : ` at ${where}`}: ${what}`,
  );
  return startOf([...(critique === null ? [] : [critique]), ...lines].join("; "), REASON_CHARS_MAX);
}

/** A review as answers and briefs show it. */
export function reviewView(review: Review) {
  const { id, round, tier, role, artifact, noDiff, verdict, reviewer, critique, findings, decidedAt, createdAt } =
    review;
  return {
    id,
    round,
    tier,
    ...(role === null ? {} : { role }),
    requested_at: iso(createdAt),
    ...(artifact === null ? {} : { diff: artifact }),
    ...(noDiff === null ? {} : { no_diff: noDiff }),
    ...(verdict === null ? {} : { verdict }),
    ...(reviewer === null ? {} : { agent: reviewer }),
    ...(critique === null ? {} : { critique }),
    findings: [...findings],
    ...(decidedAt === null ? {} : { decided_at: iso(decidedAt) }),
  };
}
