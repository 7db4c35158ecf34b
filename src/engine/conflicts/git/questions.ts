import { messageOf } from "../../../base/errors.js";
import { shownLine } from "../../../base/texts/shown-text.js";
import type { FoundMerges, MergeSearch } from "../../../runtime/git/failing-merges.js";
import type { EditSearch, FoundEdits } from "../../../runtime/git/edited-files.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import type { Engine } from "../../engine.js";
import { requireRun } from "../../lookup.js";
import { findProject } from "../../projects/projects.js";
import { type ConflictScope, type Detection, findConflicts } from "../detection.js";
import type { GitAnswers } from "./findings.js";
import { mergePlaces } from "./merges.js";
import { type EditPlaces, editPlaces } from "./unlocked-edits.js";

/** Asks git, outside of every transaction. */
export interface GitQuestions {
  edits(search: EditSearch): Promise<FoundEdits>;
  merges(search: MergeSearch): Promise<FoundMerges>;
}

/** Asks git, then finds the conflicts that it and the database tell of; undefined where there is no project. Errors: `not_found`. */
export async function lookForConflicts(
  engine: Pick<Engine, "read">,
  scope: ConflictScope,
  git: GitQuestions | undefined,
): Promise<Detection | undefined> {
  const places = await engine.read((ctx) => gitPlaces(ctx, scope));
  const answers = await askedOf(git, places);
  return engine.read((ctx) => findConflicts(ctx, scope, answers));
}

interface GitPlaces {
  readonly edits: EditPlaces;
  readonly merges: MergeSearch;
}

async function askedOf(git: GitQuestions | undefined, { edits, merges }: GitPlaces): Promise<GitAnswers> {
  if (git === undefined) return { edits: NOT_ASKED, merges: NOT_ASKED };
  const [edited, merged] = await Promise.all([
    "why" in edits ? edits : git.edits(edits).catch(failed),
    merges.workTrees.length < 2 ? { merges: [] } : git.merges(merges).catch(failed),
  ]);
  return { edits: edited, merges: merged };
}

/** The answer of a git that failed: what the database tells does not depend on it. */
function failed(error: unknown): { why: string } {
  return { why: shownLine(messageOf(error)) };
}

const NOT_ASKED = { why: "git is not asked here" };

function* gitPlaces(ctx: EngineContext, scope: ConflictScope): Tx<GitPlaces> {
  const run = scope.run === undefined ? undefined : yield* requireRun(scope.run);
  const project = yield* findProject(ctx, run?.project ?? scope.project);
  if (!project) return { edits: { why: "there is no project" }, merges: { root: "", workTrees: [] } };
  const edits = run
    ? { why: "edits are of no run: they are looked for in a whole project" }
    : yield* editPlaces(ctx, project);
  return { edits, merges: yield* mergePlaces(ctx, project) };
}
