import fs from "node:fs";
import readline from "node:readline/promises";
import { Writable } from "node:stream";
import { Command, CommanderError, Help, Option } from "commander";
import type { CommandHost } from "../app/command-host.js";
import { hint } from "../base/names.js";
import { CLIENT_NAMES } from "../base/statuses.js";
import type { ServeFlags } from "../app/serving/serving.js";
import { type Act, type CommandFunction, type CommandPlace, runCommand } from "./command.js";
import { EXIT, type ExitCode, UsageError, wordFailure } from "./failure.js";
import { utf8Text } from "../base/texts/text-file.js";
import {
  addArtifacts,
  addDeadLetters,
  addNotifications,
  addProject,
  addTokens,
  addSchedules,
  addWorkflow,
  withRunOptions,
} from "./group-commands.js";
import { addRunCommands } from "./run-commands.js";
import { habitOf, usageErrorOf } from "./usage.js";
import { keysOf } from "./terminal/keys.js";
import { terminalOf } from "./terminal/terminal.js";
import { shownJson, shownText } from "../base/texts/shown-text.js";

/** Carries out what a person typed; gives the code the process is to end with. */
export async function runCommandLine(args: readonly string[], host: CommandHost): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.succeeded;
  const place = commandPlace(host, (code) => (exitCode = code));
  // A reader such as `head` may close the pipe early: the rest of the output is then dropped.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(exitCode);
    });
  }
  const wantsJson = args.includes("--json");
  const program = programOf(place, { quiet: wantsJson });
  try {
    await program.parseAsync(args.length === 1 && args[0] === "-v" ? ["-V"] : [...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.succeeded;
    const worded = await wordFailure(
      error instanceof CommanderError ? await usageErrorOf(error, { program, args }) : error,
    );
    if (worded === undefined) throw error;
    if (wantsJson) place.stdout.print(`${shownJson(worded.json, 2)}\n`);
    else place.stderr.print(`${shownText(worded.text)}\n`);
    return worded.exitCode;
  }
}

function commandPlace(host: CommandHost, end: (exitCode: ExitCode) => void): CommandPlace {
  const interactive = process.stdin.isTTY && process.stderr.isTTY;
  return {
    host,
    stdout: terminalOf(process.stdout, process.env),
    stderr: terminalOf(process.stderr, process.env),
    cwd: process.cwd(),
    env: process.env,
    stdin: () => utf8Text(fs.readFileSync(process.stdin.fd), "stdin"),
    askLine: interactive ? askLine : undefined,
    askHidden: interactive ? askHidden : undefined,
    keys: process.stdin.isTTY ? keysOf(process.stdin) : undefined,
    end,
  };
}

/** Undefined where the person closes the input (Ctrl-D), or the signal fires. */
async function askLine(question: string, signal?: AbortSignal): Promise<string | undefined> {
  const lines = readline.createInterface({ input: process.stdin, output: process.stderr });
  return answerOf(lines, { question, signal });
}

async function askHidden(question: string, signal?: AbortSignal): Promise<string | undefined> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = readline.createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await answerOf(lines, { question: "", signal });
  } finally {
    process.stderr.write("\n");
  }
}

interface Prompt {
  readonly question: string;
  readonly signal: AbortSignal | undefined;
}

async function answerOf(lines: readline.Interface, { question, signal }: Prompt): Promise<string | undefined> {
  const closed = new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined)));
  // Ctrl-C is for the process, not for the line.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await Promise.race([lines.question(question, signal === undefined ? {} : { signal }), closed]);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    return undefined;
  } finally {
    lines.close();
  }
}

const EXAMPLES = `
Examples:
  baton run build.yaml --allow-commands       run a workflow and watch it
  baton status                                what is running, and what is stuck
  baton watch                                 the same on one screen that follows, with keys to decide
  baton approve                               answer what it asks you
  baton show                                  the newest run with its results
  baton call create_task --title "Fix login" --prompt "…"
  baton call --help                           every operation there is
  baton init                                  set up the clients of this repository
  baton guard check src/a.ts                  does another agent hold this file?
  baton doctor                                check your setup`;

/** Makes the actions of commands. The module of a command is loaded when it is typed. */
function actionsAt(place: CommandPlace): Act {
  return (load) => {
    return async (...typed) => {
      const command = typed.at(-1) as Command;
      const options = command.optsWithGlobals();
      // The words and options are those that the program has declared for this command.
      const run = (await load()) as CommandFunction<unknown>;
      await runCommand(place, options, (context) => run(context, ...typed.slice(0, -2), options));
    };
  };
}

function programOf(place: CommandPlace, { quiet }: { readonly quiet: boolean }): Command {
  const program = new Command("baton")
    .description("Coordinates AI agents on one task graph: an MCP server and its command line.")
    .version(place.host.version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .option("--json", "print one JSON document on stdout and nothing else")
    .option("--db <file>", "SQLite file (else BATON_DB, else the per-user data directory)")
    .addOption(new Option("--database-url <url>", "PostgreSQL (else BATON_DATABASE_URL)").conflicts("db"))
    .addOption(new Option("--log-level <level>", "level of the log on stderr").choices(LOG_LEVELS))
    .configureHelp({
      // An option that may be repeated has an empty list for its default, which says nothing.
      optionDescription: (option) => new Help().optionDescription(option).replace(" (default: [])", ""),
    })
    .helpCommand(false)
    .addHelpText("afterAll", ({ command }) =>
      command.parent === null ? "" : "\nGlobal options, such as --json and --db: baton --help",
    )
    .configureOutput({
      writeErr: (text) => {
        // Errors are worded by runCommandLine; only the help of a group without a command remains.
        if (!quiet && !text.startsWith("error:")) process.stderr.write(text);
      },
    })
    .exitOverride()
    .addHelpText("after", EXAMPLES);
  const act = actionsAt(place);
  program.commandsGroup("Runs:");
  addRun(program, act);
  addRunCommands(program, act);
  addDeadLetters(program, act);
  addNotifications(program, act);
  addArtifacts(program, act);
  program.commandsGroup("Workflows and projects:");
  addWorkflow(program, act, place.host.packageRoot);
  addSchedules(program, act);
  addImport(program, act);
  addProject(program, act);
  program.commandsGroup("The system:");
  addInit(program, act);
  addStatus(program, act);
  addServe(program, act);
  addCall(program, act);
  addTokens(program, act);
  addMaintenance(program, act);
  addHelp(program, place);
  return program;
}

function addHelp(program: Command, place: CommandPlace): void {
  program
    .command("help [command]")
    .description("show the help of a command")
    .action((name?: string) => {
      if (name === undefined) program.help();
      const known = program.commands.flatMap((one) => [one.name(), ...one.aliases()]);
      const command = program.commands.find((one) => [one.name(), ...one.aliases()].includes(name));
      if (command === undefined)
        throw new UsageError(
          habitOf([name]) ?? `Unknown command ${name}${hint(name, known)}. \`baton --help\` lists them.`,
        );
      command.help();
    });
  program.command("version", { hidden: true }).action(() => place.stdout.print(`${place.host.version}\n`));
}

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"];

function addServe(program: Command, act: Act): void {
  program
    .command("serve")
    .description("serve MCP on stdin and stdout, for a client that starts it (as `baton` alone does), or over HTTP")
    .option("--http <address>", "listen at HOST:PORT, as 127.0.0.1:7420, for MCP at /mcp and the operations at /api/v1")
    .option(
      "--public-url <url...>",
      "with --http: under which others reach it, through a proxy; asks everyone for a token",
    )
    .option("--oauth-issuer <url>", "with --http: an OAuth issuer whose tokens let in too")
    .option("--toolsets <areas>", "areas listed beside the default tools, with commas, or all")
    .option("--allow-commands", "run command steps of workflows")
    .option("--mcp-config <file>", "call the tools of its mcpServers in tool steps of workflows")
    .option("--read-only", "offer and answer queries alone; change nothing and run nothing")
    .action(
      act(
        async () =>
          ({ host }, options: ServeFlags) =>
            host.serve(options),
      ),
    );
}

function addRun(program: Command, act: Act): void {
  withRunOptions(
    program
      .command("run")
      .argument(
        "<target>",
        "a workflow file (YAML or JSON, - for stdin), or a run to follow: id, its beginning, or name",
      ),
  )
    .description("run a workflow file and show its progress until it ends")
    .action(act(async () => (await import("./commands/run.js")).run));
}

function addStatus(program: Command, act: Act): void {
  const commands = () => import("./commands/status.js");
  program
    .command("status")
    .description("show what is running, project by project, and what is stuck")
    .argument("[run]", "a run alone, as `baton show` does")
    .option("--line", "one line, for the status lines of shells and clients")
    .action(act(async () => (await commands()).status));
  program
    .command("watch")
    .description("one screen of what needs you, what runs, who works and which files are held; keys decide and replay")
    .action(act(async () => (await import("./commands/watch.js")).watch));
  const group = program.command("orchestration").description("show the system as a whole");
  group
    .command("status")
    .description("count runs, tasks, agents, server processes and locks")
    .action(act(async () => (await commands()).orchestrationStatus));
  group
    .command("health")
    .description("check each component; exit code 1 when one is down")
    .action(act(async () => (await commands()).orchestrationHealth));
}

function addInit(program: Command, act: Act): void {
  program
    .command("init")
    .description("set up the clients, hooks and git of this repository: shows a diff and asks before it writes")
    .addOption(new Option("--client <name...>", "only these, instead of those that are found").choices(CLIENT_NAMES))
    .addOption(
      new Option("--hooks <kind>", "how hooks of Claude Code ask: by a command, or by a tool of its server").choices([
        "command",
        "mcp",
      ]),
    )
    .option("--yes", "do not ask")
    .option("--undo", "restore the files as they were before")
    .action(act(async () => (await import("./commands/init.js")).init));
}

function addImport(program: Command, act: Act): void {
  program
    .command("import")
    .description(
      "make a run of a plan kept elsewhere, or update the run it came from; store a recorded workflow; take in what baton export wrote",
    )
    .argument("[file]", "a plan's file or folder, an export, - for stdin; default: shows what lies in the repository")
    .option("--apply", "do it; without it only what would come of a plan is shown")
    .option("--remove", "also remove unstarted tasks that the plan has no longer")
    .option("--name <name>", "default: the name in the file")
    .option("--project <name>", "default: the project of the working directory")
    .action(act(async () => (await import("./commands/import.js")).importFile));
}

function addCall(program: Command, act: Act): void {
  program
    .command("call")
    .description("call any operation: baton call OPERATION --key value …")
    .usage("[operation] [--key value …]")
    .argument("[words...]", "name or alias of an operation, then its parameters; without one, operations are listed")
    .helpOption(false)
    .allowUnknownOption()
    .action(act(async () => (await import("./commands/call.js")).call));
}

function addMaintenance(program: Command, act: Act): void {
  program
    .command("doctor")
    .description("check your setup and say how to fix it; exit code 1 when a check fails")
    .action(act(async () => (await import("./commands/doctor.js")).doctor));
  program
    .command("secret")
    .description("set a secret that each decision at a terminal asks for")
    .option("--remove", "remove it")
    .action(act(async () => (await import("./commands/secret.js")).setSecret));
  program
    .command("prune")
    .description("remove ended runs and closed dead letters past their retention, and free the space")
    .action(act(async () => (await import("./commands/maintenance.js")).prune));
  program
    .command("backup")
    .description("copy the SQLite database into a new file, while servers use it")
    .argument("<file>", "a file that does not exist yet")
    .action(act(async () => (await import("./commands/transfers.js")).backup));
  program
    .command("export")
    .description(
      "write the whole database into a new file, as lines of JSON that either database can import; or, with --format or --run, the tasks of one run",
    )
    .argument("[file]", "a file that does not exist yet; for a run also - for stdout, the default")
    .addOption(new Option("--format <format>", "of a run (default: markdown)").choices(["markdown", "json", "csv"]))
    .option("--run <run>", "id, its beginning, or name (default: the newest)")
    .action(act(async () => (await import("./commands/transfers.js")).exportFile));
  program
    .command("reset")
    .description("delete the database: the SQLite file, or Baton's tables in PostgreSQL")
    .option("--yes", "do not ask for confirmation")
    .option("--force", "delete even while server processes use it")
    .action(act(async () => (await import("./commands/maintenance.js")).reset));
}
