import type { ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { duration, percent } from "../terminal/durations.js";
import { EXIT, UsageError } from "../failure.js";
import { table } from "../terminal/table.js";
import { checkedDefinition, problemLines, readWorkflowFile } from "../run/workflow-file.js";

interface InProject {
  readonly project?: string;
}

export async function listWorkflows({ call, stdout }: CommandContext, { project }: InProject): Promise<CommandAnswer> {
  const found = await call("list_workflows", { project, limit: 200 });
  const rows = found.workflows.map((one) => [
    one.name,
    String(one.version),
    String(one.steps),
    String(one.runs),
    one.success_rate === null ? "-" : percent(one.success_rate * 100),
    one.typical_duration_ms === null ? "-" : duration(one.typical_duration_ms),
  ]);
  const text =
    rows.length === 0
      ? "No workflows are stored here. Store one: baton workflow create FILE.yaml"
      : table(["name", "version", "steps", "runs", "success", "typical"], rows, stdout);
  return { data: found, text };
}

interface CreateOptions extends InProject {
  readonly name?: string;
  readonly template?: string;
}

export async function createWorkflow(
  context: CommandContext,
  file: string,
  { project, name, template }: CreateOptions,
): Promise<CommandAnswer> {
  const made =
    template === undefined
      ? await storeFile(context, file, { project, name })
      : await storeTemplate(context, template, { project, name: name ?? file });
  const { workflow, created } = made;
  const verb = created ? "stored" : "already stored, unchanged";
  const text = `${workflow.name} version ${workflow.version}, ${workflow.steps} steps, ${verb}\n  run: baton workflow run ${workflow.name}`;
  return { data: made, text };
}

async function storeFile(
  context: CommandContext,
  file: string,
  into: { project: string | undefined; name: string | undefined },
) {
  const read = readWorkflowFile(file, context);
  await checkedDefinition(read, context.call);
  return context.call("create_workflow", { yaml: read.text, ...into });
}

async function storeTemplate(
  { call }: CommandContext,
  template: string,
  into: { project: string | undefined; name: string },
) {
  const { templates } = await call("list_templates", { name: template });
  const [definition] = templates[0]?.definitions ?? [];
  if (definition === undefined) throw new UsageError(`The template "${template}" has no workflow.`);
  return call("create_workflow", { definition: { ...definition, name: into.name }, project: into.project });
}

export async function validateWorkflow(
  context: CommandContext,
  file: string,
  { project }: InProject,
): Promise<CommandAnswer> {
  const read = readWorkflowFile(file, context);
  const checked = await context.call("validate_workflow", { yaml: read.text, project });
  if (!checked.valid) context.end(EXIT.badInput);
  return { data: checked, text: verdict(read.file, checked) };
}

function verdict(file: string, checked: ResultOf<"validate_workflow">): string {
  const { valid, problems, steps = 0, width = 0, waves = [], estimate_ms: estimate = 0, warnings = [] } = checked;
  if (!valid) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    return [`${file}: ${count}`, ...problemLines(file, problems)].join("\n");
  }
  return [
    `${file} is valid: ${steps === 1 ? "1 step" : `${steps} steps`} in ${waves.length === 1 ? "1 wave" : `${waves.length} waves`}, at most ${width} at once, about ${duration(estimate)}`,
    `  critical path: ${(checked.critical_path?.keys ?? []).join(" → ")}`,
    ...warnings.map((warning) => `  note: ${warning}`),
    ...(checked.suggested_resources ?? []).map(suggestion),
  ].join("\n");
}

function suggestion({
  steps,
  more,
  resources,
  reason,
}: NonNullable<ResultOf<"validate_workflow">["suggested_resources"]>[number]): string {
  const amounts = Object.entries(resources).map(
    ([id, units]) =>
      `${id}: {${Object.entries(units)
        .map(([unit, amount]) => `${unit}: ${amount}`)
        .join(", ")}}`,
  );
  const named = `${steps.join(", ")}${more === undefined ? "" : ` and ${more} more`}`;
  return `  suggestion for ${named}: resources: {${amounts.join(", ")}} (${reason})`;
}
