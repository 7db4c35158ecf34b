import { STEERING_ROLES } from "../base/statuses.js";
import { defined, isObject } from "../base/json.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import { modifyRun as modify } from "../engine/modifications/modifications.js";
import { taskLine } from "../engine/tasks/views.js";
import { learnedEstimates } from "../engine/steps/learned-estimates.js";
import { runView } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

/** Names that other systems give to the parts of one change. */
const PARTS: Readonly<Record<string, string>> = {
  after_task_id: "after",
  condition: "if",
  if_true: "then",
  if_true_tasks: "then",
  if_false: "else",
  if_false_tasks: "else",
};
const COMMON = new Set(["run", "run_id", "swarm_id", "agent", "agent_id", "request_id", "expected_revision"]);

/** A step whose fields stand beside the word that it is added, rather than under `step`. */
function withStep(change: unknown): unknown {
  if (!isObject(change) || change["op"] !== "add_task" || "step" in change || !("key" in change)) return change;
  const { op, before, ...step } = change;
  return { op, step, ...defined({ before }) };
}

/** A call under the name of one change has its parts beside the run, and the change itself says its name only. */
function withOneChange({ changes, ...given }: Record<string, unknown>): Record<string, unknown> {
  const [only] = Array.isArray(changes) ? (changes as unknown[]) : [];
  const op = isObject(only) && Object.keys(only).join() === "op" ? only["op"] : undefined;
  if (op === undefined)
    return { ...given, ...defined({ changes: Array.isArray(changes) ? changes.map(withStep) : changes }) };
  const entries = Object.entries(given);
  const parts = entries.filter(([name]) => !COMMON.has(name)).map(([name, value]) => [PARTS[name] ?? name, value]);
  const own = entries.filter(([name]) => COMMON.has(name));
  return { ...Object.fromEntries(own), changes: [{ op, ...Object.fromEntries(parts) }] };
}

const EXAMPLE = `[{"op":"add_task","step":{"key":"fix","prompt":"…","needs":["test"]},"before":["ship"]},{"op":"insert_gate","after":"fix","ask":"Ship?"}]`;

export const modifyRun = defineOperation({
  name: "modify_run",
  title: "Change a run under way",
  description: `Changes a run's tasks while agents work on it, all changes or none; held and ended tasks stay. Ops: add_task {step, before?}, update_task {task, set}, remove_task {task}, add_dependency, remove_dependency {task, on}, create_branch {after, if, then, else?, before?}, insert_gate {after, checks | reviews | ask}, parallelize {tasks}, reprioritize {tasks?, priority}. ${EXAMPLE}`,
  area: "runs",
  effect: "write",
  permission: STEERING_ROLES,
  quota: "tasks",
  listed: true,
  showsRun: true,
  aliases: ["create_branch", "insert_gate"],
  aliasInput: {
    create_branch: { changes: [{ op: "create_branch" }] },
    insert_gate: { changes: [{ op: "insert_gate" }] },
  },
  translate: withOneChange,
  words: ["add a step to a run", "change a plan", "create branch", "insert gate"],
  example: { run: "run_…", changes: [{ op: "add_task", step: { key: "fix", prompt: "…", needs: ["test"] } }] },
  takesSteps: true,
  input: z.object({
    run: params.run,
    changes: z.array(z.record(z.string(), z.unknown())).min(1).max(1_000),
    expected_revision: z.int().min(1).optional(),
    ...params.acting,
  }),
  output: z.object({
    run: shapes.run,
    added: z.array(shapes.taskLine),
    removed: z.array(z.string()),
    updated: z.array(z.string()),
    ready: z.array(shapes.taskLine),
    warnings: z.array(z.string()).optional(),
  }),
  prepare: () => learnedEstimates,
  *run(ctx, { run, changes, expected_revision: expectedRevision, agent: handle }, estimates) {
    const agent = yield* actingAgent(ctx, handle);
    const done = yield* modify(ctx, { run, changes, expectedRevision, agent: agent.name, estimates });
    return {
      run: runView(done.run, done.counters),
      added: done.added.slice(0, SHOWN_MAX).map(taskLine),
      removed: done.removed.slice(0, SHOWN_MAX),
      updated: done.updated.slice(0, SHOWN_MAX),
      ready: done.ready.slice(0, SHOWN_MAX).map(taskLine),
      ...(done.warnings.length === 0 ? {} : { warnings: done.warnings.slice(0, SHOWN_MAX) }),
    };
  },
});

const SHOWN_MAX = 50;
