import type { ResultOf } from "../../tools/registry.js";
import { answer, type CommandContext, type Shared, withApp } from "../command.js";
import { duration } from "../terminal/durations.js";
import { EXIT } from "../failure.js";
import { table } from "../terminal/table.js";
import { checkedDefinition, problemLines, readWorkflowFile } from "../run/workflow-file.js";

interface InProject extends Shared {
  readonly project?: string;
}

function projectOf({ project }: InProject): { project?: string } {
  return project === undefined ? {} : { project };
}

export async function listWorkflows(context: CommandContext, options: InProject): Promise<void> {
  await withApp(context, options, async (call) => {
    const found = await call("list_workflows", { ...projectOf(options), limit: 200 });
    const rows = found.workflows.map((one) => [
      one.name,
      String(one.version),
      String(one.steps),
      String(one.runs),
      one.success_rate === null ? "-" : `${Math.round(one.success_rate * 100)} %`,
      one.typical_duration_ms === null ? "-" : duration(one.typical_duration_ms),
    ]);
    const text =
      rows.length === 0
        ? "No workflows are stored here. Store one: baton workflow create FILE.yaml"
        : table(["name", "version", "steps", "runs", "success", "typical"], rows, context.stdout);
    answer(context, options, { data: found, text });
  });
}

export async function createWorkflow(
  context: CommandContext,
  file: string,
  options: InProject & { name?: string },
): Promise<void> {
  const read = readWorkflowFile(file, context);
  await withApp(context, options, async (call) => {
    const { name } = options;
    await checkedDefinition(read, call);
    const made = await call("create_workflow", {
      yaml: read.text,
      ...projectOf(options),
      ...(name !== undefined && { name }),
    });
    const { workflow, created } = made;
    const verb = created ? "stored" : "already stored, unchanged";
    const text = `${workflow.name} version ${workflow.version}, ${workflow.steps} steps, ${verb}\n  run: baton workflow run ${workflow.name}`;
    answer(context, options, { data: made, text });
  });
}

/** Stores what another system has recorded. */
export async function importWorkflow(
  context: CommandContext,
  file: string,
  options: InProject & { name?: string },
): Promise<void> {
  const { text: document } = readWorkflowFile(file, context);
  await withApp(context, options, async (call) => {
    const { name } = options;
    const made = await call("import_workflow", {
      document,
      ...projectOf(options),
      ...(name !== undefined && { name }),
    });
    const { workflow, created, figures, files_left_out: leftOut } = made;
    const { tasks_without_runtime: without, runtimes_of_no_task: stray } = made;
    const work = `critical path ${duration(figures.critical_path_s * 1_000)}, all work ${duration(figures.total_work_s * 1_000)}, as recorded`;
    const verb = created ? "imported" : "already stored, unchanged";
    const lines = [
      `${workflow.name} version ${workflow.version} ${verb}: ${figures.tasks} tasks, ${figures.edges} dependencies, ${figures.depth} levels, at most ${figures.max_width} at once`,
      `  ${without === figures.tasks ? "no runtimes are recorded: the duration is unknown" : work}`,
      ...(without === 0 || without === figures.tasks ? [] : [`  note: ${without} tasks have no recorded runtime`]),
      ...(stray === 0 ? [] : [`  note: ${stray} recorded tasks do not belong to the workflow and were left out`]),
      ...(leftOut === 0 ? [] : [`  note: ${leftOut} files exceed the limit of a step and were left out`]),
      `  run: baton workflow run ${workflow.name}`,
    ];
    answer(context, options, { data: made, text: lines.join("\n") });
  });
}

export async function validateWorkflow(context: CommandContext, file: string, options: InProject): Promise<void> {
  const read = readWorkflowFile(file, context);
  await withApp(context, options, async (call) => {
    const checked = await call("validate_workflow", { yaml: read.text, ...projectOf(options) });
    answer(context, options, { data: checked, text: verdict(read.file, checked) });
    if (!checked.valid) context.end(EXIT.badInput);
  });
}

function verdict(file: string, checked: ResultOf<"validate_workflow">): string {
  const { valid, problems, steps = 0, width = 0, waves = [], estimate_ms: estimate = 0, warnings = [] } = checked;
  if (!valid) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    return [`${file}: ${count}`, ...problemLines(file, problems)].join("\n");
  }
  return [
    `${file} is valid: ${steps} steps in ${waves.length === 1 ? "1 wave" : `${waves.length} waves`}, at most ${width} at once, about ${duration(estimate)}`,
    `  critical path: ${(checked.critical_path?.keys ?? []).join(" → ")}`,
    ...warnings.map((warning) => `  note: ${warning}`),
  ].join("\n");
}
