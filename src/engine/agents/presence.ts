import type { Presence } from "../../base/statuses.js";
import * as agents from "../../store/agents/agents.js";
import { appendEvents } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { iso } from "../../base/time.js";
import type { EngineContext } from "../context.js";
import { type Machine, transition } from "../machine.js";

export type PresenceEvent = "fall_silent" | "hear" | "want" | "lapse" | "yield" | "lose_all";

/**
 * Whether an agent that holds something is heard of. A silent one keeps what it holds until another agent wants it, is warned then, and
 * yields after the grace. The server's own executors are exempt.
 */
export const presenceMachine: Machine<Presence, PresenceEvent> = {
  name: "presence",
  asked: {},
  table: {
    present: { fall_silent: "silent" },
    silent: { want: "warned", hear: "present", lose_all: "present" },
    warned: { yield: "yielding", lapse: "silent", hear: "present", lose_all: "present" },
    yielding: { hear: "present", lose_all: "present" },
    exempt: {},
  },
};

/** The presence after an event. */
export function presenceAfter(agent: agents.Agent, event: PresenceEvent): Presence {
  return transition(presenceMachine, { id: agent.name, status: agent.presence }, event);
}

export function isSilent({ presence }: Pick<agents.Agent, "presence">): boolean {
  return presence === "silent" || presence === "warned" || presence === "yielding";
}

/** Records that a silent agent is heard of again. What it lost meanwhile it is told with its next claim. */
export function* hear(ctx: EngineContext, agent: agents.Agent): Tx<agents.Agent> {
  const heard = { ...agent, presence: presenceAfter(agent, "hear"), silentAt: null, yieldsAt: null };
  if (!(yield* agents.savePresence(heard, agent.presence))) return agent;
  const silentSince = iso(agent.seenAt);
  yield* appendEvents(ctx, [
    { type: "agent.heard", agent: agent.name, data: { silent_since: silentSince, lost: agent.lost } },
  ]);
  return heard;
}

/** A call that an agent has made through this process, or has under way. */
export interface Sign {
  readonly agent: string;
  readonly agoMs: number;
}

/** Records the calls that agents have made since they were last recorded. An unknown name is no agent. */
export function* recordSigns(ctx: EngineContext, signs: readonly Sign[]): Tx<void> {
  for (const { agent: name, agoMs } of signs.toSorted((a, b) => (a.agent < b.agent ? -1 : 1))) {
    const at = ctx.now - agoMs;
    if (yield* agents.recordCall(name, { at, host: ctx.caller.host })) continue;
    const agent = yield* agents.findAgent(name);
    if (agent === undefined || !isSilent(agent) || agent.status !== "active" || agent.seenAt >= at) continue;
    yield* hear(ctx, agent);
    yield* agents.recordCall(name, { at, host: ctx.caller.host });
  }
}

/** Returns the losses of an agent by its silence, once. */
export function* tellLosses(agent: agents.Agent): Tx<readonly agents.SilenceLoss[]> {
  if (agent.lost.length > 0) yield* agents.forgetLosses(agent.name, agent.lost);
  return agent.lost;
}

/** Since when an agent has made no call, where it is silent. */
export function silenceView(since: number | undefined): { silent_since?: string } {
  return since === undefined ? {} : { silent_since: iso(since) };
}
