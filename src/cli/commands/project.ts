import { mkdirSync } from "node:fs";
import path from "node:path";
import { BatonError } from "../../base/errors.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import type { TypedCall } from "../typed-calls.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { UsageError } from "../failure.js";
import { percent } from "../terminal/durations.js";
import { table } from "../terminal/table.js";
import { inputsOf } from "../run/workflow-file.js";

export interface CreateOptions extends Shared {
  readonly root?: string;
  readonly description?: string;
  readonly template?: string;
  readonly input: readonly string[];
  readonly overwrite?: boolean;
}

export async function listProjects(
  { call, stdout }: CommandContext,
  { status }: Pick<InputOf<"list_projects">, "status">,
): Promise<CommandAnswer> {
  const found = await call("list_projects", { limit: 200, status });
  const rows = found.projects.map((one) => [
    one.name,
    one.status,
    String(one.active_runs),
    one.progress === null ? "-" : percent(one.progress),
    milestonesText(one.milestones),
    one.root ?? "-",
  ]);
  const text =
    rows.length === 0
      ? "No projects yet: a git repository gets one at the first write, or use `baton project create NAME`."
      : table(["name", "status", "active runs", "progress", "milestones", "root"], rows, stdout);
  return { data: found, text };
}

function milestonesText({ open, completed, overdue }: { open: number; completed: number; overdue: number }): string {
  if (open + completed === 0) return "-";
  return `${completed} of ${open + completed}${overdue > 0 ? `, ${overdue} overdue` : ""}`;
}

export async function createProject(
  { call, cwd }: CommandContext,
  name: string,
  options: CreateOptions,
): Promise<CommandAnswer> {
  const { root, description, template, overwrite } = options;
  const inputs = options.input.length > 0 ? await inputsFor(call, options) : undefined;
  const create = async (at: string | undefined) =>
    call("create_project", { name, root: at, description, template, overwrite, inputs });
  const made = await create(root).catch(async (error: unknown) => {
    if (!lacksRoot(error) || root !== undefined) throw error;
    const directory = path.join(cwd, name);
    mkdirSync(directory, { recursive: true });
    return create(directory);
  });
  const { project, created, scaffolded } = made;
  const where = project.root === null ? "without a root" : project.root;
  const text = [`${project.name} ${created ? "created" : "exists already"}: ${where}`];
  if (scaffolded) text.push(...scaffoldLines(scaffolded));
  return { data: made, text: text.join("\n") };
}

/** Whether a template makes files and no git repository here could hold them. */
function lacksRoot(error: unknown): boolean {
  return error instanceof BatonError && error.details?.["root"] === null;
}

async function inputsFor(call: TypedCall, { template, input }: CreateOptions): Promise<Record<string, unknown>> {
  if (template === undefined) throw new UsageError("--input applies to a template: pass --template too.");
  const { templates } = await call("list_templates", { name: template, kind: "project" });
  return inputsOf(input, templates[0]?.inputs ?? {});
}

type Scaffolded = NonNullable<ResultOf<"create_project">["scaffolded"]>;

function scaffoldLines({ written, overwritten, unchanged, workflows, milestones }: Scaffolded): string[] {
  const line = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`  ${what}: ${names.join(", ")}`];
  return [
    ...line("written", written),
    ...line("replaced", overwritten),
    ...line("unchanged", unchanged),
    ...line("milestones", milestones),
    ...workflows.map((workflow) => `  run: baton workflow run ${workflow.name}`),
  ];
}

export async function listTemplates(
  { call, stdout }: CommandContext,
  { kind }: Pick<InputOf<"list_templates">, "kind">,
): Promise<CommandAnswer> {
  const found = await call("list_templates", { kind });
  const rows = found.templates.map((one) => [
    one.name,
    one.kind ?? "broken",
    one.problems === undefined
      ? (one.title ?? "")
      : (one.problems.map((problem) => `${problem.path}: ${problem.message}`)[0] ?? ""),
    Object.entries(one.inputs ?? {})
      .map(([name, input]) => (isRequired(input) ? `${name}!` : name))
      .join(", "),
    one.overrides_shipped === true ? "yours, replaces the shipped one" : one.origin === "user" ? "yours" : "shipped",
  ]);
  const text = `${table(["name", "of a", "", "inputs (! needed)", "from"], rows, stdout)}\nYours: ${found.directory}`;
  return { data: found, text };
}

function isRequired(input: unknown): boolean {
  return typeof input === "object" && input !== null && "required" in input && input.required === true;
}
