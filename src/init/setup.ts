import path from "node:path";
import { BatonError, messageOf } from "../base/errors.js";
import { type Change, planChange, withTracking } from "./change.js";
import { CLIENTS } from "./clients/catalogue.js";
import type { ClientPlace } from "./clients/client.js";
import type { FileEditor } from "./editors/file-editor.js";
import { gitHook } from "./git-hook.js";
import { MARKDOWN_MARKS, markedBlock, SHELL_MARKS } from "./editors/marked-block.js";
import type { SavedFile } from "./originals.js";
import { serverElsewhere } from "./own-servers.js";
import type { Repository } from "./repository.js";

export interface SetupPlace extends ClientPlace {
  readonly repository: Repository;
  /** Files that init has written before. */
  readonly saved: ReadonlyMap<string, SavedFile>;
}

/** A file to write, and the entries. */
interface Wanted {
  readonly file: string;
  readonly editor: FileEditor;
  readonly mode?: number;
}

/** Works out every change that sets up the chosen clients, git and the instructions, and writes nothing. */
export function planSetup(place: SetupPlace): Change[] {
  const { repository, chosen } = place;
  const clients = CLIENTS.filter(({ name }) => chosen.includes(name));
  const ofClients = clients.flatMap((client) =>
    client.files(place).map(({ file, editor, isServerOnly = false }) => {
      const wanted = { file: path.join(repository.root, file), editor };
      const elsewhere = isServerOnly
        ? serverElsewhere(wanted.file, client.ownFiles(place), repository.root)
        : undefined;
      if (elsewhere === undefined) return changeOf(wanted, place);
      return { file, kind: "covered", why: `${elsewhere} has the server for every repository` } as const;
    }),
  );
  const { git } = repository;
  const others: Wanted[] = [{ file: path.join(repository.root, "AGENTS.md"), editor: markedBlock(INSTRUCTIONS) }];
  if (git !== undefined) others.push(gitHook(repository, git, place.command));
  const changes = [...ofClients, ...others.map((wanted) => changeOf(wanted, place))];
  return withTracking(git === undefined ? changes : [...changes, ...excluded(changes, place, git)], repository);
}

const INSTRUCTIONS = {
  ...MARKDOWN_MARKS,
  lines: [
    "## Baton",
    "",
    "The agents of this repository share their work through Baton, the MCP server `baton`: plans, tasks, and locks on files.",
    "`claim_task` returns a task with its files locked; `acquire_file_lock` locks a file for an edit without a task. Edits and git",
    "commands that would take along or lose what another agent holds are refused, with who holds it and until when.",
  ],
};

/** Files of init's own that git would show as new ones. */
function excluded(changes: readonly Change[], place: SetupPlace, git: NonNullable<Repository["git"]>): Change[] {
  const { root } = place.repository;
  const before = [...place.saved].filter(([, { original }]) => original === null).map(([file]) => file);
  const now = changes.flatMap(({ kind, target }) => (kind === "create" && target ? [target.state.file] : []));
  const ignored = git.ignored(now);
  const made = [...before, ...now.filter((file) => !ignored.has(file))].map((file) => path.relative(root, file));
  const tracked = git.tracked(made.map((file) => path.join(root, file)));
  const lines = [...new Set(made)]
    .filter((file) => !file.startsWith("..") && !file.startsWith(".git/") && !tracked.has(path.join(root, file)))
    .map((file) => `/${file.split(path.sep).join("/")}`);
  if (lines.length === 0) return [];
  return [changeOf({ file: git.exclude, editor: markedBlock({ ...SHELL_MARKS, lines: lines.toSorted() }) }, place)];
}

function changeOf({ file, editor, mode = 0o644 }: Wanted, { repository }: SetupPlace): Change {
  const shown = path.relative(repository.root, file);
  try {
    return planChange({ file, shown, edit: editor.edit, mode }, repository);
  } catch (error) {
    if (!(error instanceof BatonError) || error.code !== "invalid_input") throw error;
    return { file: shown, kind: "refused", why: messageOf(error), snippet: editor.snippet };
  }
}
