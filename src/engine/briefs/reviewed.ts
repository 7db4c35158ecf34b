import { callOperation } from "../../base/errors.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection } from "./fitting.js";
import { lowered, weightOf } from "./weight.js";
import { ago } from "./wording.js";

const RANK = { open: 82, decided: 79 } as const;
const FINDINGS_SHOWN_MAX = 5;

/** Returns the reviews of work with their critique and findings, and the approvals of artifacts and results. */
export function reviewedOf(facts: BriefFacts): BriefSection {
  const { run, about } = facts;
  return {
    title: "Reviews and approvals",
    entries: [...reviews(facts), ...approvals(facts)],
    more: callOperation("list_events", {
      ...(about === undefined ? { run: run.id } : { task: about.task.id }),
      types: ["review.requested", "review.submitted", "approval.decided"],
    }),
  };
}

function reviews(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  const { now } = facts;
  return facts.reviews.map((review, index, all): BriefEntry => {
    const { task, id, round, verdict, reviewer, role, critique, decidedAt, createdAt, criteria } = review;
    const subject = tasks.get(task ?? "")?.key ?? "an artifact";
    const weight = weightOf(tasks.get(task ?? "")) - lowered(all.length - 1 - index);
    if (verdict === null) {
      const wanted = role === null ? "" : ` by a ${shownLine(role)}`;
      const asked = criteria.length === 0 ? "" : `; criteria `;
      return {
        rank: RANK.open + weight,
        line: (quote) =>
          `Review ${round} of ${subject} (${id}) is asked for${wanted}, ${ago(now, createdAt)}${asked}${asked === "" ? "" : quote(criteria)}`,
      };
    }
    const findings = review.findings.slice(0, FINDINGS_SHOWN_MAX);
    const more = review.findings.length - findings.length;
    const rest = more > 0 ? `; and ${more} more findings` : "";
    return {
      rank: RANK.decided + weight,
      line: (quote) =>
        `Review ${round} of ${subject}: ${verdict} by ${reviewer ?? ""} ${ago(now, decidedAt ?? createdAt)}${critique === null ? "" : `: ${quote(critique)}`}` +
        findings
          .map(
            ({ severity, what, where }) =>
              `; ${severity} ${quote(what)}${where === undefined ? "" : ` at ${quote(where)}`}`,
          )
          .join("") +
        rest,
    };
  });
}

function approvals(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  const { now } = facts;
  return facts.approvals.map(
    ({
      id,
      task,
      name,
      version,
      role,
      reason,
      status,
      askedBy,
      decidedBy,
      decidedAt,
      createdAt,
      conditions,
      note,
    }): BriefEntry => {
      const subject =
        name === null
          ? `the result of ${tasks.get(task ?? "")?.key ?? "a task"}`
          : `${shownLine(name)} version ${version ?? 1}`;
      const weight = task === null ? 8 : weightOf(tasks.get(task));
      return {
        rank: (decidedAt === null ? RANK.open : RANK.decided) + weight,
        line: (quote) =>
          `Approval of ${subject} (${id}), asked by ${askedBy} of ${shownLine(role)}${reason === null ? "" : ` ${quote(reason)}`}: ${status}` +
          `${decidedBy === null ? "" : ` by ${decidedBy}`} ${ago(now, decidedAt ?? createdAt)}` +
          `${conditions.length === 0 ? "" : `; conditions ${quote(conditions)}`}${note === null ? "" : `; note ${quote(note)}`}`,
      };
    },
  );
}
