import { posix } from "node:path";
import { BatonError } from "../base/errors.js";
import type { Files } from "../dispatch/capabilities.js";
import type { HostWith } from "../dispatch/operation.js";
import type { EngineContext } from "../engine/context.js";
import { isTemplate } from "../engine/expressions/interpolation.js";
import { findProject } from "../engine/projects/projects.js";
import type { Preparation } from "../engine/runs/preparation.js";
import { draftSteps } from "../engine/steps/run-draft.js";
import type { Tx } from "../store/tx.js";

/** A project's root as its paths are looked up on this machine's disk. */
export interface FilePlace {
  readonly root: string;
  readonly sharesWorktrees: boolean;
}

interface DeclaredFiles {
  readonly write: readonly string[];
  readonly read: readonly string[];
}

/** A path as it lies on disk. Errors: `invalid_input` for a path that leaves the root, or is another worktree's. */
export function realOf(files: Files, place: FilePlace, written: string): string {
  const { root } = place;
  const found = files.realPath(place, written);
  if ("worktree" in found) {
    const message =
      `The path "${written}" lies in the linked worktree ${found.worktree}, whose files are not those of ${root}. ` +
      "Lock it from there, or let all worktrees share their paths: update_project with config {worktrees: shared}.";
    throw new BatonError("invalid_input", message, { details: { path: written, worktree: found.worktree, root } });
  }
  if (!found.path.startsWith("/") && files.leavesRoot(root, found.path)) {
    const message = `The path "${written}" leads outside the project root ${root} by a symbolic link.`;
    throw new BatonError("invalid_input", message, { details: { path: written, root } });
  }
  return found.path;
}

/** The place of a project's files; undefined for a project without a root. A query. Errors: `not_found`. */
export function* placeOfFiles(ctx: EngineContext, project?: string): Tx<FilePlace | undefined> {
  const known = yield* findProject(ctx, project);
  // A project that is yet to be made is made at the git root.
  const root = known === undefined ? ctx.caller.workplace.gitRoot : known.root;
  return root === null ? undefined : { root, sharesWorktrees: known?.config.worktrees === "shared" };
}

/** Files that a task declares, as they lie on disk: links are resolved, and a directory is known as one. Errors: as `realOf`. */
export function realFiles(files: Files, place: FilePlace, declared: DeclaredFiles): DeclaredFiles {
  const real = (written: string) => (isLexical(written) ? written : realOf(files, place, written));
  return { write: declared.write.map(real), read: declared.read.map(real) };
}

/** Whether the text alone decides about a path: an expression has no value yet, and a way out of the root is refused with its step. */
function isLexical(written: string): boolean {
  const normalised = posix.normalize(written.replaceAll("\\", "/"));
  return normalised.startsWith("~") || normalised.startsWith("..") || isTemplate(written);
}

/** A prepared run whose drafts lock the files of its steps as they lie on disk. Errors: as `realOf`. */
export function withRealFiles<P extends Preparation>(host: HostWith<"files">, before: P | undefined): P | undefined {
  const draft = before?.draft;
  const root = draft?.project.root;
  if (before === undefined || draft === undefined || typeof root !== "string") return before;
  const place = { root, sharesWorktrees: draft.project.config.worktrees === "shared" };
  const steps = draft.parsed.definition.steps
    .filter(({ key }) => draft.steps.has(key))
    .map((step) => ({ ...step, files: { ...step.files, ...realFiles(host.files, place, step.files) } }));
  return { ...before, draft: { ...draft, steps: draftSteps(draft.project, { steps }) } };
}
