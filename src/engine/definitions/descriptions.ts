import { isObject } from "../../base/json.js";

/**
 * The meaning of every key of a workflow file, for editors and docs/workflows.md: by the name of the object that it stands
 * in (`step`, one of its kinds, `workflow` for the top) and its own.
 */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "workflow.$schema": "Where an editor finds the JSON Schema of this file. Baton does not read it.",
  "workflow.name": "Name under which the workflow is stored and its runs are listed. Default: the file's name.",
  "workflow.description": "What the workflow is for, for people and for searches.",
  "workflow.inputs": "Values that a run is started with, by name; expressions read them as `inputs.NAME`.",
  "workflow.defaults": "Keys that hold for every step that does not have its own.",
  "workflow.max_parallel": "How many tasks of a run may run at once. Default: the project's limit.",
  "workflow.on_failure":
    "After a step failed for good: `continue` with what does not depend on it (default), `stop` starting steps, or `compensate`: undo completed steps by their `compensate`.",
  "workflow.priority": "Order among runs, and of the steps without their own. Default: normal.",
  "workflow.deadline": "When the run should be done: a duration from its start, or an instant with its zone.",

  "input.type": "Type of the value.",
  "input.required": "Whether a run must be given it. Default: true where it has no default.",
  "input.default": "Value where none is given.",
  "input.description": "What it is, for the one who starts a run.",
  "input.enum": "The values it may have.",

  "defaults.retry": "Retries of steps without their own `retry`.",
  "defaults.timeouts": "Time limits of steps without their own.",
  "defaults.role": "Role that agent steps ask for.",
  "defaults.requires": "Capabilities that agent steps ask for.",
  "defaults.priority": "Priority of steps without their own.",

  "step.key": "Name of the step, unique in the file: `needs` and expressions refer to it.",
  "step.kind": "What carries the step out. Default: agent.",
  "step.title": "Heading in lists and pictures. Default: the key.",
  "step.needs": "Keys of the steps that must end before this one starts. Default: none.",
  "step.trigger":
    "When its needs let it start: `all_succeeded` (default), `all_done` (ended in any way), `one_succeeded`, `one_failed`, or `none_failed` (succeeded or skipped).",
  "step.if": "Expression without which the step is skipped, such as `steps.test.output.coverage < 80`.",
  "step.for_each":
    "A list, or an expression that gives one: one task for each element, which expressions read as `item` and `index`. Its result is the list of theirs.",
  "step.role": "Only agents registered with this role may claim it.",
  "step.requires": "Capabilities that an agent, or the server that runs the step, must have.",
  "step.files": "Files that the step writes and reads; they are locked for it when it is claimed.",
  "step.priority": "Order among ready tasks.",
  "step.deadline": "When the step should be done: a duration from the start of the run, or an instant with its zone.",
  "step.estimate_ms":
    "Expected duration, for the critical path, deadlines and progress. Default: what tasks of its type took, else all, else 5 minutes.",
  "step.phase":
    "Part of the run that the step belongs to. A checkpoint is kept before the first step of each phase starts.",
  "step.type":
    "Kind of work, such as migration: Baton learns by it who does it well, and in what time. Default: the role, else the key.",
  "step.retry": "How often a failed attempt is repeated, and when.",
  "step.timeouts": "Time limits. An attempt that exceeds one fails, and is retried.",
  "step.output": "JSON Schema that the result must fit; else it is refused with the reason.",
  "step.criteria": "Acceptance criteria.",
  "step.compensate":
    "A step without key and needs that undoes this one when the run fails, where `on_failure` is `compensate`.",
  "step.resources":
    "Resources that it takes with its claim, by name and unit, such as `cpu: {cores: 2}`; it is not claimed before all are free.",
  "step.parallelizable":
    "`false`: it runs alone in its run. It is not claimed while another task of the run is running, and nothing else of it is claimed until it ends.",
  "step.not_by":
    "Keys of steps: an agent that worked on one of them, or shares a connection with one that did, does not take this one.",
  "step.prefer_by": "Keys of steps: this one is reserved first for an agent that completed one of them.",

  "step.cognitive_style":
    "Way of thinking that it asks for, such as analytical: routing prefers agents that say so of themselves.",
  "step.creativity": "How much creativity it asks for, from 0 to 1, likewise.",
  "step.analytical_depth": "How deep an analysis it asks for, from 0 to 1, likewise.",
  "step.collaboration": "How much working with others it asks for, from 0 to 1, likewise.",
  "step.quality":
    "Probability of success, from 0 to 1, below which routing counts an agent the less, the further below.",

  "agent.prompt": "What the agent is to do. It sees this, the criteria, and the results of the steps in `needs`.",
  "agent.review":
    "Another agent reviews the result before it counts; until then the task is in_review, and nothing behind it starts.",
  "review.by": "Role of the reviewer, or `human` for a person. The author's connection does not review.",
  "review.max_rounds":
    "Revisions that one tier may ask for before the next one reviews: the role's own, then lead, architect, a person. Default: 3.",
  "review.criteria": "What the reviewer looks for beside the step's own criteria: a text or a list.",
  "plan.prompt": "What is to be planned: the agent's result is a list of steps, which takes the place of this one.",
  "command.run": "Command line. Expressions reach it as environment variables, never as part of the line.",
  "command.cwd": "Directory, relative to the project's root and inside it. Default: the root.",
  "command.env": "Environment variables, beside the few that every command gets.",
  "command.shell":
    "Shell that runs the line: sh (default) or bash. A pipe fails with any of its commands under bash, and under an sh that knows pipefail; elsewhere with its last.",
  "tool.server": "MCP server of your own configuration (`mcpServers`).",
  "tool.tool": "Its tool.",
  "tool.arguments": "The tool's arguments; texts in it may hold expressions.",
  "human.ask": "Question to a person. Agents cannot answer it.",
  "human.form": "JSON Schema of the answer's fields: `{ properties: { version: { type: string } } }`.",
  "human.default_decision":
    "Decision that is taken when `timeouts.schedule_to_close` is over: reject (default) or approve. Without that time limit the question waits as long as it takes.",
  "gate.checks": "Expressions that must all hold, or the gate fails.",
  "gate.reviews": "Keys of agent steps before it whose newest review must be an approval, or the gate fails.",
  "gate.gate_type": "`code_review` stands for `reviews` of the agent steps that it needs.",
  "wait.for": "Duration to wait, such as 10m.",
  "wait.until": "Instant to wait for, with its zone: 2026-01-31T18:00:00Z.",
  "wait.event": "Event to wait for: `signal` gives it to the run.",
  "workflow step.workflow": "Stored workflow, started as a child run.",
  "workflow step.inputs": "Inputs of the child run, by name.",

  "retry.initial_interval_ms": "Pause before the first retry. Default: 1s.",
  "retry.backoff_coefficient": "Factor by which each pause is longer than the one before. Default: 2.",
  "retry.max_interval_ms": "Longest pause. Default: 60s.",
  "retry.max_attempts": "Number of attempts in all, the first included. Default: the setting `retry_attempts`.",
  "retry.non_retryable": "Types of errors after which there is no retry.",

  "timeouts.schedule_to_start": "From ready to claimed: longest wait for a worker.",
  "timeouts.start_to_close": "Longest duration of one attempt. Default: the setting `task_timeout_ms`.",
  "timeouts.schedule_to_close": "From ready to the end, with all attempts.",
  "timeouts.heartbeat": "Longest time between two reports of its worker.",

  "files.write": "Files, directories or globs that are locked for this step alone.",
  "files.read": "Files that are locked against writers and shared with other readers.",
};

/** Objects by the key under which they stand. */
const NESTED = new Set(["retry", "timeouts", "files", "defaults", "review"]);

/** Adds its meaning to every property of the schema that has none, in place. */
export function describe(schema: unknown, names: readonly string[]): void {
  if (!isObject(schema)) return;
  const { properties } = schema;
  if (!isObject(properties)) return;
  for (const [key, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    const found = names.map((name) => DESCRIPTIONS[`${name}.${key}`]).find((text) => text !== undefined);
    if (found !== undefined) Object.assign(property, { description: found });
    if (NESTED.has(key)) describe(property, [key]);
    if (key === "inputs") describe(property["additionalProperties"], ["input"]);
  }
}
