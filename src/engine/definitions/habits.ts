import type { JsonObject } from "../../base/json.js";
import { hint, nearest } from "../../base/names.js";
import { STEP_KINDS, type StepKind } from "../../base/statuses.js";
import { startOf } from "../../base/texts/stored-values.js";

// Keys and values that people write out of habit, from GitHub Actions, Compose, Taskfile, Task Master and the like, with
// the sentence that says how the same is written here.

const NEEDS = "write needs: [build], with the keys of other steps";
const COMMAND = "write kind: command and run: npm test";
const TIMEOUTS = "write timeouts: { start_to_close: 5m }";
const STEPS = "write steps: as a list, each beginning with - key: build";
const LEAVE_OUT = "leave it out";
const CONDITION = "write if: inputs.branch == 'main'";
const CHECKS = "write checks: [steps.test.output.passed]";
const COMMAND_PART = "write it into run:, joined by &&";
const LABELS = "leave it out, or write role: or requires: to choose who takes the step";
const MERGE =
  "YAML merge keys and x- keys are not read: write the keys out, or put what all steps share under defaults:";

/** In a step. */
export const STEP_HABITS: Readonly<Record<string, string>> = {
  id: "write key: build",
  name: "write key: build, and title: for words",
  depends_on: NEEDS,
  dependsOn: NEEDS,
  dependencies: NEEDS,
  deps: NEEDS,
  after: NEEDS,
  requires_steps: NEEDS,
  command: COMMAND,
  commands: COMMAND,
  cmd: COMMAND,
  cmds: COMMAND,
  script: COMMAND,
  entrypoint: COMMAND,
  uses: "there are no actions: write kind: command with run:, or kind: tool with server: and tool:",
  with: "write env: for a command, arguments: for a tool, inputs: for a workflow",
  args: "write arguments: for a tool; for a command they are part of run:",
  params: "write arguments: for a tool, inputs: for a workflow",
  environment: "write env: { NAME: value }",
  "working-directory": "write cwd: packages/app",
  working_directory: "write cwd: packages/app",
  working_dir: "write cwd: packages/app",
  dir: "write cwd: packages/app",
  timeout: TIMEOUTS,
  "timeout-minutes": TIMEOUTS,
  timeout_minutes: TIMEOUTS,
  timeout_seconds: TIMEOUTS,
  retries: "write retry: { max_attempts: 3 }",
  max_retries: "write retry: { max_attempts: 3 }",
  max_attempts: "write retry: { max_attempts: 3 }",
  "continue-on-error": "write trigger: all_done in the steps that are to run all the same",
  allow_failure: "write trigger: all_done in the steps that are to run all the same",
  when: "write if: steps.test.output.passed",
  condition: "write if: steps.test.output.passed",
  strategy: "write for_each: [1, 2, 3]; each element is item in an expression",
  stage: "write needs: [build] for the order; phase: build names the part of the run that a step belongs to",
  matrix: "write for_each: [1, 2, 3]; each element is item in an expression",
  loop: "write for_each: [1, 2, 3]; each element is item in an expression",
  with_items: "write for_each: [1, 2, 3]; each element is item in an expression",
  "runs-on": `${LEAVE_OUT}: a step runs where its agent or server is; requires: names the capabilities it must have`,
  image: `${LEAVE_OUT}: commands run on this machine, not in a container`,
  agent: "write role: reviewer, or requires: [capability]; a task is reserved for one agent with assign_task",
  assignee: "write role: reviewer, or requires: [capability]; a task is reserved for one agent with assign_task",
  description: "write prompt: for what is to be done, title: for a heading",
  details: "write it into prompt:",
  instructions: "write prompt:",
  task: "write prompt:",
  prompt: 'write ask: "…" for a question to a person, run: for a command line',
  message: "write prompt:, or with kind: human ask:",
  question: 'write ask: "…" with kind: human',
  test_strategy: "write criteria: [tests pass]",
  testStrategy: "write criteria: [tests pass]",
  acceptance_criteria: "write criteria: [tests pass]",
  subtasks: "write each as a step of its own, joined by needs:",
  steps: "write each as a step of its own, joined by needs:",
  status: `${LEAVE_OUT}: a step has its state only in a run`,
  outputs: "write output: with a JSON Schema of the result",
  output_schema: "write output: with a JSON Schema of the result",
  artifacts: "write files: { write: [dist/**] }",
  task_id: "write key: build",
  upstream: NEEDS,
  blocked_by: NEEDS,
  blockedBy: NEEDS,
  parents: NEEDS,
  bash_command: COMMAND,
  before_script: COMMAND_PART,
  after_script: COMMAND_PART,
  operator: "write kind: command, agent, tool, human, gate, wait or workflow",
  trigger_rule: "write trigger: all_done",
  on_failure: "write trigger: one_failed in the step that is to run then; at the top, on_failure is for the whole run",
  only: CONDITION,
  except: CONDITION,
  rules: CONDITION,
  unless: CONDITION,
  parameters: "write arguments: for a tool, inputs: for a workflow",
  container: `${LEAVE_OUT}: commands run on this machine, not in a container`,
  tags: LABELS,
  labels: LABELS,
  position: `${LEAVE_OUT}: baton graph lays a run out by itself`,
  max_parallel: "write it at the top of the file: it bounds the whole run",
  "<<": MERGE,
  "x-": MERGE,
};

/** In a gate. */
export const GATE_HABITS: Readonly<Record<string, string>> = {
  ...STEP_HABITS,
  check: CHECKS,
  condition: CHECKS,
  conditions: CHECKS,
  when: CHECKS,
  expression: CHECKS,
};

/** In a wait. */
export const WAIT_HABITS: Readonly<Record<string, string>> = {
  ...STEP_HABITS,
  ...Object.fromEntries(
    ["seconds", "minutes", "hours", "duration", "delay", "sleep", "time", "timeout"].map((key) => [
      key,
      "write for: 30s",
    ]),
  ),
  signal: "write event: released",
};

/** In a human step. */
export const HUMAN_HABITS: Readonly<Record<string, string>> = {
  ...STEP_HABITS,
  ...Object.fromEntries(
    ["options", "choices", "fields", "schema"].map((key) => [
      key,
      "write form: { properties: { choice: { enum: [one, other] } } }",
    ]),
  ),
};

/** At the top of a workflow. */
export const HEAD_HABITS: Readonly<Record<string, string>> = {
  jobs: STEPS,
  tasks: STEPS,
  services: STEPS,
  stages: STEPS,
  nodes: STEPS,
  connections: "write needs: [build] in each step that comes after another",
  edges: "write needs: [build] in each step that comes after another",
  links: "write needs: [build] in each step that comes after another",
  id: "write name: my-workflow",
  dag_id: "write name: my-workflow",
  workflow: "write name: my-workflow",
  schedule: `${LEAVE_OUT}: a run is started with baton run FILE or execute_workflow`,
  triggers: `${LEAVE_OUT}: a run is started with baton run FILE or execute_workflow`,
  cron: `${LEAVE_OUT}: a run is started with baton run FILE or execute_workflow`,
  default_args: "write defaults: { retry: { max_attempts: 3 } }",
  apiVersion: `${LEAVE_OUT}: a workflow has a name and steps`,
  kind: `${LEAVE_OUT}: a workflow has a name and steps`,
  metadata: "write name: my-workflow",
  spec: STEPS,
  title: "write name: my-workflow",
  on: `${LEAVE_OUT}: a run is started with baton run FILE or execute_workflow`,
  version: `${LEAVE_OUT}: versions are counted when a workflow is stored`,
  env: "write env: in the steps that need it",
  vars: "write inputs:",
  variables: "write inputs:",
  parameters: "write inputs:",
  params: "write inputs:",
  concurrency: "write max_parallel: 4",
  "max-parallel": "write max_parallel: 4",
  timeout: "write deadline: 2h, or timeouts: under defaults:",
  retry: "write it under defaults:",
  timeouts: "write it under defaults:",
  role: "write it under defaults:",
  "<<": MERGE,
  "x-": MERGE,
};

/** In a step's `timeouts`, and in `retry`. */
export const TIMEOUT_HABITS: Readonly<Record<string, string>> = {
  timeout: "write start_to_close: 5m",
  run: "write start_to_close: 5m",
  total: "write schedule_to_close: 1h",
  minutes: "write start_to_close: 5m",
};

export const RETRY_HABITS: Readonly<Record<string, string>> = {
  attempts: "write max_attempts: 3",
  max: "write max_attempts: 3",
  count: "write max_attempts: 3",
  limit: "write max_attempts: 3",
  delay: "write initial_interval_ms: 5s",
  backoff: "write backoff_coefficient: 2",
};

/** Why a step has no kind, with its mend. */
export interface KindProblem {
  readonly field: string;
  readonly message: string;
  /** The step as it was probably meant: what else is wrong with it is told too. */
  readonly readAs?: JsonObject;
}

/** The field that only one kind of step has. */
const FIELD_OF_KIND: readonly (readonly [field: string, kind: StepKind])[] = [
  ["run", "command"],
  ["tool", "tool"],
  ["ask", "human"],
  ["checks", "gate"],
  ["workflow", "workflow"],
];

/** Keys for a command line in other systems. The words of a list are one line, or are lines of their own. */
const COMMAND_KEYS: Readonly<Record<string, string>> = {
  command: " ",
  entrypoint: " ",
  cmd: " ",
  commands: " && ",
  cmds: " && ",
  bash_command: " && ",
  script: " && ",
};

/** How a step without `kind` that cannot be an agent's is to be written. */
export function kindMeant(step: JsonObject): KindProblem | undefined {
  if ("prompt" in step) return undefined;
  for (const [field, kind] of FIELD_OF_KIND) {
    if (field in step)
      return { field: "kind", message: `has "${field}" and so must say \`kind: ${kind}\``, readAs: { ...step, kind } };
  }
  for (const [field, separator] of Object.entries(COMMAND_KEYS)) {
    const run = commandText(step[field], separator);
    if (run === undefined) continue;
    const { [field]: _, ...rest } = step;
    const message = `write kind: command and run: ${shortText(run)} in place of "${field}"`;
    return { field, message, readAs: { ...rest, kind: "command", run } };
  }
  const typed = kindOfType(step);
  if (typed) return typed;
  if (!("uses" in step)) return undefined;
  const { uses: _, ...rest } = step;
  return { field: "uses", message: STEP_HABITS["uses"] ?? "", readAs: { ...rest, kind: "agent" } };
}

/** A kind that is written as the type. */
function kindOfType({ type, ...rest }: JsonObject): KindProblem | undefined {
  const kind = typeof type === "string" ? meantKind(type) : undefined;
  if (kind === undefined) return undefined;
  return { field: "type", message: `write kind: ${kind}; type names the kind of work`, readAs: { ...rest, kind } };
}

function commandText(value: unknown, separator: string): string | undefined {
  if (typeof value === "string") return value;
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")
    ? value.join(separator)
    : undefined;
}

/** Kinds of step by the names that they have elsewhere. */
const KIND_HABITS: Readonly<Record<string, StepKind>> = {
  bash: "command",
  shell: "command",
  sh: "command",
  script: "command",
  run: "command",
  exec: "command",
  task: "agent",
  llm: "agent",
  ai: "agent",
  prompt: "agent",
  approval: "human",
  manual: "human",
  input: "human",
  sleep: "wait",
  delay: "wait",
  timer: "wait",
  event: "wait",
  check: "gate",
  condition: "gate",
  subworkflow: "workflow",
  child: "workflow",
  mcp: "tool",
};

function meantKind(written: string): StepKind | undefined {
  const name = written.toLowerCase();
  return STEP_KINDS.find((kind) => kind === name) ?? (Object.hasOwn(KIND_HABITS, name) ? KIND_HABITS[name] : undefined);
}

/** The kind that a step of an unknown one was probably meant to have. */
export function knownKind(step: JsonObject, kind: string): KindProblem {
  const meant = meantKind(kind);
  const near = nearest(kind, STEP_KINDS);
  const mend = meant === undefined ? hint(kind, STEP_KINDS) : `: write kind: ${meant}`;
  const message = `unknown kind "${shortText(kind)}"${mend}; understood are ${STEP_KINDS.join(", ")}`;
  const read = meant ?? near;
  return { field: "kind", message, ...(read && { readAs: { ...step, kind: read } }) };
}

const SHOWN_MAX = 60;

/** A value as it would be written in a file, on one line and cut. */
export function shortText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  const line = text.split("\n", 1)[0] ?? "";
  return line.length <= SHOWN_MAX ? line : `${startOf(line, SHOWN_MAX)}…`;
}
