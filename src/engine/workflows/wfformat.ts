import { NO_FILES, type ScopePaths } from "../../store/scheduling/file-sets.js";
import { TITLE_CHARS_MAX } from "../../base/limits.js";
import { startOf } from "../../base/texts/stored-values.js";
import { z } from "zod";
import { buildDag, type GraphNode } from "../graph/dag.js";
import type { JsonObject } from "../../base/json.js";
import { DURATION_MS_MAX } from "../../base/durations.js";
import { BatonError } from "../../base/errors.js";
import { ImportedFiles } from "./import-files.js";
import { hint, nameFrom } from "../../base/names.js";
import { missingFirst, Problems, problemsError, zodProblems } from "../../base/problems.js";
import type { Settings } from "../../base/settings.js";
import { addGraphProblems } from "../graph/problems.js";

/**
 * WfFormat 1.5, in which WfCommons keeps traces of real workflows (wfcommons.org; Coleman et al., "WfCommons: A framework for
 * enabling scientific workflow research and development", FGCS 128, 2022): what of it becomes a definition. Everything else that
 * a file may hold is left. What may be absent may be null too: generators differ.
 */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
const id = z.string().min(1).max(4_096);
// The format lets an empty text stand among names: it names nothing.
const ids = optional(z.array(z.string().max(4_096))).transform((some = []) => some.filter((one) => one !== ""));
const specified = z.looseObject({
  id,
  name: optional(z.string().max(4_096)),
  parents: ids,
  children: ids,
  inputFiles: ids,
  outputFiles: ids,
});
const SECONDS_MAX = DURATION_MS_MAX / 1_000;
const executed = z.looseObject({
  id,
  runtimeInSeconds: optional(z.number().min(0).max(SECONDS_MAX, { error: "is more than ten years" })),
  command: optional(z.looseObject({ program: optional(z.string()), arguments: optional(z.array(z.unknown())) })),
});
const document = z.looseObject({
  name: z.string().min(1),
  description: optional(z.string()),
  workflow: z.looseObject({
    specification: z.looseObject({ tasks: z.array(specified).min(1) }),
    execution: optional(z.looseObject({ tasks: optional(z.array(executed)) })),
  }),
});

const VERSION = "1.5";

type Specified = z.output<typeof specified>;
type Executed = z.output<typeof executed>;

export interface Imported {
  readonly definition: JsonObject;
  readonly figures: ReturnType<typeof figuresOf>;
  /** Files beyond the number a step may declare, in all: no step locks them. */
  readonly filesLeftOut: number;
  /** Tasks without a recorded runtime: as work of no length they stand in the figures. */
  readonly withoutRuntime: number;
  /** Recorded tasks that are none of the workflow's. */
  readonly strayRuntimes: number;
}

type Limits = Pick<Settings, "open_tasks_max" | "depth_max" | "patterns_max" | "payload_bytes_max">;

/**
 * A definition of a file in WfFormat 1.5: its tasks are steps for agents, its runtimes estimates, its files scopes (what is read
 * shared, what is written exclusive). Errors: `invalid_input` with every problem for what is no JSON, no WfFormat, names
 * tasks that are none, or is cyclic; `limit_exceeded`.
 */
export function readWfFormat(text: string, limits: Limits): Imported {
  const parsed = parsedJson(text);
  requireVersion(parsed);
  const read = document.safeParse(parsed, { error: missingFirst });
  if (!read.success) throw problemsError("Not a workflow in WfFormat 1.5", zodProblems(read.error));
  const { name, description, workflow } = read.data;
  const { tasks } = workflow.specification;
  requireFew(tasks, limits);
  const names = idsByName(tasks);
  const runs = new Map((workflow.execution?.tasks ?? []).map((task) => [names.get(task.id) ?? task.id, task]));
  const needs = needsOf(tasks, names, limits);
  const keys = keysOf(tasks);
  const scopes = scopesOf(tasks, limits);
  const steps = tasks.map((task, index) =>
    stepOf(task, {
      keys,
      needs: needs.get(task.id) ?? new Set(),
      run: runs.get(task.id),
      files: scopes.files[index] ?? NO_FILES,
    }),
  );
  const nodes = tasks.map((task) => ({
    key: task.id,
    needs: [...(needs.get(task.id) ?? [])],
    weightMs: (runs.get(task.id)?.runtimeInSeconds ?? 0) * 1_000,
  }));
  const said = description === undefined ? {} : { description: plainText(description, DESCRIPTION_CHARS_MAX) };
  return {
    definition: { name: nameFrom(name, "imported"), ...said, steps },
    figures: figuresOf(nodes),
    filesLeftOut: scopes.leftOut,
    withoutRuntime: tasks.filter((task) => runs.get(task.id)?.runtimeInSeconds === undefined).length,
    strayRuntimes: [...runs.keys()].filter((task) => !keys.has(task)).length,
  };
}

function parsedJson(text: string): unknown {
  try {
    // Some editors put a mark at the beginning of a file.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BatonError("invalid_input", `Invalid JSON: ${error.message}.`);
  }
}

/** Before all else: in another version everything is elsewhere, and that is not worth a list. */
function requireVersion(parsed: unknown): void {
  const version = typeof parsed === "object" && parsed !== null && "schemaVersion" in parsed && parsed.schemaVersion;
  if (version === VERSION) return;
  const said = version === false ? "is required" : `is ${startOf(JSON.stringify(version), 50)}`;
  const older = typeof version === "string" && /^1\.[0-4]$/.test(version);
  const advice = older ? "; WfFormat's own wfcommons-migrate-instance.py brings older files up to it" : "";
  const message = `${said}: what is read is the text "${VERSION}"${advice}`;
  throw problemsError("Not a workflow in WfFormat 1.5", [{ path: "schemaVersion", message }]);
}

function requireFew(tasks: readonly Specified[], limits: Limits): void {
  if (tasks.length <= limits.open_tasks_max) return;
  const message = `${tasks.length} tasks, the limit is ${limits.open_tasks_max}`;
  throw problemsError("The workflow cannot be imported", [{ path: TASKS, message, limit: true }]);
}

const TASKS = "workflow.specification.tasks";

/**
 * Maps the references a task can be named by: its id, or a name that only it has and that is no other task's id. Some
 * generators refer by name.
 */
function idsByName(tasks: readonly Specified[]): Map<string, string> {
  const byName = new Map<string, string | undefined>();
  for (const { id: own, name } of tasks) {
    if (name !== undefined) byName.set(name, byName.has(name) ? undefined : own);
  }
  const known = new Map(tasks.map((task) => [task.id, task.id]));
  for (const [name, own] of byName) if (own !== undefined && !known.has(name)) known.set(name, own);
  return known;
}

/**
 * Returns the dependencies of each task, which the file states at the task, at those before it, or at both. Errors as
 * of `readWfFormat`.
 */
function needsOf(
  tasks: readonly Specified[],
  names: ReadonlyMap<string, string>,
  limits: Limits,
): Map<string, Set<string>> {
  const problems = new Problems();
  const needs = new Map<string, Set<string>>();
  const firstAt = new Map<string, number>();
  tasks.forEach(({ id: own }, index) => {
    const first = firstAt.get(own);
    if (first === undefined) firstAt.set(own, index);
    else problems.add({ path: `${TASKS}[${index}].id`, message: `tasks[${first}] has the id "${own}" already` });
    needs.set(own, new Set());
  });
  const referred = (reference: string, path: string): string | undefined => {
    const found = names.get(reference);
    if (found !== undefined) return found;
    const meant = problems.full ? "" : hint(reference, firstAt.keys());
    problems.add({ path, message: `"${startOf(reference, 200)}" is not a task${meant}` });
    return undefined;
  };
  tasks.forEach(({ id: own, parents, children }, index) => {
    for (const parent of parents) {
      const found = referred(parent, `${TASKS}[${index}].parents`);
      if (found !== undefined) needs.get(own)?.add(found);
    }
    for (const child of children) {
      const found = referred(child, `${TASKS}[${index}].children`);
      if (found !== undefined) needs.get(found)?.add(own);
    }
  });
  if (problems.count === 0) {
    const links = tasks.map(({ id: key }) => ({ key, needs: [...(needs.get(key) ?? [])], trigger: undefined }));
    addGraphProblems(links, limits, problems);
  }
  if (problems.count > 0) throw problemsError("The workflow cannot be imported", problems.list());
  return needs;
}

/** A key for each task: its id as far as a key may look like it, with a number where two would be the same. */
function keysOf(tasks: readonly Specified[]): Map<string, string> {
  const taken = new Set<string>();
  // Where the next number is looked for: ten thousand ids may come to the same key.
  const numbers = new Map<string, number>();
  const keys = new Map<string, string>();
  for (const task of tasks) {
    const base = nameFrom(task.id, "task").slice(0, KEY_CHARS_MAX);
    let key = base;
    let number = numbers.get(base) ?? 2;
    for (; taken.has(key); number++) key = `${base}-${number}`;
    numbers.set(base, number);
    taken.add(key);
    keys.set(task.id, key);
  }
  return keys;
}

const KEY_CHARS_MAX = 90;

interface StepContext {
  readonly keys: ReadonlyMap<string, string>;
  readonly needs: ReadonlySet<string>;
  readonly run: Executed | undefined;
  readonly files: ScopePaths;
}

function stepOf(task: Specified, { keys, needs, run, files }: StepContext): JsonObject {
  const seconds = run?.runtimeInSeconds;
  return {
    key: keys.get(task.id) ?? task.id,
    title: plainText(nameOf(task), TITLE_CHARS_MAX),
    prompt: promptOf(task, run),
    ...(needs.size === 0 ? {} : { needs: [...needs].map((need) => keys.get(need) ?? need) }),
    ...(files.write.length + files.read.length === 0 ? {} : { files }),
    ...(seconds === undefined ? {} : { estimate_ms: Math.round(seconds * 1_000) }),
  };
}

function nameOf({ id: own, name }: Specified): string {
  return name === undefined || name.trim() === "" ? own : name;
}

const COMMAND_CHARS_MAX = 20_000;
const DESCRIPTION_CHARS_MAX = 10_000;

function promptOf(task: Specified, run: Executed | undefined): string {
  const { program, arguments: given } = run?.command ?? {};
  const words = (given ?? []).map((word) => (typeof word === "string" ? word : JSON.stringify(word)));
  const line = program === undefined ? "" : ` As it was recorded: ${[program, ...words].join(" ")}`;
  return plainText(`Carry out ${nameOf(task)}.${line}`, COMMAND_CHARS_MAX);
}

/** No text of a file is an expression. */
export function plainText(text: string, charsMax: number): string {
  const inert = startOf(text, charsMax).replaceAll("${{", "$ {{");
  const fits = text.length <= charsMax && inert.length <= charsMax;
  return fits ? inert : `${startOf(inert, charsMax - 1)}…`;
}

/**
 * Returns the files each task writes and reads. Files beyond a step's bound are left out from the end: first those
 * without a writer, since no two tasks can clash over them.
 */
function scopesOf(tasks: readonly Specified[], limits: Limits): { files: ScopePaths[]; leftOut: number } {
  const names = new ImportedFiles();
  const bytesMax = limits.payload_bytes_max / 2;
  const all = tasks.map((task) => {
    const write = names.pathsOf(task.outputFiles);
    const own = new Set(write);
    return { write, read: names.pathsOf(task.inputFiles).filter((path) => !own.has(path)) };
  });
  const written = new Set(all.flatMap(({ write }) => write));
  let leftOut = 0;
  const files = all.map(({ write, read }) => {
    const first = [...write, ...read.filter((path) => written.has(path)), ...read.filter((path) => !written.has(path))];
    const kept = new Set<string>();
    let bytes = 0;
    for (const path of first) {
      bytes += Buffer.byteLength(path) + 3;
      if (kept.size >= limits.patterns_max || bytes > bytesMax) break;
      kept.add(path);
    }
    leftOut += first.length - kept.size;
    return { write: write.filter((path) => kept.has(path)), read: read.filter((path) => kept.has(path)) };
  });
  return { files, leftOut };
}

/** Figures of an imported file's graph. Runtimes as recorded, in seconds. */
function figuresOf(nodes: readonly GraphNode[]) {
  const dag = buildDag(nodes);
  const seconds = (ms: number): number => Math.round(ms) / 1_000;
  return {
    tasks: dag.taskCount,
    edges: dag.edgeCount,
    // Levels: the tasks of the longest path in edges.
    depth: dag.depth + 1,
    // The tasks of the largest level.
    max_width: dag.maxWidth,
    critical_path_s: seconds(dag.criticalPath().totalMs),
    total_work_s: seconds(dag.totalWorkMs),
  };
}
