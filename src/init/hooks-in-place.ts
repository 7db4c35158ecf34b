import path from "node:path";
import { BatonError } from "../base/errors.js";
import { parseJsonc } from "../config/jsonc.js";
import { isToolHook } from "./baton-command.js";
import { CLIENTS } from "./clients/catalogue.js";
import { CLAUDE_SETTINGS } from "./clients/claude-code.js";
import { type ClientPlace, placeWith } from "./clients/client.js";
import { gitHooks } from "./git-hook.js";
import { readState } from "./file-state.js";
import { withoutBaton } from "./editors/removal.js";
import type { Repository } from "./repository.js";
import { serverDatabases } from "./server-databases.js";

/** A file in which Baton's hooks stand. */
export interface SetupState {
  readonly title: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Whether `baton init` would change it. */
  readonly isStale: boolean;
}

/** Whether hooks of Claude Code call a tool in this repository: so they stay until a person says otherwise. */
export function hooksCallTools(root: string): boolean {
  try {
    const { text = "{}" } = readState(path.join(root, CLAUDE_SETTINGS), [root]);
    const { hooks } = parseJsonc(text) as { hooks?: Record<string, { hooks?: unknown[] }[]> };
    return Object.values(hooks ?? {}).some((groups) => groups.some((group) => group.hooks?.some(isToolHook) === true));
  } catch {
    // A file that cannot be read, or of another shape, is told of by the setup.
    return false;
  }
}

/** Finds the files that hold hooks of Baton's, and compares them with those that `baton init` would write. */
export function setupStates(place: ClientPlace, { root, git }: Repository): SetupState[] {
  const databases = serverDatabases(place);
  const files = CLIENTS.flatMap((client) =>
    client
      .files(placeWith(place, databases.of(client)))
      .filter(({ isServerOnly = false }) => !isServerOnly)
      .map(({ file, editor }) => ({ title: client.title, file: path.join(root, file), editor })),
  );
  const { command } = placeWith(place, databases.of());
  if (git !== undefined)
    files.push(...gitHooks({ root, git }, git, command).map((hook) => ({ title: "git", ...hook })));
  const directories = git === undefined ? [root] : [root, git.directory];
  return files.flatMap(({ title, file, editor }) => {
    const shown = path.relative(root, file);
    try {
      const { text } = readState(file, directories);
      if (text === undefined || withoutBaton(file, text) === text) return [];
      return [{ title, file: shown, isStale: editor.edit(text) !== text }];
    } catch (error) {
      // A file that init could not merge into holds nothing of it.
      if (!(error instanceof BatonError)) throw error;
      return [];
    }
  });
}
