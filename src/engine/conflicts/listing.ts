import { defined } from "../../base/json.js";
import { iso } from "../../base/time.js";
import { idOfCursor, type Page, pageOf, type PageQuery } from "../../base/lists/paging.js";
import { type ConflictFilter, type ConflictRecord, listConflicts } from "../../store/conflicts/conflicts.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireRun } from "../lookup.js";
import { findProject } from "../projects/projects.js";
import type { ConflictScope } from "./detection.js";

type ConflictQuery = PageQuery & ConflictScope & Pick<ConflictFilter, "status" | "kind">;

/** A page of the conflicts that were found in a project or a run, newest first. Errors: `not_found`. */
export function* listConflictPage(ctx: EngineContext, query: ConflictQuery): Tx<Page<ConflictRecord>> {
  const run = query.run === undefined ? undefined : (yield* requireRun(query.run)).id;
  const project = run === undefined ? (yield* findProject(ctx, query.project))?.id : undefined;
  const { status, kind, limit } = query;
  const before = idOfCursor("conflict", query.cursor);
  const rows = yield* listConflicts({ project, run, status, kind, before, limit: limit + 1 });
  return pageOf(rows, limit, ({ id }) => id);
}

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
    parties: parties.map(({ role, task, key, agent, paths, allocation, workTree, commit }) =>
      defined({ role, task, key, agent, paths, allocation, work_tree: workTree, commit }),
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
