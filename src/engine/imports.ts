import { z } from "zod";
import { buildDag, type GraphNode } from "./dag.js";
import type { JsonObject } from "./definition-text.js";
import { BatonError } from "./errors.js";
import { hint, nameFrom } from "./names.js";
import { Problems, problemsError, zodProblems } from "./problems.js";
import { addGraphProblems } from "./validation.js";

/**
 * WfFormat 1.5, in which WfCommons keeps traces of real workflows (wfcommons.org; Coleman et al., "WfCommons: A framework for
 * enabling scientific workflow research and development", FGCS 128, 2022): what of it becomes a definition. Everything else that
 * a file may hold is left.
 */
const id = z.string().min(1).max(4_096);
const ids = z.array(id).default([]);
const specified = z.looseObject({
  id,
  name: z.string().optional(),
  parents: ids,
  children: ids,
  inputFiles: ids,
  outputFiles: ids,
});
const executed = z.looseObject({
  id,
  runtimeInSeconds: z.number().min(0),
  command: z
    .looseObject({ program: z.string().optional(), arguments: z.array(z.coerce.string()).default([]) })
    .optional(),
});
const document = z.looseObject({
  name: z.string().min(1),
  description: z.string().optional(),
  schemaVersion: z.literal("1.5", { error: "is not WfFormat 1.5, the version that is read" }),
  workflow: z.looseObject({
    specification: z.looseObject({ tasks: z.array(specified).min(1) }),
    execution: z.looseObject({ tasks: z.array(executed) }).optional(),
  }),
});

type Specified = z.output<typeof specified>;
type Executed = z.output<typeof executed>;

/** What the graph of an imported file amounts to. Runtimes as recorded, in seconds. */
export interface ImportFigures {
  readonly tasks: number;
  readonly edges: number;
  /** Levels: the tasks of the longest path in edges. */
  readonly depth: number;
  /** The tasks of the largest level. */
  readonly max_width: number;
  readonly critical_path_s: number;
  readonly total_work_s: number;
}

export interface Imported {
  readonly definition: JsonObject;
  readonly figures: ImportFigures;
}

/**
 * A definition of a file in WfFormat 1.5: its tasks are steps for agents, its runtimes estimates, its files scopes (what is read
 * shared, what is written exclusive). Errors: `invalid_input` with every problem for what is no JSON, no WfFormat, names
 * tasks that are none, or is cyclic; `limit_exceeded`.
 */
export function readWfFormat(
  text: string,
  limits: { readonly open_tasks_max: number; readonly depth_max: number },
): Imported {
  const read = document.safeParse(parsedJson(text));
  if (!read.success) throw problemsError("This is no workflow in WfFormat 1.5", zodProblems(read.error));
  const { name, description, workflow } = read.data;
  const { tasks } = workflow.specification;
  const runs = new Map((workflow.execution?.tasks ?? []).map((task) => [task.id, task]));
  const needs = needsOf(tasks);
  requireGraph(tasks, needs, limits);
  const keys = keysOf(tasks);
  const steps = tasks.map((task) =>
    stepOf(task, { keys, needs: needs.get(task.id) ?? new Set(), run: runs.get(task.id) }),
  );
  const nodes = tasks.map((task) => ({
    key: task.id,
    needs: [...(needs.get(task.id) ?? [])],
    weightMs: (runs.get(task.id)?.runtimeInSeconds ?? 0) * 1_000,
  }));
  const said = description === undefined ? {} : { description: plainText(description).slice(0, 10_000) };
  return { definition: { name: nameFrom(name, "imported"), ...said, steps }, figures: figuresOf(nodes) };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BatonError("invalid_input", `This is no JSON, or not all of it: ${error.message}.`);
  }
}

/** What a task needs is said by it, by those it comes after, or by both. */
function needsOf(tasks: readonly Specified[]): Map<string, Set<string>> {
  const needs = new Map(tasks.map((task) => [task.id, new Set(task.parents)]));
  for (const task of tasks) {
    for (const child of task.children) needs.get(child)?.add(task.id);
  }
  return needs;
}

function requireGraph(
  tasks: readonly Specified[],
  needs: ReadonlyMap<string, ReadonlySet<string>>,
  limits: { readonly open_tasks_max: number; readonly depth_max: number },
): void {
  const problems = new Problems();
  if (tasks.length > limits.open_tasks_max) {
    const message = `${tasks.length} tasks, the limit is ${limits.open_tasks_max}`;
    problems.add({ path: "workflow.specification.tasks", message, limit: true });
    throw problemsError("The workflow cannot be imported", problems.list());
  }
  tasks.forEach((task, index) => {
    for (const child of task.children) {
      if (needs.has(child)) continue;
      const path = `workflow.specification.tasks[${index}].children`;
      problems.add({ path, step: task.id, message: `"${child}" is no task${hint(child, needs.keys())}` });
    }
  });
  const links = tasks.map(({ id: key }) => ({ key, needs: [...(needs.get(key) ?? [])], trigger: undefined }));
  addGraphProblems(links, limits, problems);
  if (problems.count > 0) throw problemsError("The workflow cannot be imported", problems.list());
}

/** A key for each task: its id as far as a key may look like it, with a number where two would be the same. */
function keysOf(tasks: readonly Specified[]): Map<string, string> {
  const taken = new Set<string>();
  const keys = new Map<string, string>();
  for (const task of tasks) {
    const base = nameFrom(task.id, "task").slice(0, KEY_CHARS_MAX);
    let key = base;
    for (let number = 2; taken.has(key); number++) key = `${base}-${number}`;
    taken.add(key);
    keys.set(task.id, key);
  }
  return keys;
}

const KEY_CHARS_MAX = 90;

interface Place {
  readonly keys: ReadonlyMap<string, string>;
  readonly needs: ReadonlySet<string>;
  readonly run: Executed | undefined;
}

function stepOf(task: Specified, { keys, needs, run }: Place): JsonObject {
  const write = pathsOf(task.outputFiles);
  const written = new Set(write);
  const read = pathsOf(task.inputFiles).filter((path) => !written.has(path));
  return {
    key: keys.get(task.id) ?? task.id,
    title: plainText(task.name ?? task.id).slice(0, 500) || "task",
    prompt: promptOf(task, run),
    ...(needs.size === 0 ? {} : { needs: [...needs].map((need) => keys.get(need) ?? need) }),
    ...(write.length + read.length === 0 ? {} : { files: { write, read } }),
    ...(run === undefined ? {} : { estimate_ms: Math.round(run.runtimeInSeconds * 1_000) }),
  };
}

const COMMAND_CHARS_MAX = 20_000;

function promptOf(task: Specified, run: Executed | undefined): string {
  const { program, arguments: given = [] } = run?.command ?? {};
  const line =
    program === undefined ? "" : ` As it was recorded: ${[program, ...given].join(" ").slice(0, COMMAND_CHARS_MAX)}`;
  return plainText(`Carry out ${task.name ?? task.id}.${line}`);
}

/** Nothing of a file is an expression. */
function plainText(text: string): string {
  return text.replaceAll("${{", "$ {{");
}

// As many patterns as a step may have, and room for what is read.
const FILES_MAX = 500;

/** Paths below the project's root: no scheme, no way up, no sign that stands for others. */
function pathsOf(files: readonly string[]): string[] {
  const paths = files.map((file) =>
    file
      .normalize("NFC")
      .replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
      .replaceAll(/[*?[\]{}()!\\$:\p{Cc}]/gu, "_")
      .split("/")
      .filter((part) => part !== "" && part !== "." && part !== "..")
      .join("/")
      .slice(0, 1_000),
  );
  return [...new Set(paths.filter((path) => path !== ""))].slice(0, FILES_MAX);
}

function figuresOf(nodes: readonly GraphNode[]): ImportFigures {
  const dag = buildDag(nodes);
  const seconds = (ms: number): number => Math.round(ms) / 1_000;
  return {
    tasks: dag.taskCount,
    edges: dag.edgeCount,
    depth: dag.depth + 1,
    max_width: dag.maxWidth,
    critical_path_s: seconds(dag.criticalPath().totalMs),
    total_work_s: seconds(dag.totalWorkMs),
  };
}
