import { findRunDefinition, type Run } from "../../store/runs/runs.js";
import { specsOf, tasksToRead } from "../../store/tasks/revisions.js";
import type { Task, TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { fileProblems } from "../definitions/analysis.js";
import type { EngineContext } from "../context.js";
import { artifactRead } from "../expressions/names.js";
import { parseDefinition, type Step } from "../definitions/definition.js";
import { defined, type JsonObject } from "../../base/json.js";
import { ownProject, spaceOnDisk } from "../projects/projects.js";
import { type Problem, Problems } from "../../base/problems.js";
import { type LearnedEstimates, withEstimates } from "../steps/learned-estimates.js";
import type { RunGraph, Vertex } from "../graph/run-graph.js";
import { addGraphProblems, type StepLinks } from "../graph/problems.js";

/** New and changed tasks of a run, as steps in their normal form, by key. */
export interface Replanned {
  readonly steps: ReadonlyMap<string, Step>;
}

export interface Replanning {
  readonly run: Run;
  readonly graph: RunGraph;
  readonly problems: Problems;
  readonly estimates: LearnedEstimates | undefined;
}

/**
 * Holds a changed graph against the rules of a definition: new and changed steps are read as steps of one are, among the tasks that
 * there are; nothing may wait in a circle, and no expression read what no longer comes before it.
 */
export function* replan(ctx: EngineContext, { run, graph, problems, estimates }: Replanning): Tx<Replanned> {
  const written = [...graph.all()].filter((vertex) => vertex.written !== undefined);
  yield* fillUp(written);
  const around = [...graph.all()].filter((vertex) => vertex.written === undefined).map(linksOf);
  yield* addLostReads(run, graph, problems);
  if (written.length === 0) {
    const found = new Problems();
    addGraphProblems(around, ctx.settings, found);
    for (const problem of found.list()) problems.add(ofRun(problem, []));
    return { steps: new Map() };
  }
  const { inputs, defaults } = (yield* findRunDefinition(run.id)) ?? {};
  const definition: JsonObject = {
    name: run.name,
    ...(inputs === undefined ? {} : { inputs }),
    ...(defaults === undefined ? {} : { defaults }),
    steps: written.map((vertex) => ({ ...vertex.written, key: vertex.key, needs: [...vertex.needs] })),
  };
  const parsed = parseDefinition(definition, { limits: ctx.settings, around });
  if ("problems" in parsed) {
    for (const problem of parsed.problems) problems.add(ofRun(problem, written));
    return { steps: new Map() };
  }
  const outside = fileProblems(parsed.definition, spaceOnDisk(ctx, yield* ownProject(run)));
  for (const problem of outside) problems.add(ofRun(problem, written));
  return { steps: new Map(withEstimates(parsed.definition.steps, estimates).map((step) => [step.key, step])) };
}

/** The rule of a task that has begun, or is out of the graph since the run was taken back, has nothing left to decide. */
function linksOf({ key, needs, task, mutability }: Vertex): StepLinks {
  return { key, needs: [...needs], trigger: mutability === "open" ? task?.trigger : undefined };
}

/** Where the caller wrote it: `steps[2].prompt` of the run becomes `changes[0].step.prompt`. */
function ofRun(problem: Problem, written: readonly Vertex[]): Problem {
  const [, index, rest = ""] = /^steps\[(\d+)\](.*)$/s.exec(problem.path) ?? [];
  const vertex = index === undefined ? undefined : written[Number(index)];
  return { ...problem, path: vertex === undefined ? "changes" : `${vertex.path}${rest}` };
}

/** A task that is changed keeps all that the change does not say. */
function* fillUp(written: readonly Vertex[]): Tx<void> {
  const known = written.filter((vertex): vertex is Vertex & { task: Task } => vertex.task !== undefined);
  const specs = yield* specsOf(known.map(({ task }) => task.id));
  for (const vertex of known) {
    const spec = specs.get(vertex.task.id);
    if (!spec) throw new Error(`task ${vertex.task.id} has no spec`);
    vertex.written = { ...writtenOf(vertex.task, spec), ...vertex.written };
  }
}

/** Returns a task as its step would have been written. */
function writtenOf(task: Task, spec: TaskSpec): JsonObject {
  if (spec.dynamic) return asWritten(spec.dynamic.step);
  const { prompt, criteria, type, requires, not_by, prefer_by, resources, files, retry, timeouts, output } = spec;
  const { command, tool, review, compensate, parallelizable } = spec;
  const { cognitive_style, creativity, analytical_depth, collaboration, quality } = spec;
  return defined({
    kind: task.kind,
    title: task.title,
    trigger: task.trigger,
    role: task.role ?? undefined,
    phase: task.phase ?? undefined,
    type,
    estimate_ms: task.estimateMs,
    prompt,
    criteria,
    requires,
    not_by,
    prefer_by,
    cognitive_style,
    creativity,
    analytical_depth,
    collaboration,
    quality,
    resources,
    parallelizable,
    files,
    retry,
    timeouts,
    output,
    run: command?.run,
    cwd: command?.cwd,
    env: command?.env,
    shell: command?.shell,
    ...tool,
    review: review && { ...review },
    compensate: compensate && asWritten(compensate, FROM_THE_STEP),
  });
}

const KEPT_APART = ["key", "needs", "reads", "late", "deadline"] as const;
const FROM_THE_STEP = [...KEPT_APART, "trigger", "element"] as const;

/** A step in its normal form, without what the graph knows of it. */
function asWritten(step: Readonly<Record<string, unknown>>, without: readonly string[] = KEPT_APART): JsonObject {
  const { compensate, ...rest } = step;
  const undoing = compensate as Readonly<Record<string, unknown>> | undefined;
  const kept = Object.fromEntries(Object.entries(rest).filter(([field]) => !without.includes(field)));
  return defined({ ...kept, compensate: undoing && asWritten(undoing, FROM_THE_STEP) });
}

/** Expressions whose step is gone, or no longer comes before them. */
function* addLostReads(run: Run, graph: RunGraph, problems: Problems): Tx<void> {
  if (!graph.loosened) return;
  for (const { task, spec } of yield* tasksToRead(run.id)) {
    const vertex = graph.find(task.key);
    if (!vertex || vertex.written !== undefined) continue;
    for (const read of spec.dynamic?.reads ?? []) {
      if (artifactRead(read) !== undefined) continue;
      const gone = graph.find(read) === undefined;
      if (!gone && graph.comesBefore(read, task.key)) continue;
      const message = `"${task.key}" reads the result of "${read}", which ${gone ? "would be gone" : "would no longer come before it"}`;
      problems.add({ path: "changes", step: task.key, message });
    }
  }
}
