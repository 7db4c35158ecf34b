import { startOf } from "../../base/texts/stored-values.js";
import { silentSince } from "../../store/agents/agents.js";
import { locksOfRequests } from "../../store/locks/locks.js";
import type { ClaimTarget } from "../../store/scheduling/lanes.js";
import {
  COUNTED_MAX,
  heldAtHand,
  type LaneAtHand,
  requestsInTheWay,
  reservedAtHand,
  waitsOf,
} from "../../store/scheduling/obstacles.js";
import { openQuestions } from "../../store/tasks/server-steps.js";
import type { TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import { isExcluded, type Offer, unmet } from "../scheduling/demands.js";

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
  return `${listed(names)}; control_run with action resume goes on`;
}

/** Names agents; of a silent one it says that what it holds can be had. */
function* namesOf(agents: readonly string[]): Tx<(agent: string) => string> {
  const silent = yield* silentSince(agents);
  return (agent) => {
    const since = silent.get(agent);
    return since === undefined ? agent : `${agent} (silent since ${iso(since)}, gives way after a grace)`;
  };
}

export function* runAtCapacity({ run, runName, maxParallel }: LaneAtHand): Tx<string> {
  const held = yield* heldAtHand({ run }, NAMED_MAX + 1);
  const named = yield* namesOf(held.map(({ agent }) => agent));
  const work = listed(held.map(({ key, agent }) => `${key} by ${named(agent)}`));
  return `run ${runName} (${run}) has as many tasks running as it may (max_parallel ${maxParallel}): ${work}`;
}

export function* lockedOut(now: number, lanes: readonly LaneAtHand[]): Tx<Explained> {
  const requests: string[] = [];
  for (const lane of lanes.slice(0, NAMED_MAX)) requests.push(...(yield* requestsInTheWay(lane, NAMED_MAX)));
  const locks = yield* locksOfRequests(now, [...new Set(requests)]);
  const ends = locks.flatMap(({ expiresAt }) => expiresAt ?? []);
  const named = yield* namesOf(locks.map(({ agent }) => agent));
  const names = locks.map(({ path, agent, task, expiresAt, state }) => {
    const until =
      expiresAt === null ? (task === null ? "" : ` until it ends task ${task}`) : ` until ${iso(expiresAt)}`;
    return `${path} is ${state === "queued" ? "waited for" : state} by ${named(agent)}${until}`;
  });
  return { detail: `ready tasks need files that others hold: ${listed(names)}`, until: earliestOf(ends) };
}

export function* reserved(lanes: readonly LaneAtHand[]): Tx<Explained> {
  const tasks = [];
  for (const lane of lanes.slice(0, NAMED_MAX)) tasks.push(...(yield* reservedAtHand(lane, NAMED_MAX + 1)));
  const names = tasks.map(
    ({ key, reservedFor, reservedUntil }) => `${key} is reserved for ${reservedFor} until ${iso(reservedUntil)}`,
  );
  return { detail: listed(names), until: earliestOf(tasks.map(({ reservedUntil }) => reservedUntil)) };
}

/** Counts the roles, capabilities and agents that ready tasks ask for and the offer lacks. */
export function notOffered(offer: Offer, lanes: readonly LaneAtHand[]): string {
  const wanted = new Map<string, number>();
  const add = (what: string, ready: number): void => void wanted.set(what, (wanted.get(what) ?? 0) + ready);
  for (const { demand, ready } of lanes) {
    if (demand.executor !== "agent") {
      add(unmet(offer, demand)[0]?.detail ?? demand.executor, ready);
      continue;
    }
    if (demand.role !== null && !offer.roles.has(demand.role)) add(`role ${demand.role}`, ready);
    for (const one of demand.requires) if (!offer.capabilities.has(one)) add(`capability ${one}`, ready);
    if (isExcluded(offer, demand)) add("another agent than one that worked on what they check (not_by)", ready);
    if (demand.reservedFor !== null && demand.reservedFor !== offer.agent) add(`agent ${demand.reservedFor}`, ready);
  }
  const most = [...wanted].toSorted(([, a], [, b]) => b - a);
  const shown = most.map(([what, count]) => `${what} (${count > COUNTED_MAX ? `over ${COUNTED_MAX}` : count})`);
  return `ready tasks ask for what ${offer.agent} does not offer: ${listed(shown)}`;
}

/** Names the agents at work with their tasks, and whether those are plans. */
export function* working(target: ClaimTarget): Tx<{ detail: string; planning: boolean } | undefined> {
  const held = yield* heldAtHand(target, NAMED_MAX + 1);
  if (held.length === 0) return undefined;
  const named = yield* namesOf(held.map(({ agent }) => agent));
  const names = held.map(({ key, agent, startedAt, runName, kind }) => {
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

/** The timers, events and child runs that tasks wait for. */
export function* waits(
  runs: readonly string[],
  now: number,
): Tx<{ detail: string | undefined; until: number | undefined }> {
  const found: TaskAndSpec[] = [];
  for (const run of runs) found.push(...(yield* waitsOf(run, NAMED_MAX + 1)));
  const names = found.map(({ task: { key, kind }, spec }) => {
    if (kind === "workflow") return `${key} waits for its run of ${spec.workflow ?? "a workflow"}`;
    const until = spec.until === undefined ? undefined : `until ${iso(spec.until)}`;
    const event = spec.event === undefined ? undefined : `for the event ${spec.event}`;
    return `${key} waits ${[event, until].filter((one) => one !== undefined).join(", or ")}`;
  });
  const ends = found.flatMap(({ spec }) => (spec.until !== undefined && spec.until > now ? [spec.until] : []));
  return { detail: names.length === 0 ? undefined : listed(names), until: earliestOf(ends) };
}

function earliestOf(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return `${names.slice(0, NAMED_MAX).join("; ")}${more > 0 ? "; and more" : ""}`;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= TEXT_CHARS_MAX ? line : `${startOf(line, TEXT_CHARS_MAX)}…`;
}
