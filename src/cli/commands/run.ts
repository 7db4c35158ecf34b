import { type Answers, type Ask, asking, ifFound, type RunAnswer } from "../answers.js";
import { answer, type Desk, flagsOf, type Shared } from "../command.js";
import { EXIT, UsageError } from "../failure.js";
import { follow, RunFollower } from "../run/follower.js";
import type { Opened } from "../host.js";
import { Interrupts } from "../terminal/interrupts.js";
import { runDisplay } from "../run/display.js";
import { exitCodeOf, outcomeText } from "../run/outcome.js";
import type { RunState } from "../run/state.js";
import { checkedDefinition, findWorkflowFile, inputsOf, readWorkflowFile } from "../run/workflow-file.js";

export interface RunOptions extends Shared {
  readonly input: readonly string[];
  readonly watch?: boolean;
  readonly allowCommands?: boolean;
  readonly mcpConfig?: string;
  readonly maxParallel?: number;
  readonly priority?: string;
  readonly budget?: number;
  readonly project?: string;
  readonly detach?: boolean;
  readonly timeout?: number;
  readonly cancelOnInterrupt?: boolean;
}

interface Begun {
  readonly run: RunAnswer;
  readonly warnings: readonly string[];
}

/** How a run comes about: from a file, from a stored workflow, or it is there already. */
type Begin = (ask: Ask, options: RunOptions) => Promise<Begun>;

const RUN_ID = /^run_[0-9a-z]{16}$/;

/** `baton run TARGET`: a workflow file, or the id of a run to go on with. */
export async function run(desk: Desk, target: string, options: RunOptions): Promise<void> {
  const file = findWorkflowFile(target, desk);
  if (file === undefined && RUN_ID.test(target)) return carryOut(desk, options, (ask) => attach(ask, target, options));
  const { text } = file ?? readWorkflowFile(target, desk);
  await carryOut(desk, options, async (ask) => {
    const definition = await checkedDefinition({ file: target, text }, ask);
    return start(ask, options, { definition, inputs: inputsOf(options.input, definition["inputs"]) });
  });
}

/** `baton workflow run NAME`: a workflow that is stored. */
export async function runStored(desk: Desk, name: string, options: RunOptions): Promise<void> {
  await carryOut(desk, options, async (ask) => {
    const project = options.project === undefined ? {} : { project: options.project };
    const inputs = await inputsOfStored(ask, name, project);
    return start(ask, options, { workflow: name, inputs: inputsOf(options.input, inputs) });
  });
}

async function inputsOfStored(ask: Ask, name: string, project: { project?: string }) {
  const template = /^template:(.*)$/.exec(name)?.[1];
  if (template === undefined) return (await ask("get_workflow", { name, ...project })).inputs;
  const { templates } = await ask("list_templates", { name: template, kind: "workflow" });
  return templates[0]?.inputs ?? {};
}

async function attach(ask: Ask, id: string, { input }: RunOptions): Promise<Begun> {
  if (input.length > 0) throw new UsageError(`${id} has its inputs already: --input is for a run that is started.`);
  return { run: (await ask("get_run", { run: id })).run, warnings: [] };
}

async function start(ask: Ask, options: RunOptions, what: Record<string, unknown>): Promise<Begun> {
  const { maxParallel, priority, budget, project } = options;
  const given = {
    ...what,
    ...(maxParallel !== undefined && { max_parallel: maxParallel }),
    ...(priority !== undefined && { priority }),
    ...(budget !== undefined && { budget }),
    ...(project !== undefined && { project }),
  };
  const { run: started, warnings = [] } = await ask("execute_workflow", given);
  return { run: started, warnings };
}

async function carryOut(desk: Desk, options: RunOptions, begin: Begin): Promise<void> {
  const opened = await desk.host.open(
    { ...flagsOf(options), allowCommands: options.allowCommands, mcpConfig: options.mcpConfig },
    { sessionless: options.detach === true },
  );
  try {
    const ask = asking(await opened.dispatch());
    const begun = await begin(ask, options);
    if (options.detach === true) return left(desk, options, begun);
    if (options.allowCommands === true || opened.config.mcpServers.length > 0) await opened.standBy();
    const state = await watch(desk, { options, opened, ask, begun });
    await conclude(desk, options, { state, ask });
  } finally {
    await opened.app.close();
  }
}

function left(desk: Desk, options: RunOptions, { run: started, warnings }: Begun): void {
  const lines = [`${started.name} goes on as ${started.id}`, ...warnings, `  follow: baton run ${started.id}`];
  answer(desk, options, { data: { run: started, warnings }, text: lines.join("\n") });
}

interface Watched {
  readonly options: RunOptions;
  readonly opened: Opened;
  readonly ask: Ask;
  readonly begun: Begun;
}

async function watch(desk: Desk, { options, opened, ask, begun }: Watched): Promise<RunState> {
  const { run: started, warnings } = begun;
  // The answer has stdout to itself under --json.
  const place = options.json === true ? desk.stderr : desk.stdout;
  if (!place.live) place.stream.write(`${[`${started.name} runs as ${started.id}`, ...warnings].join("\n")}\n`);
  const table = options.watch === true;
  const store = await opened.app.store();
  const display = runDisplay(place, { table, now: () => desk.host.now() });
  const interrupts = new Interrupts({
    timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1000,
    ...(options.cancelOnInterrupt === true && { first: () => cancel(ask, started.id) }),
  });
  try {
    const state = await follow(new RunFollower({ ask, run: started.id, table, warnings }), {
      onWake: (listener) => store.onWake(listener),
      signal: interrupts.signal,
      show: (look) => display.show(look),
    });
    interrupts.rethrow();
    return state;
  } finally {
    interrupts.close();
    display.close();
  }
}

async function cancel(ask: Ask, id: string): Promise<void> {
  await ask("control_run", { run: id, action: "cancel", reason: "interrupted at the terminal" });
}

interface Concluded {
  readonly state: RunState;
  readonly ask: Ask;
}

async function conclude(desk: Desk, options: RunOptions, { state, ask }: Concluded): Promise<void> {
  const { run: ended, failures = [] } = await ask("get_run", { run: state.run.id, include: ["failures"] });
  // What was seen last decides, so that the picture and the exit code agree.
  const exitCode = exitCodeOf(state.run);
  const text = outcomeText(
    { ...ended, ...(exitCode === EXIT.detached && { ended_at: undefined }) },
    failures,
    desk.stdout.style,
  );
  const results = options.json === true ? await resultsOf(ask, ended.id) : {};
  answer(desk, options, { data: { run: ended, failures, results, warnings: state.warnings }, text });
  desk.end(exitCode);
}

/** What the tasks that succeeded answered, by key. */
async function resultsOf(ask: Ask, id: string): Promise<Record<string, unknown>> {
  const { tasks = [] } = await ask("get_run", { run: id, include: ["tasks"] });
  const results: Record<string, unknown> = {};
  for (const { id: task, key, status } of tasks) {
    if (status !== "succeeded") continue;
    const found = await ifFound<Answers["get_task"]>(ask("get_task", { task, include: ["result"] }));
    if (found?.result !== undefined) results[key] = found.result;
  }
  return results;
}
