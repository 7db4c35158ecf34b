import { clientOf } from "../story.js";
import type { HistoryEvent } from "../show/feed.js";
import type { Baton, Place } from "../team/baton.js";
import type { Finding } from "../verdict.js";
import { FILES, LAST_KEYS, STEPS } from "./plan.js";
import { git } from "./repository.js";

/** Evidence for the verdict: the history of the run, the repository, and Baton's own answers. */
export interface Evidence {
  readonly events: readonly HistoryEvent[];
  readonly place: Place;
  readonly run: string;
  readonly baton: Baton;
}

/** Judges whether each act of the scenario went as it must. */
export async function judge(evidence: Evidence): Promise<Finding[]> {
  return [
    ended(evidence),
    allowed(evidence),
    sideBySide(evidence),
    await reviewed(evidence),
    await secretKeptOut(evidence),
    wentOn(evidence),
    await paid(evidence),
    await remembered(evidence),
  ];
}

function told({ events }: Evidence, type: string): HistoryEvent[] {
  return events.filter((event) => event.type === type);
}

function ended(evidence: Evidence): Finding {
  const done = told(evidence, "task.succeeded").map(({ data }) => data.key);
  const once = STEPS.filter(({ key }) => done.filter((one) => one === key).length === 1);
  const status = told(evidence, "run.finished").at(-1)?.data.status;
  return {
    holds: status === "succeeded" && once.length === STEPS.length,
    text: `the run has ${status ?? "not ended"}: ${once.length} of ${STEPS.length} steps succeeded once`,
  };
}

/** The forecast was over the budget; nothing was begun before a person had decided. */
function allowed(evidence: Evidence): Finding {
  const [decided] = told(evidence, "escalation.decided").filter(({ data }) => data["of"] === "budget_override");
  const begun = told(evidence, "task.claimed").find(({ data }) => data.key === "design");
  return {
    holds: decided?.data.status === "approved_with_conditions" && decided.at < (begun?.at ?? 0),
    text: "the forecast was over the budget, and a person approved it under a condition before any step began",
  };
}

/** Two engineers worked at the same time, and one stood in line for the file that both write. */
function sideBySide(evidence: Evidence): Finding {
  const shared = told(evidence, "lock.granted").filter(({ data }) =>
    data.locks?.some(({ path }) => path === FILES.exports),
  );
  const agents = new Set(shared.map(({ agent = "" }) => clientOf(agent)));
  return { holds: agents.size === 2, text: `${[...agents].join(" and ")} wrote ${FILES.exports} one after the other` };
}

/** Another client than the author asked for a revision, saw the diff of it, and approved that; nothing behind the task began before. */
async function reviewed(evidence: Evidence): Promise<Finding> {
  const verdicts = told(evidence, "review.submitted");
  const author = told(evidence, "task.claimed").find(({ data }) => data.key === "convert")?.agent ?? "";
  const { artifacts } = await evidence.baton.query("list_artifacts", { run: evidence.run });
  const diffs = artifacts.filter(({ type }) => type === "diff").length;
  const check = told(evidence, "task.claimed").find(({ data }) => data.key === "check");
  const asked = verdicts.map(({ data }) => data["verdict"]).join(", ");
  return {
    holds:
      asked === "revise, approve" &&
      diffs === 2 &&
      verdicts.every(({ agent }) => agent !== author) &&
      (verdicts.at(-1)?.at ?? Infinity) <= (check?.at ?? 0),
    text: `${clientOf(verdicts[0]?.agent ?? "")} reviewed ${diffs} diffs of ${clientOf(author)}: ${asked}`,
  };
}

async function secretKeptOut(evidence: Evidence): Promise<Finding> {
  const [decided] = told(evidence, "escalation.decided").filter(({ data }) => data["of"] === "security_review");
  const history = await git(evidence.place, "log", "--all", "--patch");
  const holds = decided?.data.status === "rejected" && !history.includes("aws_secret_access_key");
  return { holds, text: `the planted secret was found, ${decided?.data.status ?? "not decided"}, and is in no commit` };
}

/** Everything was killed at two tasks; both were done again from the checkpoint, by attempts that no earlier one can disturb. */
function wentOn(evidence: Evidence): Finding {
  const [restored] = told(evidence, "run.resumed_from_checkpoint");
  const again = told(evidence, "task.succeeded").filter(
    ({ at, data }) => LAST_KEYS.includes(data.key ?? "") && (data.attempt ?? 1) > 1 && at > (restored?.at ?? Infinity),
  );
  return {
    holds: again.length === LAST_KEYS.length,
    text: `${LAST_KEYS.join(" and ")} went on from the checkpoint after kill -9 of everything`,
  };
}

async function paid({ baton, run }: Evidence): Promise<Finding> {
  const { groups, total } = await baton.query("get_costs", { run, group_by: "agent" });
  const sum = groups.reduce((all, { cost }) => all + cost, 0);
  return {
    holds: total.cost > 0 && Math.abs(sum - total.cost) < 1e-6,
    text: `the work cost $${total.cost.toFixed(2)}, booked to ${groups.length} agents`,
  };
}

/** An agent that comes anew learns from one call who wrote which file, what was answered and what was decided. */
async function remembered({ baton, run }: Evidence): Promise<Finding> {
  const { brief, tokens } = await baton.query("get_brief", { run });
  const facts = [...Object.values(FILES), "To the even cent", "security_review", "rejected by gemini-cli"];
  const known = facts.filter((fact) => brief.includes(fact));
  return {
    holds: known.length === facts.length,
    text: `the brief of the run tells ${known.length} of ${facts.length} facts in ${tokens} tokens`,
  };
}
