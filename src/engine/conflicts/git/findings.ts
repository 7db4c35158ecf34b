import type { ConflictKind } from "../../../base/statuses.js";
import type { FoundEdits } from "../../../runtime/git/edited-files.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import type { Project } from "../../projects/projects.js";
import type { FoundConflict } from "../found.js";
import { unlockedEdits } from "./unlocked-edits.js";

/** Answers of git, or why there are none. */
export interface GitAnswers {
  readonly edits: FoundEdits;
}

/** A kind of conflict that was not looked for, or not everywhere. */
export interface LeftOut {
  readonly kind: ConflictKind;
  readonly why: string;
}

/** The conflicts that git's answers tell of, the kinds that were looked for everywhere, and the others. */
interface GitFindings {
  readonly found: readonly FoundConflict[];
  readonly kinds: readonly ConflictKind[];
  readonly leftOut: readonly LeftOut[];
}

/** Compares git's answers with what the database knows. A query. */
export function* conflictsInGit(ctx: EngineContext, project: Project, { edits }: GitAnswers): Tx<GitFindings> {
  if ("why" in edits) return { found: [], kinds: [], leftOut: [{ kind: "unlocked_edit", why: edits.why }] };
  const found = yield* unlockedEdits(ctx, project, edits.trees);
  const why =
    found === undefined
      ? "there are too many locks and edited files to compare"
      : edits.isWhole
        ? undefined
        : "there are more edited files, or work trees, than are looked through";
  if (why === undefined) return { found: found ?? [], kinds: ["unlocked_edit"], leftOut: [] };
  return { found: found ?? [], kinds: [], leftOut: [{ kind: "unlocked_edit", why }] };
}
