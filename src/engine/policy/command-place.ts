import type { Project } from "../../store/projects/projects.js";
import { BatonError } from "../../base/errors.js";

/** The parts of a step that say whether it runs a command, now or to undo itself. */
interface Commanding {
  readonly kind?: string | undefined;
  readonly compensate?: { readonly kind?: string | undefined } | undefined;
}

/** How many steps run a command. */
export function countCommands(steps: readonly Commanding[]): number {
  return steps.filter(({ kind, compensate }) => kind === "command" || compensate?.kind === "command").length;
}

/** Ways to a project in which commands can run. */
export const WAYS_TO_A_ROOT =
  "make a project here (create_project with root; `baton project create NAME --root .`), or run `git init` and a project is made by itself, or name a project that has a root (project; --project NAME)";

/** Refuses commands where there is no directory for them, before anything has started. Errors: `invalid_input`. */
export function requirePlaceForCommands({ name, root }: Project, steps: readonly Commanding[]): void {
  if (root !== null) return;
  const count = countCommands(steps);
  if (count === 0) return;
  const message = `The workflow has ${count === 1 ? "a command step" : `${count} command steps`}, and the project "${name}" has no directory to run ${count === 1 ? "it" : "them"} in. Nothing was started: ${WAYS_TO_A_ROOT}.`;
  throw new BatonError("invalid_input", message, {
    details: { project: name, commands: count },
    next: [{ tool: "create_project", arguments: { name: "…", root: "…" } }],
  });
}
