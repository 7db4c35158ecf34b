import type { Finding } from "./checker.js";
import { groupsOf, type Snapshot } from "./snapshot.js";

/** Artifacts without their content, versions of a name that count twice or stand in another order than they were put in, and approvals of one's own work. */
export function artifactFindings({ artifacts, contents, approvals, tasks }: Snapshot): Finding[] {
  const finding = (subject: string, detail: string): Finding => ({ invariant: "artifacts", subject, detail });
  const findings: Finding[] = [];
  for (const { id, hash, bytes, task } of artifacts) {
    const content = contents.get(hash);
    if (content?.bytes !== bytes)
      findings.push(finding(id, `its content ${hash} has ${content?.bytes ?? "no"} bytes of ${bytes}`));
    if (task !== null && !tasks.has(task)) findings.push(finding(id, `its task ${task} is gone`));
  }
  for (const [name, versions] of groupsOf(artifacts, (one) => `${one.scope} ${one.name}`)) {
    const numbers = versions.map(({ version }) => version);
    if (new Set(numbers).size < numbers.length) findings.push(finding(name, `has versions ${numbers.join(", ")}`));
  }
  for (const { id, status, askedBy, parties, decidedBy, decidedAt, artifact } of approvals) {
    if ((status === "open") !== (decidedAt === null))
      findings.push(finding(id, `is ${status}, decided at ${decidedAt ?? "no time"}`));
    if (decidedBy === askedBy || parties.includes(`agent:${decidedBy ?? ""}`))
      findings.push(
        finding(id, `was decided by ${decidedBy ?? "?"}, who asked for it or made ${artifact ?? "the result"}`),
      );
  }
  return findings;
}
