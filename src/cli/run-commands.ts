import { type Command, Option } from "commander";
import { ESCALATION_STATUSES, ESCALATION_TIERS, RUN_STATUSES } from "../base/statuses.js";
import type { Act, CommandFunction } from "./command.js";
import { amount, collect, wholeNumber } from "./option-values.js";

/** A command about runs for people. It calls the operations that agents call. */
interface RunCommand {
  /** The name and its arguments. */
  readonly usage: string;
  readonly alias?: string;
  readonly summary: string;
  readonly options?: readonly Option[];
  readonly load: () => Promise<CommandFunction<never>>;
}

const runs = () => import("./commands/runs.js");
const questions = () => import("./commands/questions.js");
const reason = new Option("--reason <text>", "why, for the history");
const note = new Option("--note <text>", "why, for the history");

const messages = () => import("./commands/messages.js");

const RUN_COMMANDS: readonly RunCommand[] = [
  {
    usage: "runs",
    alias: "list",
    summary: "list runs, newest first",
    options: [
      new Option("--status <status>").choices(RUN_STATUSES),
      new Option("--project <name>", "default: all projects"),
      new Option("--limit <n>", "default: 20").argParser(wholeNumber),
    ],
    load: async () => (await runs()).listRuns,
  },
  {
    usage: "show [run] [step]",
    summary: "show a run (the newest) with its tasks and results, or one step whole",
    load: async () => (await runs()).show,
  },
  {
    usage: "logs [run] [step]",
    summary: "print the output of command steps",
    options: [new Option("--tail <n>", "lines of each at most (20; of a named step all)").argParser(wholeNumber)],
    load: async () => (await import("./commands/logs.js")).logs,
  },
  {
    usage: "graph [run]",
    summary: "draw a run as Mermaid: baton graph RUN --svg > run.svg",
    options: [new Option("--svg", "an image").conflicts("dot"), new Option("--dot", "text for Graphviz")],
    load: async () => (await runs()).graph,
  },
  {
    usage: "escalations",
    summary: "list the questions that wait for a decision: escalations and human steps",
    options: [
      new Option("--status <status>", "default: those that may still be decided").choices(ESCALATION_STATUSES),
      new Option("--tier <tier>").choices(ESCALATION_TIERS),
      new Option("--run <run>", "default: all runs"),
    ],
    load: async () => (await questions()).listEscalations,
  },
  {
    usage: "costs",
    summary: "show what was spent, by model, role, agent, run, day or task",
    options: [
      new Option("--by <what>", "default: model")
        .choices(["model", "role", "agent", "run", "day", "task"])
        .default("model"),
      new Option("--run <run>", "default: all runs"),
      new Option("--project <name>", "default: all projects"),
    ],
    load: async () => (await import("./commands/costs.js")).listCosts,
  },
  {
    usage: "approve [question]",
    summary: "answer open questions: all in turn, or one, by its task or escalation",
    options: [
      new Option("-a, --answer <name=value>", "answer to a field of its form (repeatable)")
        .argParser(collect)
        .default([]),
      new Option("-c, --condition <text>", "approve under a condition (repeatable)").argParser(collect).default([]),
      new Option("--amount <dollars>", "how far to raise the budget that is asked for").argParser(amount),
      note,
    ],
    load: async () => (await questions()).approve,
  },
  {
    usage: "reject <question>",
    summary: "reject an escalation, or what a human step asks for: the step fails",
    options: [note],
    load: async () => (await questions()).reject,
  },
  {
    usage: "messages",
    summary: "show the unread messages to you, which are read then",
    options: [
      new Option("--all", "those that were read too"),
      new Option("--channel <name>", "only this: #CHANNEL, role:NAME, task:ID or all"),
      new Option("--agent <handle>", "those of an agent, which stay unread"),
      new Option("--project <name>", "default: the project of the working directory"),
    ],
    load: async () => (await messages()).listMessages,
  },
  {
    usage: "send <to> <text>",
    summary: "send a message to an agent, role:NAME, #CHANNEL, task:ID or all",
    options: [
      new Option("--subject <text>"),
      new Option("--type <type>").choices(["question", "answer", "inform", "broadcast"]),
      new Option("--task <task>", "the task it is about"),
      new Option("--reply-to <message>", "the message it replies to"),
      new Option("--project <name>", "default: the project of the working directory"),
    ],
    load: async () => (await messages()).sendMessage,
  },
  {
    usage: "brief [run] [step]",
    summary: "sum up a run, or a step of it, as an agent is told that takes it over",
    options: [new Option("--tokens <n>", "at most so many (2000)").argParser(wholeNumber)],
    load: async () => (await import("./commands/brief.js")).brief,
  },
  {
    usage: "cancel <run>",
    summary: "cancel a run: the holders of its tasks are asked to stop",
    options: [reason],
    load: async () => (await runs()).cancel,
  },
  {
    usage: "pause <run>",
    summary: "let no further task of a run be claimed",
    options: [reason],
    load: async () => (await runs()).pause,
  },
  { usage: "resume <run>", summary: "continue a paused run", load: async () => (await runs()).resume },
  { usage: "retry <run>", summary: "reopen the failed tasks of a run", load: async () => (await runs()).retry },
];

const RUN_HELP = "\nRUN is an id, its beginning, or a name: the newest run of that name. `baton runs` lists them.";

export function addRunCommands(program: Command, act: Act): void {
  for (const { usage, alias, summary, options = [], load } of RUN_COMMANDS) {
    const command = program.command(usage).description(summary).action(act(load));
    if (alias !== undefined) command.alias(alias);
    for (const option of options) command.addOption(option);
    if (/run\b/.test(usage.replace(/^\w+/, ""))) command.addHelpText("after", RUN_HELP);
  }
}
