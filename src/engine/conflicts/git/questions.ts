import type { EditSearch, FoundEdits } from "../../../runtime/git/edited-files.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import type { Engine } from "../../engine.js";
import { findProject } from "../../projects/projects.js";
import { type ConflictScope, type Detection, findConflicts } from "../detection.js";
import { type EditPlaces, editPlaces } from "./unlocked-edits.js";

/** Asks git, outside of every transaction. */
export interface GitQuestions {
  edits(search: EditSearch): Promise<FoundEdits>;
}

/** Asks git, then finds the conflicts that it and the database tell of; undefined where there is no project. Errors: `not_found`. */
export async function lookForConflicts(
  engine: Pick<Engine, "read">,
  scope: ConflictScope,
  git: GitQuestions | undefined,
): Promise<Detection | undefined> {
  const places = await engine.read((ctx) => gitPlaces(ctx, scope));
  const edits = "why" in places ? places : ((await git?.edits(places)) ?? { why: "git is not asked here" });
  return engine.read((ctx) => findConflicts(ctx, scope, { edits }));
}

function* gitPlaces(ctx: EngineContext, scope: ConflictScope): Tx<EditPlaces> {
  if (scope.run !== undefined) return { why: "edits are of no run: they are looked for in a whole project" };
  const project = yield* findProject(ctx, scope.project);
  return project ? yield* editPlaces(ctx, project) : { why: "there is no project" };
}
