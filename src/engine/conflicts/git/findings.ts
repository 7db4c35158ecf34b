import type { ConflictKind } from "../../../base/statuses.js";
import type { FoundMerges } from "../../../runtime/git/failing-merges.js";
import type { FoundEdits } from "../../../runtime/git/edited-files.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import type { FoundConflict } from "../found.js";
import { mergeConflicts, type MergeScope } from "./merges.js";
import { unlockedEdits } from "./unlocked-edits.js";

/** Answers of git, or why there are none. */
export interface GitAnswers {
  readonly edits: FoundEdits;
  readonly merges: FoundMerges;
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
export function* conflictsInGit(ctx: EngineContext, scope: MergeScope, answers: GitAnswers): Tx<GitFindings> {
  const edits = yield* editsFound(ctx, scope, answers);
  const merges = "merges" in answers.merges ? yield* mergeConflicts(ctx, scope, answers.merges.merges) : [];
  const whys = [
    { kind: "unlocked_edit" as const, why: edits.why },
    { kind: "merge" as const, why: answers.merges.why },
  ];
  return {
    found: [...edits.found, ...merges],
    kinds: whys.flatMap(({ kind, why }) => (why === undefined ? [kind] : [])),
    leftOut: whys.flatMap(({ kind, why }) => (why === undefined ? [] : [{ kind, why }])),
  };
}

function* editsFound(
  ctx: EngineContext,
  { project }: MergeScope,
  { edits }: GitAnswers,
): Tx<{ found: readonly FoundConflict[]; why?: string | undefined }> {
  if ("why" in edits) return { found: [], why: edits.why };
  const unlocked = yield* unlockedEdits(ctx, project, edits.trees);
  if (unlocked === undefined) return { found: [], why: "there are too many locks and edited files to compare" };
  const { found, isWhole } = unlocked;
  if (!edits.isWhole) return { found, why: "there are more edited files, or work trees, than are looked through" };
  return isWhole ? { found } : { found, why: "some edits are older than the locks that the history tells of" };
}
