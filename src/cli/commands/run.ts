import { shellWord } from "../../base/texts/shell-word.js";
import type { InputOf } from "../../tools/registry.js";
import type { Opened } from "../../app/command-host.js";
import { unlessCode } from "../../base/errors.js";
import type { TypedCall, RunAnswer } from "../typed-calls.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { EXIT, UsageError } from "../failure.js";
import { follow, RunFollower } from "../run/follower.js";
import { Interrupts } from "../terminal/interrupts.js";
import { runDisplay } from "../run/display.js";
import { exitCodeOf, outcomeText } from "../run/outcome.js";
import { findRun } from "../run/run-reference.js";
import { permitCommands } from "../run/permission.js";
import { askWhileOpen } from "../run/questions.js";
import { finalResults } from "../run/results.js";
import type { RunState } from "../run/state.js";
import type { RunDisplay } from "../run/display.js";
import { checkedDefinition, findWorkflowFile, inputsOf, readWorkflowFile, similarFiles } from "../run/workflow-file.js";

export interface RunOptions extends Shared {
  readonly input: readonly string[];
  readonly watch?: boolean;
  readonly maxParallel?: number;
  readonly priority?: InputOf<"execute_workflow">["priority"];
  readonly budget?: number;
  readonly project?: string;
  readonly detach?: boolean;
  readonly timeout?: number;
  readonly cancelOnInterrupt?: boolean;
}

interface StartedRun {
  readonly run: RunAnswer;
  readonly warnings: readonly string[];
}

/** `baton run TARGET`: a workflow file, or a run to go on with. */
export async function run(context: CommandContext, target: string, options: RunOptions): Promise<CommandAnswer> {
  const file = findWorkflowFile(target, context);
  const { call } = context;
  if (file === undefined && !/[/\\]|\.(?:ya?ml|json)$/i.test(target))
    return followRun(context, options, () => attach(context, target, options));
  const { text } = file ?? readWorkflowFile(target, context);
  const permitted = await permitCommands(context, { file: target, text }, options);
  return followRun(context, permitted, async () => {
    const definition = await checkedDefinition({ file: target, text }, call);
    return start(call, options, { definition, inputs: inputsOf(options.input, definition["inputs"]) });
  });
}

/** `baton workflow run NAME`: a workflow that is stored. */
export async function runStored(context: CommandContext, name: string, options: RunOptions): Promise<CommandAnswer> {
  const { call } = context;
  return followRun(context, options, async () => {
    const inputs = await inputsOfStored(call, name, options);
    return start(call, options, { workflow: name, inputs: inputsOf(options.input, inputs) });
  });
}

async function inputsOfStored(call: TypedCall, name: string, { project }: RunOptions) {
  const template = /^template:(.*)$/.exec(name)?.[1];
  if (template === undefined) return (await call("get_workflow", { name, project })).inputs;
  const { templates } = await call("list_templates", { name: template, kind: "workflow" });
  return templates[0]?.inputs ?? {};
}

async function attach({ call, cwd }: CommandContext, reference: string, { input }: RunOptions): Promise<StartedRun> {
  const found = reference.startsWith("run_")
    ? await findRun(call, reference)
    : await unlessCode(findRun(call, reference), "not_found");
  if (found === undefined) {
    const stored = `\`baton workflow run ${shellWord(reference)}\` starts a stored workflow`;
    throw new UsageError(
      `There is no file and no run ${reference}${similarFiles(reference, cwd)}. \`baton runs\` lists runs; ${stored}.`,
    );
  }
  if (input.length > 0)
    throw new UsageError(`Run ${found.id} has its inputs already: --input applies only to a new run.`);
  return { run: found, warnings: [] };
}

async function start(call: TypedCall, options: RunOptions, what: InputOf<"execute_workflow">): Promise<StartedRun> {
  const { maxParallel, priority, budget, project } = options;
  const given = { ...what, max_parallel: maxParallel, priority, budget, project };
  const { run: started, warnings = [] } = await call("execute_workflow", given);
  return { run: started, warnings };
}

/** Starts a run, or finds one that is under way, and follows it to its end, unless it is to be left at once. */
async function followRun(
  context: CommandContext,
  options: RunOptions,
  begin: () => Promise<StartedRun>,
): Promise<CommandAnswer> {
  const opened = await context.open({ sessionless: options.detach === true, flags: options });
  const started = await begin();
  if (options.detach === true) return detachedAnswer(started);
  await opened.serveRun(started.run.id);
  const state = await watch(context, options, { opened, started });
  return finalAnswer(context, options, state);
}

function detachedAnswer({ run: started, warnings }: StartedRun): CommandAnswer {
  const lines = [`${started.name} is running as ${started.id}`, ...warnings, `  follow: baton run ${started.id}`];
  return { data: { run: started, warnings }, text: lines.join("\n") };
}

interface Watched {
  readonly opened: Opened;
  readonly started: StartedRun;
}

async function watch(context: CommandContext, options: RunOptions, watched: Watched): Promise<RunState> {
  const { run: started, warnings } = watched.started;
  const { call } = context;
  // The answer has stdout to itself under --json.
  const place = options.json === true ? context.stderr : context.stdout;
  if (!place.live) place.print(`${[`${started.name} runs as ${started.id}`, ...warnings].join("\n")}\n`);
  const table = options.watch === true;
  const store = await watched.opened.app.store();
  const { now } = context.host;
  const display = runDisplay(place, { table, now });
  const interrupts = new Interrupts({
    timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1000,
    ...(options.cancelOnInterrupt === true && { first: () => cancel(call, started.id) }),
  });
  try {
    const { signal } = interrupts;
    const ask = questioner(context, { display, signal, decides: watched.opened.decides || watched.opened.asksSecret });
    const state = await follow(new RunFollower({ call, run: started.id, table, warnings, now: now() }), {
      onWake: (listener) => store.onWake(listener),
      signal,
      show: (update) => {
        display.show(update);
        return ask(update.state);
      },
    });
    interrupts.rethrow();
    return state;
  } finally {
    interrupts.close();
    display.close();
  }
}

interface TerminalQuestions {
  readonly display: RunDisplay;
  readonly signal: AbortSignal;
  readonly decides: boolean;
}

/** Asks the person at the terminal each open question once: what they leave open, they can answer with `baton approve`. */
function questioner(
  context: CommandContext,
  { display, signal, decides }: TerminalQuestions,
): (state: RunState) => Promise<void> {
  const asked = new Set<string>();
  return async ({ questions }) => {
    if (!decides || context.askLine === undefined) return;
    for (const question of questions) {
      const once = `${question.id}:${question.token}`;
      if (asked.has(once) || signal.aborted) continue;
      asked.add(once);
      display.pause();
      await askWhileOpen(context, question, signal);
    }
  };
}

async function cancel(call: TypedCall, id: string): Promise<void> {
  await call("control_run", { run: id, action: "cancel", reason: "interrupted at the terminal" });
}

async function finalAnswer(context: CommandContext, options: RunOptions, state: RunState): Promise<CommandAnswer> {
  const { call } = context;
  const { run: ended, failures = [] } = await call("get_run", { run: state.run.id, include: ["failures"] });
  // The last state that was shown decides, so that display and exit code agree.
  const exitCode = exitCodeOf(state.run);
  const shown = { ...ended, ...(exitCode === EXIT.detached && { ended_at: undefined }) };
  const final = options.json === true ? { results: [], more: 0 } : await finalResults(call, ended);
  const others = shown.ended_at === undefined ? (await call("get_system_status", {})).sessions.open - 1 : 0;
  const text = outcomeText({ run: shown, failures, final, others, flags: flagsOf(options) }, context.stdout.style);
  const results = options.json === true ? await resultsOf(call, ended.id) : {};
  context.end(exitCode);
  return { data: { run: ended, failures, results, warnings: state.warnings }, text };
}

function flagsOf({ allowCommands, mcpConfig }: RunOptions): string {
  const commands = allowCommands === true ? " --allow-commands" : "";
  return mcpConfig === undefined ? commands : `${commands} --mcp-config ${shellWord(mcpConfig)}`;
}

/** Results of the tasks that succeeded, by key. */
async function resultsOf(call: TypedCall, id: string): Promise<Record<string, unknown>> {
  const { tasks = [] } = await call("get_run", { run: id, include: ["tasks"] });
  const results: Record<string, unknown> = {};
  for (const { id: task, key, status } of tasks) {
    if (status !== "succeeded") continue;
    const found = await unlessCode(call("get_task", { task, include: ["result"] }), "not_found");
    if (found?.result !== undefined) results[key] = found.result;
  }
  return results;
}
