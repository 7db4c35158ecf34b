import { existsSync, realpathSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createTwoFilesPatch } from "diff";
import { shownText } from "../../base/texts/shown-text.js";
import { type BatonCommand, batonCommand, shellLine } from "../../init/baton-command.js";
import { applyChanges, type Change } from "../../init/change.js";
import { CLIENTS, traceOf } from "../../init/clients/catalogue.js";
import type { ClientName } from "../../base/statuses.js";
import { hooksCallTools } from "../../init/hooks-in-place.js";
import { Originals } from "../../init/originals.js";
import { repositoryAt } from "../../init/repository.js";
import { serverDatabases } from "../../init/server-databases.js";
import { planSetup } from "../../init/setup.js";
import { applyUndo, planUndo } from "../../init/undo.js";
import { programOf } from "../clients.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { EXIT, UsageError } from "../failure.js";
import { paint, type Style } from "../terminal/terminal.js";

export interface InitOptions {
  readonly client?: readonly ClientName[];
  /** How hooks of Claude Code ask. Default: as they do now, else by a command. */
  readonly hooks?: "command" | "mcp";
  readonly yes?: boolean;
  readonly undo?: boolean;
}

interface Plan {
  readonly changes: readonly Change[];
  /** Lines for the person before the changes. */
  readonly intro: readonly string[];
  readonly remarks: readonly string[];
  readonly question: string;
  /** The command line that writes without asking. */
  readonly command: string;
  readonly apply: () => Change[];
}

/** `baton init`: shows what would be written into the repository, asks, and writes it. */
export async function init(context: CommandContext, options: InitOptions): Promise<CommandAnswer> {
  const repository = repositoryAt(context.cwd);
  const home = context.env["HOME"] ?? os.homedir();
  requireRepository(repository.root, existsSync(home) ? realpathSync(home) : home);
  const originals = new Originals(context.host.dataDirectory, repository.root);
  const program = programOf(context.host);
  const place = { root: repository.root, home, program, env: context.env, repository };
  const plan = options.undo === true ? undoPlan(place, originals) : setupPlan(place, originals, options);
  return carryOut(context, plan, options);
}

/** Refuses the directories whose files are a person's for all repositories, and those of git itself. */
function requireRepository(root: string, home: string): void {
  if (root === home || path.dirname(root) === root)
    throw new UsageError(`${root} is no repository: type \`baton init\` in the directory of one.`);
  if (existsSync(path.join(root, "HEAD")) && existsSync(path.join(root, "objects")))
    throw new UsageError(`${root} is git's own directory: type \`baton init\` in a working tree.`);
}

type Place = Parameters<typeof traceOf>[1] & {
  readonly repository: ReturnType<typeof repositoryAt>;
  /** The file that clients are to start. */
  readonly program: string;
};

function setupPlan(place: Place, originals: Originals, options: InitOptions): Plan {
  const { client, hooks } = options;
  const command = batonCommand(place.program, place.env);
  const found = CLIENTS.flatMap((one) => {
    const why = client === undefined ? traceOf(one, place) : client.includes(one.name) ? "named" : undefined;
    return why === undefined ? [] : [{ ...one, why }];
  });
  const chosen = found.map(({ name }) => name);
  const callTools = hooks === undefined ? hooksCallTools(place.root) : hooks === "mcp";
  const setup = { ...place, command, chosen, hooksCallTools: callTools };
  const changes = planSetup(setup);
  const names = CLIENTS.map(({ name }) => name).join(", ");
  return {
    changes,
    intro:
      found.length === 0
        ? [`No client was found here. --client sets one up: ${names}.`]
        : found.map(({ title, why }) => `${title}: ${why}`),
    remarks: [
      ...found.flatMap(({ remark }) => remark ?? []),
      ...sharedPaths(changes, command),
      ...serverDatabases(setup).remarks,
      ...(callTools && chosen.includes("claude-code") ? [TOOL_HOOKS] : []),
    ],
    question: "Write this?",
    command: shellLine(command, "init", ...chosenWords(options), "--yes"),
    apply: () => applyChanges(changes, originals),
  };
}

const TOOL_HOOKS =
  "Hooks of Claude Code call the tool of its server: since 2.1.118. Earlier releases may refuse .claude/settings.local.json; Cursor, VS Code and Copilot, which read it too, need hooks of their own. `baton init --hooks command` goes back.";

function chosenWords({ client = [], hooks }: InitOptions): string[] {
  return [...client.flatMap((name) => ["--client", name]), ...(hooks === undefined ? [] : ["--hooks", hooks])];
}

/** Files that others get by git, and in which a path of this machine would break their clients. */
function sharedPaths(changes: readonly Change[], { program, isOnPath }: BatonCommand): string[] {
  const files = changes.flatMap(({ file, isTracked = false, target }) =>
    isTracked && !isOnPath && target?.after.includes(path.dirname(program)) === true ? [file] : [],
  );
  if (files.length === 0) return [];
  return [
    `${files.join(", ")}: git tracks it, and it names a path of this machine now. Do not commit that; \`npm link\` and \`baton init\` again make it \`baton\`.`,
  ];
}

function undoPlan({ repository, program, env }: Place, originals: Originals): Plan {
  const changes = planUndo(repository, originals.read());
  return {
    changes,
    intro:
      changes.length === 0 ? [`\`baton init\` has written nothing in ${repository.root} that is still there.`] : [],
    remarks: [],
    question: "Restore this?",
    command: shellLine(batonCommand(program, env), "init", "--undo", "--yes"),
    apply: () => applyUndo(changes, originals),
  };
}

async function carryOut(context: CommandContext, plan: Plan, { yes }: InitOptions): Promise<CommandAnswer> {
  const { style } = context.stdout;
  const isToWrite = plan.changes.some(({ target }) => target !== undefined);
  const shown = [...plan.intro, "", ...plan.changes.flatMap((change) => changeLines(change, style))];
  if (!isToWrite) return answer(plan.changes, { applied: false, lines: [...shown, nothingToDo(plan.changes)] });
  if (yes !== true && context.askLine === undefined)
    return answer(plan.changes, {
      applied: false,
      lines: [...shown, `Nothing is written yet. To write it: ${plan.command}`],
    });
  if (yes !== true) {
    context.stderr.print(`${shown.join("\n")}\n`);
    const typed = await context.askLine?.(`${plan.question} [y/N] `);
    if (!/^y(?:es)?$/i.test((typed ?? "").trim()))
      return answer(plan.changes, { applied: false, lines: ["Nothing was written."] });
  }
  const done = plan.apply();
  const failed = done.filter((change, at) => change.kind === "refused" && plan.changes[at]?.target !== undefined);
  if (failed.length > 0) context.end(EXIT.failed);
  const lines = [
    ...(yes === true ? shown : []),
    ...failed.flatMap((change) => changeLines({ ...change, snippet: "" }, style)),
    summary(done),
    ...hiddenFiles(done),
    ...plan.remarks,
  ];
  return answer(done, { applied: true, lines });
}

/** Says of new files that git does not show them, since `git add` of one is refused. */
function hiddenFiles(done: readonly Change[]): string[] {
  const isHidden = done.some(({ file, kind }) => file.endsWith("info/exclude") && kind !== "refused");
  const files = done.flatMap(({ file, kind }) => (kind === "create" && !/(?:^|\/)\.git\//.test(file) ? [file] : []));
  if (!isHidden || files.length === 0) return [];
  return [`git does not show ${files.join(", ")} (.git/info/exclude). To commit one: git add -f FILE`];
}

function nothingToDo(changes: readonly Change[]): string {
  return changes.some(({ kind }) => kind === "refused") ? "Nothing else to do." : "Nothing to do.";
}

function summary(done: readonly Change[]): string {
  const written = done.filter(({ kind, target }) => target !== undefined && kind !== "refused");
  const removed = written.filter(({ kind }) => kind === "delete").length;
  const count = written.length === 1 ? "1 file" : `${written.length} files`;
  return removed > 0
    ? `${count} restored, ${removed} of them removed.`
    : `${count} written. \`baton init --undo\` restores each.`;
}

function answer(
  changes: readonly Change[],
  { applied, lines }: { readonly applied: boolean; readonly lines: readonly string[] },
): CommandAnswer {
  const files = changes.map(({ target, isTracked = false, ...change }) => ({
    ...change,
    tracked: isTracked,
    ...(target === undefined ? {} : { diff: diffOf({ ...change, target }) }),
  }));
  return { data: { applied, files }, text: lines.join("\n") };
}

function changeLines(change: Change, style: Style): string[] {
  const { file, kind, why, snippet, target, isTracked } = change;
  const named = isTracked === true ? `${file} (tracked by git)` : file;
  switch (kind) {
    case "refused":
      return [
        `${paint("left as it is", "yellow", style)}  ${named}: ${(why ?? "").replace(/\.$/, "")}.`,
        ...(snippet === undefined || snippet === ""
          ? []
          : ["To add by hand:", ...snippet.split("\n").map((line) => `    ${line}`)]),
        "",
      ];
    case "covered":
    case "unchanged":
      return [`${paint("nothing to do", "dim", style)}  ${named}${why === undefined ? "" : `: ${why}`}`];
    case "delete":
      return [
        `${paint("delete", "bold", style)}  ${named}, which \`baton init\` made${why === undefined ? "" : `: ${why}`}`,
      ];
    default: {
      const title = paint(kind, "bold", style);
      const lines = target === undefined ? [] : diffOf({ ...change, target }).split("\n");
      return [
        `${title}  ${named}${why === undefined ? "" : `: ${why}`}`,
        ...lines.map((line) => painted(line, style)),
        "",
      ];
    }
  }
}

const DIFF_EDITS_MAX = 5_000;

function diffOf({
  file,
  target,
  kind,
}: Pick<Change, "file" | "kind"> & { target: NonNullable<Change["target"]> }): string {
  const [from, to] = [kind === "create" ? "/dev/null" : `a/${file}`, kind === "delete" ? "/dev/null" : `b/${file}`];
  const options = {
    context: 3,
    maxEditLength: DIFF_EDITS_MAX,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  };
  const patch = createTwoFilesPatch(from, to, target.state.text ?? "", target.after, undefined, undefined, options);
  return patch === undefined ? "(too many lines to show)" : shownText(patch.trimEnd());
}

function painted(line: string, style: Style): string {
  if (line.startsWith("+")) return paint(line, "green", style);
  return line.startsWith("-") ? paint(line, "red", style) : line;
}
