import { fadingPerMs } from "../../base/numbers/half-life.js";
import { rounded } from "../../base/numbers/rounding.js";
import { idleWithEvidence, type IdleAgent } from "../../store/learning/idle-agents.js";
import { type Demand, type LaneHead, setHead } from "../../store/scheduling/lanes.js";
import { workersWithRoom } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { type Evidence, judgedEvidence } from "../belief/belief.js";
import { expectedSuccess, isClearlyBetter } from "../belief/head-start.js";
import type { EngineContext } from "../context.js";
import { withWider } from "../scheduling/capability-tags.js";
import { taskType } from "../steps/task-type.js";
import type { Choice } from "./lane-choice.js";

/** A choice between idle agents by what each has shown at a type of task, the likeliest to succeed first. The history keeps it with the claim. */
export interface HeadStartChoice {
  readonly by: "head_start";
  readonly task_type: string;
  readonly candidates: readonly {
    readonly agent: string;
    readonly score: number;
    readonly parts: { readonly successes: number; readonly failures: number };
  }[];
}

interface HeadStart {
  readonly task: string;
  readonly until: number;
  readonly choice: HeadStartChoice;
}

type LaneOfTask = Pick<LaneHead, "run" | "demand">;

/** A run and its child runs may have the same demand. */
const laneKey = ({ run, demand }: LaneOfTask): string => `${run} ${demand.id}`;

/** The first tasks of lanes that a waiting claim leaves to others, and until when. Its call keeps them from one transaction to the next. */
export class HeadStarts {
  readonly #left = new Map<string, HeadStart>();
  #isOver = false;

  leave(lane: LaneOfTask, headStart: HeadStart): void {
    this.#left.set(laneKey(lane), headStart);
  }

  /** The choice by which a task was left. */
  choiceOf(lane: LaneOfTask, task: string): HeadStartChoice | undefined {
    const left = this.#left.get(laneKey(lane));
    return left?.task === task ? left.choice : undefined;
  }

  /** Whether the first task of a lane is left to others at an instant. */
  isLeft(lane: LaneOfTask & Pick<LaneHead, "head">, now: number): boolean {
    const left = this.#left.get(laneKey(lane));
    return !this.#isOver && left !== undefined && left.until > now && left.task === lane.head;
  }

  /** Milliseconds from an instant until the first of what is left is anyone's; undefined where nothing is left. */
  endsInMs(now: number): number | undefined {
    const ends = [...this.#left.values()].flatMap(({ until }) => (until > now ? [until - now] : []));
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** Ends them all, as the wait does: no more is left to others. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }
}

interface Leaving {
  readonly agent: { readonly name: string };
  readonly headStarts?: HeadStarts | undefined;
}

/** Renewals of its session within which an idle agent is heard whose call waits, or which has just called. */
const RENEWALS_HEARD = 2;

/**
 * Whether a waiting claim leaves a task to an idle agent that is clearly better at its type: it notes until when, never longer than `head_start_ms` after
 * the task became ready. `choice` is what the claim goes by, where it takes the task: others would leave it to its agent, or the better one did not come.
 * Reads nothing for a task that has been ready for longer.
 */
export function* headStartOf(
  ctx: EngineContext,
  { agent: { name: agent }, headStarts }: Leaving,
  { lane, candidate }: Choice,
): Tx<{ readonly leaves: boolean; readonly choice?: HeadStartChoice | undefined }> {
  // A lane that is not among those that were read has no head.
  if (headStarts === undefined || candidate === undefined || lane.head === "") return { leaves: false };
  const { task, spec } = candidate;
  const left = headStarts.choiceOf(lane, task.id);
  if (left !== undefined || headStarts.isOver) return { leaves: false, choice: left };
  const until = (task.readyAt ?? 0) + ctx.settings.head_start_ms;
  if (!ctx.settings.learning_enabled || until <= ctx.now) return { leaves: false };
  const { better, choice } = yield* compared(ctx, { agent, type: taskType(task, spec), demand: lane.demand });
  if (!better || choice === undefined) return { leaves: false, choice };
  if (lane.head !== task.id) yield* setHead(lane, task.id);
  headStarts.leave(lane, { task: task.id, until, choice });
  return { leaves: true };
}

interface Compared {
  readonly agent: string;
  readonly type: string;
  readonly demand: Demand;
}

/** Compares an agent with the idle ones that are clearly better or worse at a type of task and could take it; `better`: one of them is better. */
function* compared(
  ctx: EngineContext,
  { agent, type, demand }: Compared,
): Tx<{ readonly better: boolean; readonly choice?: HeadStartChoice }> {
  // A reservation has chosen already; whether an agent may check what another did is not read for all of them.
  if (demand.executor !== "agent" || demand.reservedFor !== null || demand.notBy.length > 0) return { better: false };
  const { learning_rate, session_renew_ms } = ctx.settings;
  const heardSince = ctx.now - RENEWALS_HEARD * session_renew_ms;
  const idle = yield* idleWithEvidence(
    { type, agent, heardSince },
    { now: ctx.now, perMs: fadingPerMs(learning_rate) },
  );
  const shown = idle.map((one) => ({ ...one, evidence: judgedEvidence(one) }));
  const own = shown.find((one) => one.agent === agent);
  if (own === undefined) return { better: false };
  const isBetter = (one: typeof own): boolean => isClearlyBetter(one.evidence, own.evidence);
  const apart = shown.filter((one) => isBetter(one) || isClearlyBetter(own.evidence, one.evidence));
  const able = apart.filter((one) => couldTake(one, demand));
  if (able.length === 0) return { better: false };
  // An agent that works in other projects alone would leave it lying.
  const here = new Set(
    yield* workersWithRoom(
      demand.project,
      able.map((one) => one.agent),
    ),
  );
  const others = able.filter((one) => here.has(one.agent));
  if (others.length === 0) return { better: false };
  const candidates = [own, ...others]
    .map(scored)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, KEPT_MAX);
  return { better: others.some(isBetter), choice: { by: "head_start", task_type: type, candidates } };
}

/** As many candidates as the history keeps of a choice. */
const KEPT_MAX = 20;

function scored({ agent, evidence }: { readonly agent: string; readonly evidence: Evidence }) {
  const { successes, failures } = evidence;
  const parts = { successes: rounded(successes), failures: rounded(failures) };
  return { agent, score: rounded(expectedSuccess(evidence)), parts };
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
  return headStarts === undefined ? lanes : lanes.filter((lane) => !headStarts.isLeft(lane, now));
}
