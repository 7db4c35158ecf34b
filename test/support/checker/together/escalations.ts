import type { Finding } from "../checker.js";
import { type EventRow, groupsOf, type Snapshot } from "../snapshot.js";
import { type EscalationRow, tierOf } from "./rows.js";

const ENDS: ReadonlySet<string> = new Set(["escalation.decided", "escalation.void"]);

/** Escalations that are lost, decided twice or against their row, that go down a tier, and tasks that wait for no decision. */
export function escalationFindings({ together, events, tasks, at }: Snapshot, over: boolean): Finding[] {
  const { escalations } = together;
  const finding = (subject: string, detail: string): Finding => ({ invariant: "escalations", subject, detail });
  const told = groupsOf(
    events.filter(({ type }) => type.startsWith("escalation.")),
    ({ data }) => String(data["escalation"]),
  );
  const findings = [...escalations.values()].flatMap((row) =>
    historyDetails(row, told.get(row.id) ?? []).map((detail) => finding(row.id, detail)),
  );
  for (const id of told.keys())
    if (!escalations.has(id)) findings.push(finding(id, "is in the history and nowhere else"));
  const waited = new Set(
    [...escalations.values()].flatMap(({ task, token, decidedAt }) =>
      decidedAt === null && task !== null ? [`${task} ${token ?? ""}`] : [],
    ),
  );
  for (const { id, key, status, reasons, token } of tasks.values())
    if (status === "waiting" && reasons.includes("decision") && !waited.has(`${id} ${token}`))
      findings.push(finding(id, `${key} waits for a decision that nobody is asked for`));
  if (over)
    for (const { id, dueAt } of escalations.values())
      if (dueAt !== null && dueAt <= at) findings.push(finding(id, "is open though its time is over"));
  return findings;
}

function historyDetails(row: EscalationRow, told: readonly EventRow[]): string[] {
  const details: string[] = [];
  const opened = told.filter(({ type }) => type === "escalation.opened").length;
  if (opened !== 1) details.push(`was opened ${opened} times`);
  const ends = told.filter(({ type }) => ENDS.has(type));
  if (ends.length !== (row.decidedAt === null ? 0 : 1))
    details.push(`is ${row.status}, and was decided ${ends.length} times`);
  if (ends[0] !== undefined && ends[0] !== told.at(-1)) details.push("goes on after its decision");
  if (ends[0] !== undefined && ends[0].data["status"] !== row.status)
    details.push(`was decided as ${String(ends[0].data["status"])} and is ${row.status}`);
  const tiers = told.map(({ data }) => tierOf(String(data["tier"])));
  if (tiers.some((tier, at) => tier < (tiers[at - 1] ?? 0))) details.push(`goes down: tiers ${tiers.join(", ")}`);
  if ((tiers.at(-1) ?? row.tier) !== row.tier) details.push(`is at tier ${row.tier}, its history at ${tiers.at(-1)}`);
  return details;
}
