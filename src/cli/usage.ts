import type { Command, CommanderError } from "commander";
import { UsageError } from "./failure.js";

// Commands that people type out of habit, with what they are here.

const WATCH = "`baton run RUN` follows a run, `baton status` shows all";
const START = "`baton run FILE.yaml` runs a workflow";
const CANCEL = "`baton cancel RUN` cancels a run, `baton pause RUN` pauses it";
const REMOVE = "`baton cancel RUN` ends a run, `baton prune` removes old ones, `baton reset` removes everything";
const SETTINGS = "`baton doctor` checks the configuration, `baton call get_configuration` shows every setting";
const UPGRADE = "close your clients, then `git pull && npm ci && npm run build` in the checkout";
const ANSWER = "`baton approve` answers open questions";

export const HABITS: Readonly<Record<string, string>> = {
  setup: "`baton init` sets up the clients and git of a repository, `baton init --undo` restores it",
  install: "`baton init` sets up the clients and git of a repository, `baton init --undo` restores it",
  ls: "`baton runs` lists runs, `baton status` shows what is running",
  ps: "`baton runs` lists runs, `baton status` shows what is running",
  top: WATCH,
  watch: WATCH,
  follow: WATCH,
  attach: WATCH,
  tail: "`baton logs RUN STEP` prints the output of a command step",
  start: START,
  up: START,
  exec: START,
  execute: START,
  stop: CANCEL,
  kill: CANCEL,
  down: CANCEL,
  abort: CANCEL,
  rm: REMOVE,
  remove: REMOVE,
  delete: REMOVE,
  clean: REMOVE,
  task: "`baton show RUN` lists the tasks of a run, `baton call list_tasks` those of all",
  tasks: "`baton show RUN` lists the tasks of a run, `baton call list_tasks` those of all",
  agents: "`baton call list_agents` lists them",
  locks: "`baton call list_file_locks` lists them",
  create: "`baton workflow create FILE` stores a workflow, `baton project create NAME` makes a project",
  add: "`baton call create_task --title … --prompt …` adds a task",
  check: "`baton validate FILE` checks a workflow, `baton doctor` your setup",
  lint: "`baton validate FILE` checks a workflow",
  answer: ANSWER,
  answers: ANSWER,
  questions: ANSWER,
  deny: "`baton reject TASK` rejects what is asked",
  config: SETTINGS,
  configure: SETTINGS,
  settings: SETTINGS,
  update: UPGRADE,
  upgrade: UPGRADE,
  uninstall: "`baton init --undo` restores the files of a repository; README, Uninstall, says the rest",
  mcp: "`baton serve` serves MCP on stdin and stdout, as a client starts it",
  "failed retry": "`baton failed replay ID` retries a failed task, `baton retry RUN` those of a run",
  "project show": "`baton call get_project_status --project NAME` shows it",
  "project delete": "`baton call archive_project --project NAME` archives it",
  "workflow show": "`baton call get_workflow --name NAME` shows it",
  "workflow delete": "`baton call delete_workflow --name NAME` removes it",
};

/** The sentence for a word that is no command here, where it is one elsewhere. */
export function habitOf(words: readonly string[]): string | undefined {
  const name = words.join(" ");
  return Object.hasOwn(HABITS, name) ? `There is no command ${name}: ${HABITS[name] ?? ""}.` : undefined;
}

/** Commander says what is wrong and which command or option is nearest; the usage is that of the command that was typed. */
export async function usageErrorOf(
  { message, code }: CommanderError,
  { program, args }: { readonly program: Command; readonly args: readonly string[] },
): Promise<UsageError> {
  const { command, words } = typed(program, args);
  const path = ["baton", ...words].join(" ");
  // With a group of commands it has shown the help instead.
  if (code === "commander.help") return new UsageError(`Missing subcommand. Run \`${path} --help\` for usage.`);
  if (code === "commander.unknownCommand") {
    const name = /'([^']*)'/.exec(message)?.[1] ?? "";
    const known = habitOf([...words, name]) ?? (words.length === 0 ? await operationCalled(name) : undefined);
    if (known !== undefined) return new UsageError(known);
  }
  const said = message
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  const shows = code === "commander.missingArgument" || code === "commander.excessArguments";
  const usage = shows
    ? `Usage: \`${command
        .createHelp()
        .commandUsage(command)
        .replace(/\|[\w-]+/, "")}\`.`
    : `Run \`${path} --help\` for usage.`;
  return new UsageError(`${said}. ${usage}`);
}

/** The command that the words name, and these words. */
function typed(program: Command, args: readonly string[]): { command: Command; words: readonly string[] } {
  let command = program;
  const words: string[] = [];
  for (const word of args) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next !== undefined) {
      command = next;
      words.push(next.name());
    } else if (!word.startsWith("-")) break;
  }
  return { command, words };
}

/** An operation's name that was typed without `call`. */
async function operationCalled(name: string): Promise<string | undefined> {
  if (!/[_-]/.test(name)) return undefined;
  const { catalogue } = await import("../tools/registry.js");
  const found = catalogue.find(name.replaceAll("-", "_"));
  return found === undefined ? undefined : `${name} is an operation: \`baton call ${found.name}\` calls it.`;
}
