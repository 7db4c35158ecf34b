import fs from "node:fs";
import path from "node:path";
import { BatonError, hasCode } from "../../base/errors.js";
import type { ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { UsageError } from "../failure.js";
import { type FoundPlans, findPlans, type PlanFiles, rootAround, textOfPlan } from "../plan-files.js";
import { duration } from "../terminal/durations.js";

interface ImportOptions {
  readonly project?: string;
  readonly name?: string;
  readonly apply?: boolean;
  readonly remove?: boolean;
  readonly json?: boolean;
}
type Imported = ResultOf<"import_workflow">;
type Plan = NonNullable<Imported["plans"]>[number];

/** `baton import`: an export goes into the empty database, a plan becomes a run, a recorded workflow is stored. */
export async function importFile(
  context: CommandContext,
  file: string | undefined,
  options: ImportOptions,
): Promise<CommandAnswer> {
  const whole = path.resolve(context.cwd, file ?? ".");
  if (file === undefined) return showFound(context, findPlans(rootAround(whole), rootAround(whole)), options);
  if (file === "-")
    return importGiven(context, { path: "stdin", files: [{ path: "stdin", text: context.stdin() }] }, options);
  const stat = statOf(whole, file);
  if (stat.isCharacterDevice() || stat.isBlockDevice())
    throw new UsageError(`${file} is a device, which may never end. Standard input is read by: baton import -`);
  if (stat.isFIFO() || stat.isSocket())
    throw new UsageError(`${file} is a pipe, which may never end. Standard input is read by: baton import -`);
  if (stat.isDirectory()) return importFolder(context, { file, whole }, options);
  if (await context.host.isExport(whole)) {
    const { app } = await context.open();
    const made = await context.host.importFrom(app, whole);
    return { data: made, text: `Imported ${made.rows} rows from ${made.file}.` };
  }
  const root = rootAround(path.dirname(whole));
  const text = textOfPlan(fs.readFileSync(whole), file);
  const place = path.relative(root, whole).split(path.sep).join("/");
  return importGiven(context, { path: file, files: [{ path: place, text }] }, options);
}

function statOf(whole: string, file: string): fs.Stats {
  try {
    return fs.statSync(whole);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) throw new UsageError(`There is no file ${file}.`);
    throw error;
  }
}

async function importFolder(
  context: CommandContext,
  { file, whole }: { file: string; whole: string },
  options: ImportOptions,
): Promise<CommandAnswer> {
  const { found, skipped } = findPlans(rootAround(whole), whole);
  if (found.length === 0)
    throw new UsageError(`${file} has no plan in it${skippedText(skipped)}. Name a file to read it as a plan.`);
  const answers: CommandAnswer[] = [];
  const others = [...skipped];
  for (const one of found) {
    const typed = typedPath(context, one, file);
    const answer = await unlessNoPlan(importGiven(context, { ...one, path: typed }, options));
    if (answer === undefined) others.push({ path: typed, why: NO_PLAN });
    else answers.push(answer);
  }
  if (answers.length === 0) throw new UsageError(`${file} has no plan in it${skippedText(others)}.`);
  return {
    data: answers.length === 1 ? answers[0]?.data : answers.map(({ data }) => data),
    text: [...answers.map(({ text }) => text), ...skippedLines(others)].join("\n"),
  };
}

const NO_PLAN = "holds no tasks that Baton can read";

/** The answer to a file found by its name; undefined where there is no plan in it, as in many a ROADMAP.md. */
async function unlessNoPlan<A>(answer: Promise<A>): Promise<A | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BatonError && error.details?.["no_plan"] === true) return undefined;
    throw error;
  }
}

/** The path of a plan as a person in this directory types it. */
function typedPath({ cwd }: CommandContext, { path: place }: PlanFiles, from: string): string {
  const root = rootAround(path.resolve(cwd, from));
  return path.relative(cwd, path.join(root, place)) || ".";
}

async function importGiven(
  context: CommandContext,
  { path: typed, files }: PlanFiles,
  { project, name, apply, remove, json }: ImportOptions,
): Promise<CommandAnswer> {
  const made = await context.call("import_workflow", {
    files: [...files],
    project,
    name,
    apply,
    remove,
    items_max: itemsMax(json),
  });
  const text =
    made.plans === undefined ? workflowText(made) : made.plans.map((plan) => planText(plan, typed)).join("\n");
  return { data: made, text };
}

/** A person reads a few of many; a program gets all of them. */
function itemsMax(json = false): number | undefined {
  return json ? ITEMS_MAX : undefined;
}

/** `baton import` alone: the plans that lie in the repository, and what each would become. */
async function showFound(
  context: CommandContext,
  { found, skipped }: FoundPlans,
  { project, json }: ImportOptions,
): Promise<CommandAnswer> {
  if (found.length === 0) {
    const places =
      ".taskmaster, specs/*/tasks.md, .beads, backlog, TODO.md, PLAN.md, TASKS.md, ROADMAP.md, issues.json";
    const text = `No plan was found here${skippedText(skipped)}. Looked for: ${places}.\n${NEXT}`;
    return { data: { plans: [] }, text };
  }
  const plans: Plan[] = [];
  const lines: string[] = [];
  const others = [...skipped];
  for (const one of found) {
    const typed = typedPath(context, one, ".");
    if (one.path.includes(".wfformat")) {
      lines.push(`${typed}: a workflow in WfFormat\n  store it: baton import ${typed}`);
      continue;
    }
    const made = await unlessNoPlan(
      context.call("import_workflow", { files: [...one.files], project, items_max: itemsMax(json) }),
    );
    if (made === undefined) others.push({ path: typed, why: NO_PLAN });
    for (const plan of made?.plans ?? []) lines.push(planText(plan, typed, false));
    plans.push(...(made?.plans ?? []));
  }
  if (lines.length === 0) lines.push(`No plan was found here.`, NEXT);
  return { data: { plans }, text: [...lines, ...skippedLines(others)].join("\n") };
}

const NEXT = "  import another file: baton import FILE";

function skippedLines(skipped: FoundPlans["skipped"]): string[] {
  return skipped.map(({ path: at, why }) => `${at} was not read: it ${why}.`);
}

function skippedText(skipped: FoundPlans["skipped"]): string {
  const [first] = skipped;
  return first === undefined ? "" : ` (${first.path} ${first.why})`;
}

const NAMES: Readonly<Record<string, string>> = {
  taskmaster: "Task Master",
  "spec-kit": "spec-kit",
  beads: "beads",
  "backlog-md": "Backlog.md",
  "github-issues": "GitHub issues",
  markdown: "check list",
  baton: "a run's export",
};
const LINES_MAX = 20;
const ITEMS_MAX = 100_000;

function planText(plan: Plan, typed: string, details = true): string {
  const { counts, run } = plan;
  const head = `${typed}: ${NAMES[plan.format] ?? plan.format} "${plan.title}"`;
  const body =
    run !== undefined && counts.create === 0 && isUnchanged(plan) ? [`run ${run.id} is up to date`] : changesOf(plan);
  const notes = [
    counts.done > 0 && `${tasks(counts.done)} done at the source`,
    counts.started > 0 && `${tasks(counts.started)} started at the source, open to claim here`,
    counts.dropped > 0 && `${tasks(counts.dropped)} dropped at the source`,
    counts.left > 0 && `${tasks(counts.left)} left as they are here`,
  ].filter((note) => note !== false);
  const lists = details
    ? [
        ...listOf(
          plan.left.map(({ key, why }) => `${key} ${why}`),
          counts.left,
        ),
        ...listOf(
          plan.gone.map(({ key, status }) => `${key} (${status}) is no longer in the source`),
          counts.gone,
        ),
        counts.unmapped > 0 && `${counts.unmapped} not taken:`,
        ...listOf(
          plan.unmapped.map(({ place, what, why }) => `${place}: ${what}: ${why}`),
          counts.unmapped,
        ),
      ].filter((line) => line !== false)
    : counts.unmapped > 0
      ? [`${counts.unmapped} not taken`]
      : [];
  return [head, ...[...body, ...notes, ...lists, ...nextOf(plan, typed)].map((line) => `  ${line}`)].join("\n");
}

function isUnchanged({ counts }: Plan): boolean {
  return counts.create + counts.update + counts.complete + counts.gone === 0;
}

function changesOf({ applied, counts, run, ended_run: ended }: Plan): string[] {
  if (run === undefined && counts.create === 0) return ["nothing is left to do in it: no run"];
  const created = `${tasks(counts.create)}, ${counts.dependencies} dependencies, ${counts.ready} without an open dependency`;
  if (run === undefined || (applied && counts.update + counts.complete + counts.unchanged + counts.gone === 0)) {
    const made = applied ? `run ${run?.id ?? ""} started` : "a new run";
    return [`${made}: ${created}`, ...(ended === undefined ? [] : [`its earlier run ${ended} has ended`])];
  }
  const parts = [
    counts.create > 0 && `${tasks(counts.create)} added`,
    counts.update > 0 && `${tasks(counts.update)} changed`,
    counts.complete > 0 && `${tasks(counts.complete)} completed, done at the source`,
    counts.gone > 0 && `${tasks(counts.gone)} no longer in the source`,
    counts.unchanged > 0 && `${tasks(counts.unchanged)} unchanged`,
  ].filter((part) => part !== false);
  return [`run ${run.id}${applied ? "" : " would be updated"}: ${parts.join(", ")}`];
}

function nextOf(plan: Plan, typed: string): string[] {
  const removable = plan.gone.some((task) => task.removable);
  const again = `baton import ${typed} --apply`;
  if (plan.applied) return plan.run === undefined ? [] : [`watch it: baton show ${plan.run.id}`];
  if (isUnchanged(plan)) return [];
  return [`do it: ${again}`, ...(removable ? [`remove what is no longer in the source too: ${again} --remove`] : [])];
}

function listOf(lines: readonly string[], total: number): string[] {
  const more = total - LINES_MAX;
  return [...lines.slice(0, LINES_MAX), ...(more > 0 ? [`… ${more} more: --json names all`] : [])].map(
    (line) => `  ${line}`,
  );
}

function tasks(count: number): string {
  return count === 1 ? "1 task" : `${count} tasks`;
}

function workflowText(made: Imported): string {
  const { workflow, created, figures, files_left_out: leftOut = 0 } = made;
  const { tasks_without_runtime: without = 0, runtimes_of_no_task: stray = 0 } = made;
  if (workflow === undefined || figures === undefined) throw new Error("an import has neither plans nor a workflow");
  const work = `critical path ${duration(figures.critical_path_s * 1_000)}, all work ${duration(figures.total_work_s * 1_000)}, as recorded`;
  const verb = created === true ? "imported" : "already stored, unchanged";
  return [
    `${workflow.name} version ${workflow.version} ${verb}: ${figures.tasks} tasks, ${figures.edges} dependencies, ${figures.depth} levels, at most ${figures.max_width} at once`,
    `  ${without === figures.tasks ? "no runtimes are recorded: the duration is unknown" : work}`,
    ...(without === 0 || without === figures.tasks ? [] : [`  note: ${without} tasks have no recorded runtime`]),
    ...(stray === 0 ? [] : [`  note: ${stray} recorded tasks do not belong to the workflow and were left out`]),
    ...(leftOut === 0 ? [] : [`  note: ${leftOut} files exceed the limit of a step and were left out`]),
    `  run: baton workflow run ${workflow.name}`,
  ].join("\n");
}
