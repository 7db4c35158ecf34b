import { type Command, Option } from "commander";
import {
  DEAD_LETTER_STATUSES,
  DELIVERY_STATUSES,
  PERMISSION_ROLES,
  MISSED_POLICIES,
  PRIORITY_NAMES,
  PROJECT_STATUSES,
} from "../base/statuses.js";
import path from "node:path";
import type { Act } from "./command.js";
import { hint } from "../base/names.js";
import { UsageError } from "./failure.js";
import { habitOf } from "./usage.js";
import { amount, collect, wholeNumber } from "./option-values.js";

// Commands that stand in groups, such as `baton workflow list`, and the options of those that run a workflow.

const RUN_HELP = `
While it runs, its progress is shown: drawn in place on a terminal, elsewhere a line for each change.
Ctrl-C leaves the run, which other agents can continue; tasks of this process return to the queue.

Exit codes: 0 succeeded, 1 failed, 2 bad input, 3 cancelled, 4 left before its end (Ctrl-C, --timeout).`;

export function withRunOptions(command: Command): Command {
  return command
    .option("-i, --input <name=value>", "input of the workflow (repeatable)", collect, [])
    .option("--watch", "show every task, not only the running ones")
    .option("--allow-commands", "let this process run the command steps of this run and its child runs")
    .option("--mcp-config <file>", "let this process call the tools of the file's mcpServers")
    .option("--max-parallel <n>", "limit of tasks that run at once", wholeNumber)
    .addOption(new Option("--priority <level>", "priority among runs").choices(PRIORITY_NAMES))
    .option("--budget <dollars>", "cost limit in US dollars", amount)
    .option("--project <name>", "default: the project of the working directory")
    .option("--detach", "start the run, print its id and exit")
    .option("--timeout <seconds>", "leave the run after this time", wholeNumber)
    .option("--cancel-on-interrupt", "the first Ctrl-C cancels the run, the second leaves it")
    .addHelpText("after", RUN_HELP);
}

/** The command of a group that is run where none is named: any other word is taken for a misspelt command. */
function defaultCommand(group: Command, name: string): Command {
  return group
    .command(name, { isDefault: true })
    .allowExcessArguments()
    .hook("preAction", (_, { args: [word] }) => {
      if (word === undefined) return;
      const known = group.commands.map((one) => one.name());
      throw new UsageError(
        habitOf([group.name(), word]) ??
          `Unknown command ${group.name()} ${word}${hint(word, known)}. \`baton ${group.name()} --help\` lists them.`,
      );
    });
}

export function addWorkflow(program: Command, act: Act, packageRoot: string): void {
  const commands = () => import("./commands/workflow.js");
  const group = program
    .command("workflow")
    .description("list, store, check and run stored workflows")
    .addHelpText("after", `\nEvery key of a workflow file: ${path.join(packageRoot, "docs/workflows.md")}`);
  group
    .command("list")
    .description("list stored workflows by name, with the outcomes of their runs")
    .option("--project <name>", "default: the project of the working directory")
    .action(act(async () => (await commands()).listWorkflows));
  group
    .command("create")
    .description("store a file as the next version, if it differs from the newest")
    .argument("<file>", "YAML or JSON, - for stdin; with --template the name")
    .option("--name <name>", "default: the name in the file")
    .option("--template <name>", "store a template's workflow (baton project templates) under this name")
    .option("--project <name>", "default: the project of the working directory")
    .action(act(async () => (await commands()).createWorkflow));
  withRunOptions(group.command("run").argument("<name>", "name of a stored workflow, or template:NAME"))
    .description("run a stored workflow, as `baton run` does a file")
    .action(act(async () => (await import("./commands/run.js")).runStored));
  for (const parent of [group, program])
    parent
      .command("validate")
      .description("check a workflow file: list every problem, or estimate the run; exit code 2 for problems")
      .argument("<file>", "YAML or JSON, - for stdin")
      .option("--project <name>", "default: the project of the working directory")
      .action(act(async () => (await commands()).validateWorkflow));
}

export function addSchedules(program: Command, act: Act): void {
  const commands = () => import("./commands/schedules.js");
  const group = program.command("schedule").description("start stored workflows again and again, by a cron expression");
  const inProject = (command: Command): Command =>
    command.option("--project <name>", "default: the project of the working directory");
  const named = (verb: string): Command =>
    inProject(group.command(verb).argument("<schedule>", "name or id, from baton schedule list"));
  inProject(defaultCommand(group, "list"))
    .description("list schedules by name, with their next start and what came of the last")
    .action(act(async () => (await commands()).listSchedules));
  inProject(group.command("add"))
    .description("schedule a stored workflow, or change the schedule of that name")
    .argument("<workflow>", "name of a stored workflow")
    .argument("<cron>", "minute hour day month weekday, such as '0 6 * * MON-FRI'")
    .option("--timezone <zone>", "such as Europe/Berlin; default: that of this machine")
    .option("--name <name>", "default: the workflow's")
    .option("-i, --input <name=value>", "input of the workflow (repeatable)", collect, [])
    .addOption(
      new Option("--missed <policy>", "starts missed while no process ran (default: once)").choices(MISSED_POLICIES),
    )
    .option("--overlap", "start while the last run is open")
    .addOption(new Option("--priority <level>", "priority among runs").choices(PRIORITY_NAMES))
    .option("--budget <dollars>", "cost limit of each run in US dollars", amount)
    .action(act(async () => (await commands()).addSchedule));
  named("pause")
    .description("pause a schedule")
    .action(act(async () => (await commands()).pauseSchedule));
  named("resume")
    .description("let a paused schedule go on, from its next instant")
    .action(act(async () => (await commands()).resumeSchedule));
  named("run")
    .description("start a run of a schedule now")
    .action(act(async () => (await commands()).runSchedule));
  named("delete")
    .description("delete a schedule; its runs go on")
    .action(act(async () => (await commands()).deleteSchedule));
}

export function addNotifications(program: Command, act: Act): void {
  const commands = () => import("./commands/notifications.js");
  const group = program
    .command("notifications")
    .description("show, test and retry notifications to Slack, mail, webhooks and the desktop");
  defaultCommand(group, "list")
    .description("list notifications, oldest first, and the targets configured here")
    .addOption(new Option("--status <status>", "default: all").choices(DELIVERY_STATUSES))
    .action(act(async () => (await commands()).listNotifications));
  group
    .command("test")
    .description("send a test to the targets configured here")
    .argument("[target]", "default: all of them")
    .action(act(async () => (await commands()).testNotifications));
  group
    .command("send")
    .description("send what is due now, as a server does all the time: for a timer, where none runs")
    .action(act(async () => (await commands()).sendNotifications));
  group
    .command("retry")
    .description("send notifications again that were given up")
    .argument("<ids...>")
    .action(act(async () => (await commands()).retryNotifications));
  group
    .command("discard")
    .description("close notifications without another attempt")
    .argument("<ids...>")
    .action(act(async () => (await commands()).discardNotifications));
}

export function addTokens(program: Command, act: Act): void {
  const commands = () => import("./commands/tokens.js");
  const group = program
    .command("token")
    .description("make, list and revoke the tokens with which programs call `baton serve --http`");
  defaultCommand(group, "list")
    .description("list them with role, agents, expiry and last use")
    .action(act(async () => (await commands()).listTokens));
  group
    .command("create")
    .description("make one and show it, this once")
    .addOption(
      new Option("--role <role>", "which operations it may call").choices(PERMISSION_ROLES).makeOptionMandatory(),
    )
    .option("--agent <name...>", "only as these agents (default: as any)")
    .option("--expires <duration>", "such as 30d, or never (default: 90d)")
    .option("--attended", "a person sits at its client: what they enter in its forms decides as theirs")
    .option("--name <name>", "what it is for")
    .action(act(async () => (await commands()).createToken));
  group
    .command("revoke")
    .description("let it in no more, nor the browsers signed in with it")
    .argument("<ids...>")
    .action(act(async () => (await commands()).revokeTokens));
}

export function addDeadLetters(program: Command, act: Act): void {
  const commands = () => import("./commands/dead-letters.js");
  const group = program
    .command("failed")
    .alias("dead-letters")
    .alias("letters")
    .description("show and handle tasks that failed permanently: retry, resolve or discard them");
  defaultCommand(group, "list")
    .description("list failed tasks, newest first; by default those still pending")
    .option("--run <run>", "only those of one run")
    .option("--project <name>", "default: all projects")
    .addOption(new Option("--status <status>").choices(DEAD_LETTER_STATUSES).default("pending"))
    .action(act(async () => (await commands()).listDeadLetters));
  group
    .command("show")
    .description("show one with its error, attempts, prompt and the tasks it blocks")
    .argument("<id>", "from `baton failed`")
    .action(act(async () => (await commands()).showDeadLetter));
  group
    .command("replay")
    .description("retry the tasks, with changes if given; their runs continue")
    .argument("<ids...>")
    .option("--prompt <text>", "replace the prompt")
    .option("--agent <handle>", "reserve the task for this agent")
    .option("--max-attempts <n>", "number of further attempts", wholeNumber)
    .option("-i, --input <name=value>", "add or replace an input of the run (repeatable)", collect, [])
    .option("--notes <text>", "why")
    .action(act(async () => (await commands()).replayDeadLetters));
  group
    .command("resolve")
    .description("complete the task with a result obtained elsewhere and unblock its dependents")
    .argument("<id>")
    .requiredOption("--notes <text>", "how it was resolved")
    .option("--result <value>", "JSON, or a text")
    .action(act(async () => (await commands()).resolveDeadLetter));
  group
    .command("discard")
    .description("close them without a retry; the tasks stay failed")
    .argument("<ids...>")
    .requiredOption("--notes <text>", "why")
    .action(act(async () => (await commands()).discardDeadLetters));
}

export function addArtifacts(program: Command, act: Act): void {
  const commands = () => import("./commands/artifacts.js");
  const group = program
    .command("artifacts")
    .description("list, store and read artifacts: named, versioned outputs of tasks and runs");
  const place = (command: Command): Command =>
    command
      .option("--task <task>", "of a task: its id, or RUN/KEY")
      .option("--run <run>", "of a run")
      .option("--project <name>", "default: the project of the working directory");
  place(defaultCommand(group, "list"))
    .description("list artifacts, newest first; by default those of the project with its runs")
    .option("--name <name>", "the versions of one name")
    .option("--type <type>", "such as code or requirements")
    .action(act(async () => (await commands()).listArtifacts));
  place(group.command("put"))
    .description("store a file as the next version of a name, if it differs from the newest")
    .argument("<name>", "such as design.md")
    .argument("<file>", "- for stdin")
    .option("--type <type>", "default: by the ending of the name")
    .action(act(async () => (await commands()).putArtifact));
  place(group.command("get"))
    .description("print an artifact, or write it into a new file")
    .argument("<artifact>", "id, or name for its newest version")
    .option("--version <n>", "of a name", wholeNumber)
    .option("-o, --out <file>", "needed for what is not a text")
    .action(act(async () => (await commands()).getArtifact));
}

export function addProject(program: Command, act: Act): void {
  const commands = () => import("./commands/project.js");
  const group = program
    .command("project")
    .description("list and create projects: root directories with their configuration");
  group
    .command("list")
    .description("list projects by name, with the progress of their active runs")
    .addOption(new Option("--status <status>").choices(PROJECT_STATUSES))
    .action(act(async () => (await commands()).listProjects));
  group
    .command("create")
    .description("create a project; a git repository gets one at the first write anyway")
    .argument("<name>")
    .option("--root <directory>", "default: root of this git repository; with --template, else the directory NAME here")
    .option("--description <text>")
    .option("--template <name>", "create files, workflows and milestones from a template (baton project templates)")
    .option("-i, --input <name=value>", "input of the template (repeatable)", collect, [])
    .option("--overwrite", "let the template's files replace existing ones")
    .action(act(async () => (await commands()).createProject));
  group
    .command("templates")
    .description("list the templates of projects and workflows, shipped and your own")
    .addOption(new Option("--kind <kind>").choices(["project", "workflow"]))
    .action(act(async () => (await commands()).listTemplates));
}
