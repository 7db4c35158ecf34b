import { endTasks } from "../../store/tasks/transitions.js";
import { phasesNotBegun } from "../../store/tasks/phases.js";
import { rewriteTask, saveSpec, startWaiting } from "../../store/tasks/server-steps.js";
import { type Signal, consumeSignal } from "../../store/signals/signals.js";
import { saveDemands } from "../../store/scheduling/lanes.js";
import { findTaskAndSpec, type Dynamic, type Task, type TaskSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { completeByServer, failByServer } from "./server-attempts.js";
import { bareSource } from "../definitions/expression-checks.js";
import type { Step } from "../definitions/definition.js";
import { demandOf, withUnreserved } from "../scheduling/demands.js";
import { parseDuration } from "../../base/durations.js";
import { BatonError } from "../../base/errors.js";
import { evaluate, EvaluationFailed, type Values } from "../expressions/expressions.js";
import { gatherElements, spreadElements } from "./for-each.js";
import { askedBy, specOf } from "../steps/instantiate.js";
import { checkpointBefore, checkpointSoon, type TurningPoint } from "../snapshots/automatic.js";
import { startOf } from "../../base/texts/stored-values.js";
import { earliest, INSTANT_RULE, isoOrNull, parseInstant } from "../../base/time.js";
import { ownProject, type Project } from "../projects/projects.js";
import { readyTasks, reserveFor } from "./ready.js";
import { reviewChecks } from "../steps/required-reviews.js";
import { takersOf } from "../steps/takers.js";
import type { RunChange } from "./run-change.js";
import { saveFileSets } from "../paths/file-sets.js";
import type { Settled } from "./machines.js";
import { budgetValues } from "../steps/budget-values.js";
import { listed, unfitness } from "../steps/output.js";
import { filledIn, isServerKind, StepValues } from "../steps/values.js";
import { fillIn } from "../expressions/interpolation.js";

/** Tasks that became ready, and tasks that settled at once. */
export interface Activated {
  readonly ready: Task[];
  readonly settled: Settled[];
}

/**
 * Activates pending tasks whose trigger rule holds. Most become ready; a false condition skips its task, a list becomes one task for
 * each element, and the server does its own steps, or they wait. An expression that fails ends its task alone.
 */
export function* activateTasks(change: RunChange, tasks: readonly Task[]): Tx<Activated> {
  yield* checkpoint(change, tasks);
  const wave: Wave = { change, ready: [], settled: [], claimable: [], demands: new Set() };
  let open = tasks;
  while (open.length > 0) {
    const next: Task[] = [];
    for (const task of open) {
      const found = task.readsSpecOnStart ? yield* findTaskAndSpec(task.id) : undefined;
      if (found?.spec.dynamic === undefined) wave.claimable.push(task);
      else next.push(...(yield* activateOne(wave, { task, spec: found.spec, dynamic: found.spec.dynamic })));
    }
    open = next;
  }
  wave.ready.push(...(yield* readyTasks(change, wave.claimable)));
  return wave;
}

/** Saves a checkpoint before the first phases, and before the first gate and human steps, that a change activates. */
function* checkpoint(change: RunChange, tasks: readonly Task[]): Tx<void> {
  const { run, failures, checkpointed } = change;
  if (checkpointed === "restored") return;
  const phases = yield* phasesNotBegun(run.id, new Set(tasks.flatMap(({ phase }) => phase ?? [])));
  const gates = tasks.filter(({ kind }) => kind === "gate" || kind === "human").map(({ key }) => key);
  const point: TurningPoint =
    phases.length > 0
      ? { run, failures, kind: "phase", beginning: phases }
      : { run, failures, kind: "gate", beginning: gates };
  if (point.beginning.length === 0 || (checkpointed !== undefined && point.kind === "gate")) return;
  // A second phase of one change begins behind steps of the server alone: one copy is made within the transaction.
  if (checkpointed === "phase") return yield* checkpointSoon(change.ctx, point);
  change.checkpointed = point.kind;
  change.append(yield* checkpointBefore(change.ctx, point));
}

/** Tasks that are activated together: what several of them need is read once. */
interface Wave extends Activated {
  readonly change: RunChange;
  /** Made ready together at the end. */
  readonly claimable: Task[];
  /** Ids of the demands that are saved. */
  readonly demands: Set<string>;
  source?: { readonly project: Project; readonly values: StepValues };
}

function* sourceOf(wave: Wave): Tx<NonNullable<Wave["source"]>> {
  if (wave.source) return wave.source;
  const { run, cost } = wave.change;
  const project = yield* ownProject(run);
  const budget = yield* budgetValues(run, cost);
  return (wave.source = { project, values: new StepValues(wave.change, project, budget) });
}

interface Activation {
  readonly task: Task;
  readonly spec: TaskSpec;
  readonly dynamic: Dynamic;
}

/** Returns the tasks of its elements that are to be activated next. */
function* activateOne(wave: Wave, activation: Activation): Tx<readonly Task[]> {
  const { change, settled } = wave;
  const { task, spec, dynamic } = activation;
  try {
    if (dynamic.elements !== undefined) {
      settled.push(yield* completeByServer(change, task, { result: yield* gatherElements(change.ctx, task.id) }));
      return [];
    }
    // The stored JSON of a Step.
    const step = dynamic.step as unknown as Step;
    const source = yield* sourceOf(wave);
    const values = { ...(yield* source.values.with(dynamic.reads, spec.inputs)), ...step.element };
    if (step.if !== undefined && !condition(step.if, values)) {
      settled.push(yield* skipTask(change, task, step.if));
      return [];
    }
    if (step.for_each === undefined) {
      yield* activateStep(wave, { ...activation, step, values });
      return [];
    }
    const elements = yield* spreadElements(change, { task, step, spec, values, project: source.project });
    if (elements.length === 0) {
      yield* saveSpec(task.id, { ...spec, dynamic: { ...dynamic, elements: 0 } });
      settled.push(yield* completeByServer(change, task, { result: [] }));
    }
    wave.ready.push(...elements.filter(({ status }) => status === "ready"));
    return elements.filter(({ status }) => status === "pending");
  } catch (error) {
    settled.push(yield* failByServer(change, task, { error: expressionError(error) }));
    return [];
  }
}

/** The error of a task whose expressions fail. Rethrows errors that are not about the definition or its values. */
function expressionError(error: unknown): { type: string; message: string } {
  if (error instanceof EvaluationFailed) return { type: "expression_failed", message: error.message };
  if (error instanceof BatonError && (error.code === "invalid_input" || error.code === "limit_exceeded"))
    return { type: error.code, message: error.message };
  throw error;
}

function condition(source: string, values: Values): boolean {
  const value = evaluate(source, values);
  if (typeof value === "boolean") return value;
  throw new EvaluationFailed(source, `must be true or false, and is ${shortJson(value)}`);
}

function* skipTask(change: RunChange, task: Task, source: string): Tx<Settled> {
  const reasons = [{ kind: "condition", detail: `\`${source}\` is false`, blocking: [] }];
  yield* endTasks([task.id], { from: "pending", to: "skipped", at: change.ctx.now, reasons });
  change.move(task, "skipped");
  change.recordTask(task, "task.skipped", { reasons });
  return { task: { ...task, status: "skipped", reasons, endedAt: change.ctx.now }, as: "skipped" };
}

interface StepActivation extends Activation {
  readonly step: Step;
  readonly values: Values;
}

function* activateStep(wave: Wave, activation: StepActivation): Tx<void> {
  const { change, settled } = wave;
  const { task, step, values } = activation;
  const filled = filledIn(step, values);
  if (step.kind === "gate") {
    settled.push(yield* passGate(change, task, { step, values }));
    return;
  }
  const rewritten = yield* rewrite(wave, activation, filled);
  if (!isServerKind(step.kind)) {
    wave.claimable.push(rewritten.task);
    return;
  }
  const ended = yield* startToWait(change, { ...activation, ...rewritten, step: filled });
  if (ended) settled.push(ended);
}

/** Rewrites a task with the values of its expressions. */
function* rewrite(wave: Wave, before: Activation, filled: Step): Tx<{ task: Task; spec: TaskSpec }> {
  const { task, dynamic } = before;
  const { project } = yield* sourceOf(wave);
  const { demand: asked, scope, paths } = askedBy(wave.change.ctx, project, filled);
  const { notBy, preferred } = yield* takersOf(task.run, filled, project);
  // A reservation made while it was pending stays.
  const reservedFor = task.reservedFor ?? preferred ?? null;
  const demand = demandOf({ ...asked, notBy, reservedFor });
  if (scope !== "") yield* saveFileSets(project, new Map([[scope, paths]]));
  if (!wave.demands.has(demand.id)) yield* saveDemands(withUnreserved(demand));
  wave.demands.add(demand.id);
  const { inputs } = before.spec;
  const spec: TaskSpec = { ...specOf(filled), ...(inputs && { inputs }), dynamic };
  yield* rewriteTask({ id: task.id, title: filled.title, demand: demand.id, scope, spec });
  // Only the timeouts that begin when it is ready are still to be read.
  const { schedule_to_start, schedule_to_close } = spec.timeouts;
  const timed = schedule_to_start !== undefined || schedule_to_close !== undefined;
  const readsSpecOnStart = timed || spec.not_by !== undefined;
  const after: Task = { ...task, title: filled.title, demand: demand.id, scope, readsSpecOnStart };
  const reserves = task.reservedFor === null && preferred !== undefined;
  return { task: reserves ? yield* reserveFor(wave.change, after, preferred) : after, spec };
}

function* passGate(
  change: RunChange,
  task: Task,
  { step: { checks = [], reviews }, values }: { step: Step; values: Values },
): Tx<Settled> {
  const held = checks.map((check) => {
    const source = bareSource(check);
    return { check: source, passed: condition(source, values) };
  });
  const results = [...held, ...(reviews === undefined ? [] : yield* reviewChecks(task.run, reviews))];
  const failed = results.filter(({ passed }) => !passed).map(({ check }) => `\`${check}\``);
  if (failed.length === 0) return yield* completeByServer(change, task, { result: { checks: results } });
  const mend = held.every(({ passed }) => passed) ? " (request_review, then replay_dead_letter of this gate)" : "";
  const message = `${failed.length} of ${results.length} checks do not hold: ${failed.join(", ")}${mend}`;
  return yield* failByServer(change, task, { error: { type: "gate_failed", message } });
}

/** pending → waiting, until an instant, an event or a decision. An event that has arrived already ends the task at once. */
function* startToWait(change: RunChange, activation: StepActivation): Tx<Settled | undefined> {
  const { ctx } = change;
  const { task, spec, step, values } = activation;
  if (step.event !== undefined) {
    const signal = yield* consumeSignal(task.run, task.id, step.event);
    if (signal) return yield* settleBySignal(change, { task, spec, signal, event: step.event });
  }
  const until = untilOf(step, values, ctx.now);
  if (until !== undefined) yield* saveSpec(task.id, { ...spec, until });
  const within = step.timeouts.schedule_to_close;
  const closeBy = within === undefined ? null : ctx.now + within;
  // A child run starts in a transaction of its own: its first step may start a child run too.
  const startAt = step.kind === "workflow" ? ctx.now : null;
  if (startAt !== null) ctx.onDue?.();
  yield* startWaiting({ task: task.id, at: ctx.now, dueAt: earliest(until, closeBy, startAt), closeBy });
  change.move(task, "waiting");
  change.recordTask(task, "task.waiting", { kind: task.kind, ...waitsFor(step, until) });
  return undefined;
}

/** Ends a task with an event that arrived before its step: its sender could not be told that the payload does not fit. */
function* settleBySignal(
  change: RunChange,
  taken: { task: Task; spec: TaskSpec; event: string; signal: Pick<Signal, "payload" | "createdBy"> },
): Tx<Settled> {
  const { task, spec, event, signal } = taken;
  const result = { event, payload: signal.payload };
  const problems = unfitness(spec, result);
  const by = signal.createdBy;
  if (problems.length === 0) return yield* completeByServer(change, task, { result, by });
  const message = `the event ${event}, kept for this step, does not fit its output schema: ${listed(problems)}`;
  return yield* failByServer(change, task, { error: { type: "invalid_output", message }, by });
}

function waitsFor({ ask, workflow, event }: Step, until: number | undefined): Record<string, unknown> {
  if (ask !== undefined) return { ask };
  return workflow === undefined ? { until: isoOrNull(until ?? null), event: event ?? null } : { workflow };
}

/** When a timer fires, in ms since the epoch. */
function untilOf(step: Step, values: Values, now: number): number | undefined {
  if (step.for !== undefined) {
    const span = typeof step.for === "string" ? fillIn(step.for, values) : step.for;
    const ms = typeof span === "string" || typeof span === "number" ? parseDuration(span) : undefined;
    if (ms === undefined) throw new EvaluationFailed(String(step.for), `is not a duration: ${shortJson(span)}`);
    return now + ms;
  }
  if (step.until === undefined) return undefined;
  const instant = fillIn(step.until, values);
  const at = typeof instant === "number" ? instant : parseInstant(String(instant));
  if (at !== undefined && Math.abs(at) <= INSTANT_MS_MAX) return at;
  throw new EvaluationFailed(step.until, `is not an instant: ${shortJson(instant)}; it must be ${INSTANT_RULE}`);
}

/** The last instant that a date can hold (ECMA-262, time values). */
const INSTANT_MS_MAX = 8_640_000_000_000_000;

function shortJson(value: unknown): string {
  return startOf(JSON.stringify(value), 100);
}
