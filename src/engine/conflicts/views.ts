import { defined } from "../../base/json.js";
import { iso } from "../../base/time.js";
import type { ConflictRecord } from "../../store/conflicts/conflicts.js";

/** A conflict as answers show it. */
export function conflictView(conflict: ConflictRecord) {
  const { id, kind, project, run, status, parties, detail, foundAt, seenAt, strategy, decision, reason } = conflict;
  const { alternatives, decidedBy, decidedAt, expectedMs, elapsedMs, escalation } = conflict;
  return {
    id,
    kind,
    project,
    ...(run !== null && { run }),
    status,
    parties: parties.map(({ role, task, key, agent, paths, allocation, commit }) =>
      defined({ role, task, key, agent, paths, allocation, commit }),
    ),
    detail,
    found_at: iso(foundAt),
    seen_at: iso(seenAt),
    ...(strategy !== null && { strategy }),
    ...(decision !== null && { decision }),
    ...(reason !== null && { reason }),
    ...(alternatives.length > 0 && { alternatives }),
    ...(decidedBy !== null && { decided_by: decidedBy }),
    ...(decidedAt !== null && { decided_at: iso(decidedAt) }),
    ...(elapsedMs !== null && expectedMs !== null && { outcome: { expected_ms: expectedMs, elapsed_ms: elapsedMs } }),
    ...(escalation !== null && { escalation }),
  };
}
