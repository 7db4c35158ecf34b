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
