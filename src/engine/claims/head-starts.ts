import { fadingPerMs } from "../../base/numbers/half-life.js";
import { idleWithEvidence, type IdleAgent } from "../../store/learning/idle-agents.js";
import { type Demand, type LaneHead, setHead } from "../../store/scheduling/lanes.js";
import { workersWithRoom } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { judgedEvidence } from "../belief/belief.js";
import { isClearlyBetter } from "../belief/head-start.js";
import type { EngineContext } from "../context.js";
import { withWider } from "../scheduling/capability-tags.js";
import { taskType } from "../steps/task-type.js";
import type { Choice } from "./lane-choice.js";

/** The first tasks of lanes that a waiting claim leaves to others, by run and demand, and until when. Its call keeps them from one transaction to the next. */
export type HeadStarts = Map<string, { readonly task: string; readonly until: number }>;

/** A run and its child runs may have the same demand. */
const laneKey = ({ run, demand }: Pick<LaneHead, "run" | "demand">): string => `${run} ${demand.id}`;

interface Leaving {
  readonly agent: { readonly name: string };
  readonly headStarts?: HeadStarts | undefined;
}

/** Renewals of its session within which an idle agent is heard whose call waits, or which has just called. */
const RENEWALS_HEARD = 2;

/**
 * Whether a waiting claim leaves a task to an idle agent that is clearly better at its type, and notes until when. Never longer than `head_start_ms` after
 * the task became ready. Reads nothing for a task that has been ready for longer.
 */
export function* leavesToBetter(
  ctx: EngineContext,
  { agent: { name: agent }, headStarts }: Leaving,
  { lane, candidate }: Choice,
): Tx<boolean> {
  // A lane that is not among those that were read has no head.
  if (headStarts === undefined || candidate === undefined || lane.head === "") return false;
  const { task, spec } = candidate;
  const { demand } = lane;
  const { learning_enabled, head_start_ms, learning_rate, session_renew_ms } = ctx.settings;
  const until = (task.readyAt ?? 0) + head_start_ms;
  if (!learning_enabled || until <= ctx.now) return false;
  if (headStarts.get(laneKey(lane))?.task === task.id) return false;
  // A reservation has chosen already; whether an agent may check what another did is not read for all of them.
  if (demand.executor !== "agent" || demand.reservedFor !== null || demand.notBy.length > 0) return false;
  const heardSince = ctx.now - RENEWALS_HEARD * session_renew_ms;
  const asked = { type: taskType(task, spec), agent, heardSince };
  const idle = yield* idleWithEvidence(asked, { now: ctx.now, perMs: fadingPerMs(learning_rate) });
  const own = idle.find((one) => one.agent === agent);
  if (own === undefined) return false;
  const better = idle.filter((one) => isClearlyBetter(judgedEvidence(one), judgedEvidence(own)));
  const able = better.filter((one) => couldTake(one, demand)).map((one) => one.agent);
  // An agent that works in other projects alone would leave it lying.
  if (able.length === 0 || (yield* workersWithRoom(demand.project, able)).length === 0) return false;
  if (lane.head !== task.id) yield* setHead(lane, task.id);
  headStarts.set(laneKey(lane), { task: task.id, until });
  return true;
}

function couldTake(
  { agent, roles, offeredRoles, capabilities }: IdleAgent,
  { role, requires, failedBy }: Demand,
): boolean {
  const hasRole = role === null || roles.includes(role) || offeredRoles.includes(role);
  const offered = withWider(capabilities);
  return hasRole && requires.every((one) => offered.has(one)) && !failedBy.includes(agent);
}

/** Returns the lanes whose first task a claim does not leave to others at this instant. */
export function withoutHeadStarts<T extends Pick<LaneHead, "run" | "demand" | "head">>(
  lanes: readonly T[],
  { now }: Pick<EngineContext, "now">,
  headStarts: HeadStarts | undefined,
): readonly T[] {
  if (headStarts === undefined || headStarts.size === 0) return lanes;
  return lanes.filter((lane) => {
    const left = headStarts.get(laneKey(lane));
    return left === undefined || left.until <= now || left.task !== lane.head;
  });
}
