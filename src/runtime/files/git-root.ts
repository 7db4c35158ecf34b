import { existsSync } from "node:fs";
import path from "node:path";

/** The nearest directory, from this one up, that holds a `.git`: a file in a linked worktree or a submodule, a directory elsewhere. */
export function gitRootAbove(directory: string): string | undefined {
  for (let at = directory; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, ".git"))) return at;
    if (at === path.dirname(at)) return undefined;
  }
}
