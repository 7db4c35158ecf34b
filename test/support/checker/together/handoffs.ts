import type { Finding } from "../checker.js";
import { groupsOf, type Snapshot } from "../snapshot.js";

const KEPT: ReadonlySet<string> = new Set(["running", "ready", "pending"]);
const OFFERED = "task.handoff_requested";

/** Offers of tasks that end otherwise than their history says, or twice, and open ones whose task is not kept for their addressee. */
export function handoffFindings({ together, events, tasks, at }: Snapshot, over: boolean): Finding[] {
  const finding = (subject: string, detail: string): Finding => ({ invariant: "handoffs", subject, detail });
  const findings: Finding[] = [];
  const told = groupsOf(
    events.filter(({ type }) => type.startsWith("task.handoff_")),
    ({ data }) => String(data["handoff"]),
  );
  const open = new Map<string, string>();
  for (const { id, task, status, recipient, expiresAt } of together.handoffs.values()) {
    const types = (told.get(id) ?? []).map(({ type }) => type);
    const expected = status === "requested" ? [OFFERED] : [OFFERED, `task.handoff_${status}`];
    if (types.join() !== expected.join()) findings.push(finding(id, `is ${status}, its history ${types.join(", ")}`));
    if (status !== "requested") continue;
    const other = open.get(task);
    if (other !== undefined) findings.push(finding(id, `is open beside ${other}`));
    open.set(task, id);
    const offered = tasks.get(task);
    // Once its time is over it waits for the tick, which ends the reservation and the offer one after the other.
    if (expiresAt > at && (offered === undefined || !KEPT.has(offered.status) || offered.reservedFor !== recipient))
      findings.push(
        finding(
          id,
          `is open to ${recipient}, its task ${offered?.status ?? "gone"} for ${offered?.reservedFor ?? "all"}`,
        ),
      );
    if (over && expiresAt <= at) findings.push(finding(id, "is open though its time is over"));
  }
  for (const id of told.keys())
    if (!together.handoffs.has(id)) findings.push(finding(id, "is in the history and nowhere else"));
  return findings;
}
