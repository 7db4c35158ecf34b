import type { Answers, Ask } from "../answers.js";
import { answer, type Desk, type Shared, withApp } from "../command.js";
import { UsageError } from "../failure.js";
import { table } from "../terminal/table.js";
import { inputsOf } from "../run/workflow-file.js";

export interface CreateOptions extends Shared {
  readonly root?: string;
  readonly description?: string;
  readonly template?: string;
  readonly input: readonly string[];
  readonly overwrite?: boolean;
}

export async function listProjects(desk: Desk, options: Shared & { status?: string }): Promise<void> {
  await withApp(desk, options, async (ask) => {
    const { status } = options;
    const found = await ask("list_projects", { limit: 200, ...(status !== undefined && { status }) });
    const rows = found.projects.map((one) => [
      one.name,
      one.status,
      String(one.active_runs),
      one.progress === null ? "-" : `${one.progress} %`,
      milestonesText(one.milestones),
      one.root ?? "-",
    ]);
    const text =
      rows.length === 0
        ? "No projects yet: one is made at the first write in a git repository, or by `baton project create NAME`."
        : table(["name", "status", "active runs", "progress", "milestones", "root"], rows, desk.stdout);
    answer(desk, options, { data: found, text });
  });
}

function milestonesText({ open, completed, overdue }: { open: number; completed: number; overdue: number }): string {
  if (open + completed === 0) return "-";
  return `${completed} of ${open + completed}${overdue > 0 ? `, ${overdue} overdue` : ""}`;
}

export async function createProject(desk: Desk, name: string, options: CreateOptions): Promise<void> {
  await withApp(desk, options, async (ask) => {
    const { root, description, template, overwrite } = options;
    const made = await ask("create_project", {
      name,
      ...(root !== undefined && { root }),
      ...(description !== undefined && { description }),
      ...(template !== undefined && { template }),
      ...(overwrite === true && { overwrite }),
      ...(options.input.length > 0 && { inputs: await inputsFor(ask, options) }),
    });
    const { project, created, scaffolded } = made;
    const where = project.root === null ? "without a root" : project.root;
    const text = [`${project.name} ${created ? "made" : "was there already"}: ${where}`];
    if (scaffolded) text.push(...scaffoldLines(scaffolded));
    answer(desk, options, { data: made, text: text.join("\n") });
  });
}

async function inputsFor(ask: Ask, { template, input }: CreateOptions): Promise<Record<string, unknown>> {
  if (template === undefined) throw new UsageError("--input says something of a template: give --template too.");
  const { templates } = await ask("list_templates", { name: template, kind: "project" });
  return inputsOf(input, templates[0]?.inputs ?? {});
}

type Scaffolded = NonNullable<Answers["create_project"]["scaffolded"]>;

function scaffoldLines({ written, overwritten, unchanged, workflows, milestones }: Scaffolded): string[] {
  const line = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`  ${what}: ${names.join(", ")}`];
  return [
    ...line("written", written),
    ...line("written over", overwritten),
    ...line("there already, the same", unchanged),
    ...line("milestones", milestones),
    ...workflows.map((workflow) => `  run: baton workflow run ${workflow.name}`),
  ];
}

export async function listTemplates(desk: Desk, options: Shared & { kind?: string }): Promise<void> {
  await withApp(desk, options, async (ask) => {
    const { kind } = options;
    const found = await ask("list_templates", { ...(kind !== undefined && { kind }) });
    const rows = found.templates.map((one) => [
      one.name,
      one.kind ?? "broken",
      one.problems === undefined
        ? (one.title ?? "")
        : (one.problems.map(({ path, message }) => `${path}: ${message}`)[0] ?? ""),
      Object.entries(one.inputs ?? {})
        .map(([input, { required }]) => (required === true ? `${input}!` : input))
        .join(", "),
      one.overrides_shipped === true ? "yours, for the shipped one" : one.origin === "user" ? "yours" : "shipped",
    ]);
    const text = `${table(["name", "of a", "", "inputs (! needed)", "from"], rows, desk.stdout)}\nYours: ${found.directory}`;
    answer(desk, options, { data: found, text });
  });
}
