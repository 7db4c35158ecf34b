import { startOf } from "../../base/texts/stored-values.js";
import { silentSince } from "../../store/agents/agents.js";
import type { ClaimTarget } from "../../store/scheduling/lanes.js";
import {
  COUNTED_MAX,
  heldAtHand,
  type LaneAtHand,
  readyOfDemand,
  retriesAtHand,
  reservedAtHand,
  scopeKeptBack,
  waitsOf,
} from "../../store/scheduling/obstacles.js";
import { findTasks } from "../../store/tasks/lists.js";
import { openQuestions } from "../../store/tasks/server-steps.js";
import type { TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import { tasksNamed, workersOf } from "../../store/tasks/workers.js";
import type { EngineContext } from "../context.js";
import { conflictsOfScope } from "../locks/task-locks.js";
import type { Conflict } from "../locks/views.js";
import { commandObstacle } from "../policy/command-runners.js";
import { callObstacle } from "../breakers/servers.js";
import { QUEUED } from "../scheduling/queued.js";
import { isAlone } from "../lifecycle/run-state.js";
import { isExcluded, type Offer } from "../scheduling/demands.js";

// The sentences of claims that found nothing: each names what stands in the way, a few of each kind.

const NAMED_MAX = 3;
const TEXT_CHARS_MAX = 200;

interface Explained {
  readonly detail: string;
  /** When it ends by itself, as far as that is known. */
  readonly until: number | undefined;
}

export function paused(
  runs: readonly { readonly id: string; readonly name: string; readonly reason: string | null }[],
) {
  const names = [...new Map(runs.map((run) => [run.id, run])).values()].map(
    ({ id, name, reason }) => `run ${name} (${id}) is paused${reason === null ? "" : `: ${reason}`}`,
  );
  // A run that waits for its turn begins by itself.
  const advice = runs.every(({ reason }) => reason === QUEUED) ? "" : "; control_run with action resume goes on";
  return `${listed(names)}${advice}`;
}

/** Names agents; of a silent one it says that what it holds can be had. */
function* namesOf(agents: readonly string[]): Tx<(agent: string) => string> {
  const silent = yield* silentSince(agents);
  return (agent) => {
    const since = silent.get(agent);
    return since === undefined ? agent : `${agent} (silent since ${iso(since)}, gives way after a grace)`;
  };
}

export function* runAtCapacity(lane: LaneAtHand): Tx<string> {
  const { run, runName, maxParallel } = lane;
  const work = yield* workIn(run);
  if (isAlone(lane)) return `${work} runs alone in run ${runName} (${run}): nothing else of it begins before it ends`;
  return `run ${runName} (${run}) has as many tasks running as it may (max_parallel ${maxParallel}): ${work}`;
}

/** Says of the first task of a lane, which runs alone, what is running in its run. */
export function* waitsAlone(lane: LaneAtHand): Tx<string> {
  const { run, runName } = lane;
  const [first] = yield* readyOfDemand(lane, 1);
  return `${first?.task.key ?? "a task"} runs alone in run ${runName} (${run}), and waits until what is running there has ended: ${yield* workIn(run)}`;
}

function* workIn(run: string): Tx<string> {
  const held = yield* heldAtHand({ run }, NAMED_MAX + 1);
  const named = yield* namesOf(held.map(({ agent }) => agent));
  return listed(held.map(({ key, agent }) => `${key} by ${named(agent)}`));
}

/** Names the locks in the way of the first task of each lane: those of claims too, which end with their task. */
export function* lockedOut(ctx: EngineContext, agent: string, lanes: readonly LaneAtHand[]): Tx<Explained> {
  const inTheWay = new Map<string, Conflict>();
  for (const lane of lanes.slice(0, NAMED_MAX)) {
    const kept = yield* scopeKeptBack(lane);
    if (kept === undefined) continue;
    const { project, scope } = kept;
    const conflicts = (yield* conflictsOfScope(ctx, { project: { id: project }, scope, agent })) ?? [];
    for (const one of conflicts) inTheWay.set(`${one.path} ${one.held_by}`, one);
  }
  const conflicts = [...inTheWay.values()];
  const named = yield* namesOf(conflicts.map(({ held_by }) => held_by));
  const giving = yield* preemptedAmong(conflicts.flatMap(({ task }) => task ?? []));
  const names = conflicts.map(({ path, held_by, task, expires_at, state }) => {
    const until = expires_at !== null && Date.parse(expires_at) > ctx.now ? ` until ${expires_at}` : undefined;
    const gives = task !== undefined && giving.has(task) ? ", which is asked to give way" : "";
    const ended = task === undefined ? "" : ` until it ends task ${task}${gives}`;
    return `${path} is ${state === "queued" ? "waited for" : state} by ${named(held_by)}${until ?? ended}`;
  });
  const ends = conflicts.flatMap(({ expires_at }) => (expires_at === null ? [] : [Date.parse(expires_at)]));
  const until = earliestOf(ends.filter((at) => at > ctx.now));
  return names.length === 0
    ? { detail: "ready tasks need files that others hold", until }
    : { detail: `ready tasks need files that others hold: ${listed(names)}`, until };
}

/** Returns those of these tasks that are to give way. */
function* preemptedAmong(tasks: readonly string[]): Tx<Set<string>> {
  const found = tasks.length === 0 ? [] : yield* findTasks([...new Set(tasks)]);
  return new Set(found.flatMap(({ id, orders }) => (orders === "preempted" ? id : [])));
}

export function* reserved(now: number, lanes: readonly LaneAtHand[]): Tx<Explained> {
  const tasks = [];
  for (const lane of lanes.slice(0, NAMED_MAX)) tasks.push(...(yield* reservedAtHand(lane, now, NAMED_MAX + 1)));
  const names = tasks.map(
    ({ key, reservedFor, reservedUntil }) => `${key} is reserved for ${reservedFor} until ${iso(reservedUntil)}`,
  );
  return { detail: listed(names), until: earliestOf(tasks.map(({ reservedUntil }) => reservedUntil)) };
}

/** Counts the roles, capabilities and agents that ready tasks ask for and the offer lacks, and names those that are to be done by another agent. */
export function* notOffered(offer: Offer, lanes: readonly LaneAtHand[]): Tx<string> {
  const wanted = new Map<string, number>();
  const add = (what: string, ready: number): void => void wanted.set(what, (wanted.get(what) ?? 0) + ready);
  for (const { demand, ready } of lanes) {
    if (demand.role !== null && !offer.roles.has(demand.role)) add(`role ${demand.role}`, ready);
    for (const one of demand.requires) if (!offer.capabilities.has(one)) add(`capability ${one}`, ready);
    if (demand.reservedFor !== null && demand.reservedFor !== offer.agent) add(`agent ${demand.reservedFor}`, ready);
  }
  const most = [...wanted].toSorted(([, a], [, b]) => b - a);
  const shown = most.map(([what, count]) => `${what} (${count > COUNTED_MAX ? `over ${COUNTED_MAX}` : count})`);
  const lacking = `ready tasks ask for what ${offer.agent} does not offer: ${listed(shown)}`;
  const excluded: string[] = [];
  for (const lane of lanes.filter(({ demand }) => isExcluded(offer, demand)).slice(0, NAMED_MAX))
    excluded.push(...(yield* excludedFrom(offer, lane)));
  if (excluded.length === 0) return lacking;
  return most.length === 0 ? listed(excluded) : `${lacking}; ${listed(excluded)}`;
}

/** How agents on one connection may check each other's work. */
export const OTHER_HANDLES =
  " (to admit other handles of one connection: update_project with config {reviewers: handle})";

/** Names tasks that an agent may not take because of not_by, and who worked on what they check. */
function* excludedFrom(offer: Offer, lane: LaneAtHand): Tx<string[]> {
  const named: string[] = [];
  for (const { task, spec } of yield* readyOfDemand(lane, NAMED_MAX + 1)) {
    const keys = (spec.not_by ?? []).slice(0, NAMED_MAX);
    const checked: string[] = [];
    for (const key of keys) checked.push(...(yield* tasksNamed(task.run, key)));
    const workers = new Set((yield* workersOf(checked.slice(0, CHECKED_MAX))).map(({ agent }) => agent));
    const shared = workers.has(offer.agent)
      ? ""
      : `; ${offer.agent} shares a connection with one of them${OTHER_HANDLES}`;
    named.push(
      `${task.key} excludes who worked on ${listed(keys)} (not_by), and their connections: ${listed([...workers])}${shared}`,
    );
  }
  return named;
}

/** Tasks whose workers are named: a for_each step may have thousands. */
const CHECKED_MAX = 20;

/** Says of commands and tool calls that are ready why no server carries them out, or that one will. */
export function* served(ctx: EngineContext, lanes: readonly LaneAtHand[]): Tx<{ detail: string; waits: boolean }> {
  const names: string[] = [];
  let isWaiting = false;
  for (const { run, demand } of lanes.filter((lane) => lane.demand.executor !== "agent").slice(0, NAMED_MAX + 1)) {
    const [first] = yield* readyOfDemand({ run, demand }, 1);
    const line = demand.command ?? "";
    const isCommand = demand.executor === "command";
    const obstacle = isCommand
      ? yield* commandObstacle(ctx, { project: demand.project, run, line })
      : yield* callObstacle(ctx, { run, line });
    isWaiting ||= obstacle !== undefined;
    const what = isCommand ? "command" : "tool call";
    names.push(
      `${first?.task.key ?? what} is a ${what} that ${obstacle ? `waits: ${obstacle.detail}` : "a server runs"}`,
    );
  }
  return { detail: listed(names), waits: isWaiting };
}

/** Names the agents at work with their tasks, and whether those are plans. */
export function* working(target: ClaimTarget): Tx<{ detail: string; planning: boolean } | undefined> {
  const held = yield* heldAtHand(target, NAMED_MAX + 1);
  if (held.length === 0) return undefined;
  const named = yield* namesOf(held.map(({ agent }) => agent));
  const names = held.map(({ key, agent, startedAt, runName, kind, orders }) => {
    if (orders !== null) return `${named(agent)} is asked to stop ${key} of run ${runName}, which is cancelled`;
    const what = kind === "plan" ? `makes the plan of run ${runName}` : `works on ${key} of run ${runName}`;
    return `${named(agent)} ${what}${startedAt === null ? "" : ` since ${iso(startedAt)}`}`;
  });
  return { detail: listed(names), planning: held.every(({ kind }) => kind === "plan") };
}

/** The questions that a person is asked. */
export function* asked(target: ClaimTarget): Tx<string | undefined> {
  const where = "run" in target ? { run: target.run } : { project: target.project };
  const questions = yield* openQuestions({ ...where, limit: NAMED_MAX + 1 });
  if (questions.length === 0) return undefined;
  const names = questions.map(({ task, spec }) => {
    const since = task.startedAt === null ? "" : ` since ${iso(task.startedAt)}`;
    return `${task.key} asks a person${since}: ${cut(spec.ask ?? task.title)}`;
  });
  return listed(names);
}

/** The failed tasks that are tried again, and when. */
export function* retries(
  now: number,
  targets: readonly ClaimTarget[],
): Tx<{ detail: string | undefined; until: number | undefined }> {
  const found = [];
  for (const target of targets) found.push(...(yield* retriesAtHand(target, now, NAMED_MAX + 1)));
  const soon = found.toSorted((a, b) => a.availableAt - b.availableAt);
  const names = soon.map(
    ({ key, availableAt, runName }) => `${key} of run ${runName} failed and is tried again at ${iso(availableAt)}`,
  );
  return { detail: names.length === 0 ? undefined : listed(names), until: soon[0]?.availableAt };
}

/** The timers, events and child runs that tasks wait for. */
export function* waits(
  runs: readonly string[],
  now: number,
): Tx<{ detail: string | undefined; until: number | undefined }> {
  const found: TaskAndSpec[] = [];
  for (const run of runs) found.push(...(yield* waitsOf(run, NAMED_MAX + 1)));
  const names = found.map(({ task: { key, kind, reasons }, spec }) => {
    if (reasons[0] !== undefined) return `${key}: ${reasons[0].detail}`;
    if (kind === "workflow") return `${key} waits for its run of ${spec.workflow ?? "a workflow"}`;
    const until =
      spec.until === undefined ? undefined : spec.until > now ? `until ${iso(spec.until)}` : "for the server";
    const event = spec.event === undefined ? undefined : `for the event ${spec.event}`;
    return `${key} waits ${[event, until].filter((one) => one !== undefined).join(", or ")}`;
  });
  const ends = found.flatMap(({ spec }) => (spec.until !== undefined && spec.until > now ? [spec.until] : []));
  return { detail: names.length === 0 ? undefined : listed(names), until: earliestOf(ends) };
}

/** Returns the earliest of the instants that are known. */
export function earliestOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return `${names.slice(0, NAMED_MAX).join("; ")}${more > 0 ? "; and more" : ""}`;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= TEXT_CHARS_MAX ? line : `${startOf(line, TEXT_CHARS_MAX)}…`;
}
