import path from "node:path";
import { liesWithin } from "../base/directories.js";
import { BatonError, messageOf } from "../base/errors.js";
import { type Change, planChange, withTracking } from "./change.js";
import { CLIENTS } from "./clients/catalogue.js";
import { type ClientPlace, placeWith } from "./clients/client.js";
import type { FileEditor } from "./editors/file-editor.js";
import { gitHooks } from "./git-hook.js";
import { blockLines, MARKDOWN_MARKS, markedBlock, SHELL_MARKS } from "./editors/marked-block.js";
import { serverElsewhere } from "./own-servers.js";
import type { Repository } from "./repository.js";
import { serverDatabases } from "./server-databases.js";

export interface SetupPlace extends ClientPlace {
  readonly repository: Repository;
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
  const databases = serverDatabases(place);
  const clients = CLIENTS.filter(({ name }) => chosen.includes(name));
  const ofClients = clients.flatMap((client) =>
    client.files(placeWith(place, databases.of(client))).map(({ file, editor, isServerOnly = false }) => {
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
  if (git !== undefined) others.push(...gitHooks(repository, git, placeWith(place, databases.of()).command));
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

/** Files that init makes, and would otherwise be shown as new by git. Other working trees may have named some before. */
function excluded(changes: readonly Change[], place: SetupPlace, git: NonNullable<Repository["git"]>): Change[] {
  const { root } = place.repository;
  const made = changes.flatMap(({ kind, target }) => (kind === "create" && target ? [target.state.file] : []));
  const ignored = git.ignored(made);
  const shown = made.filter((file) => liesWithin(root, file) && !liesWithin(git.directory, file) && !ignored.has(file));
  const editor = (text: string | undefined): FileEditor => {
    const lines = [...blockLines(text ?? "", SHELL_MARKS), ...shown.map((file) => patternOf(root, file))];
    return markedBlock({ ...SHELL_MARKS, lines: [...new Set(lines)].toSorted() });
  };
  if (shown.length === 0) return [];
  return [
    changeOf(
      { file: git.exclude, editor: { edit: (text) => editor(text).edit(text), snippet: editor("").snippet } },
      place,
    ),
  ];
}

/** A line of git's exclude file for one file. */
function patternOf(root: string, file: string): string {
  return `/${path.relative(root, file).split(path.sep).join("/")}`;
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
