import { z } from "zod";
import { rounded } from "../base/numbers/rounding.js";
import { iso } from "../base/time.js";
import { moveReservation, planLoad } from "../engine/load/rebalancing.js";
import { HISTORY_MS, workloadOf } from "../engine/load/workload.js";
import type { ScaleHint } from "../engine/load/scale-hints.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant } from "../dispatch/shapes.js";

const ratio = z.number().min(0).max(1);

const agentLoad = z.object({
  agent: z.string(),
  present: z.boolean(),
  running: count,
  reserved: count,
  capacity: count,
  utilisation: z.number(),
  expected_ms: count,
  history: z.object({ ended: count, busy: ratio }),
});

const hint = z.object({
  project: z.string(),
  roles: z.array(z.string()).readonly(),
  capabilities: z.array(z.string()).readonly(),
  ready: count,
  capacity: count,
  more_agents: count,
  now_ms: count.nullable(),
  then_ms: count,
});

const workload = defineOperation({
  name: "get_workload",
  title: "Workload of the agents",
  description:
    "Shows for each agent what it runs, what is kept for it, its capacity, utilisation and last hour, and for all how evenly it lies; ready work that no live agent offers to take; and how many more agents of which kind would shorten ready work by how much.",
  area: "routing",
  effect: "read",
  aliases: ["get_agent_workload", "check_persona_coverage"],
  words: ["overloaded agents", "utilisation", "scaling"],
  input: z.object({}),
  output: z.object({
    agents: z.array(agentLoad),
    utilisation: z.number(),
    variance: z.number(),
    efficiency: ratio,
    /** Until the last agent is done; null where work is kept for one that is not there. */
    expected_ms: count.nullable(),
    unserved: z.array(z.object({ project: z.string(), ready: count, wants: z.string() })).readonly(),
    scale_hints: z.array(hint),
    history_since: instant,
  }),
  *run(ctx) {
    const { agents, utilisation, variance, efficiency, makespan, unserved, hints } = yield* workloadOf(ctx);
    return {
      agents: agents.map(({ expectedMs, ended, busy, ...load }) => ({
        ...load,
        utilisation: rounded(load.utilisation),
        expected_ms: expectedMs,
        history: { ended, busy: rounded(busy) },
      })),
      utilisation: rounded(utilisation),
      variance: rounded(variance),
      efficiency: rounded(efficiency),
      expected_ms: timeOf(makespan),
      unserved,
      scale_hints: hints.map(hintView),
      history_since: iso(ctx.now - HISTORY_MS),
    };
  },
});

function hintView({ more, nowMs, thenMs, ...work }: ScaleHint) {
  return { ...work, more_agents: more, now_ms: nowMs, then_ms: thenMs };
}

function timeOf(ms: number): number | null {
  return ms === Infinity ? null : Math.round(ms);
}

const balance = z.object({ efficiency: ratio, expected_ms: count.nullable() });

const optimize = defineOperation({
  name: "optimize_load",
  title: "Even out the load",
  description:
    "Moves reservations from agents with much to do, or gone, to free ones that could take them, so that the last one is done earlier. What an agent holds stays, and so does what is offered to one. Returns the moves and what they gain; dry_run only says.",
  area: "routing",
  effect: "write",
  aliases: ["optimize_load_distribution", "redistribute_agent_tasks"],
  words: ["rebalance", "redistribute tasks"],
  input: z.object({
    run: params.run.optional(),
    agent: z.string().optional().describe("Moves what is kept for this agent alone."),
    dry_run: z.boolean().default(false),
    request_id: params.requestId,
  }),
  output: z.object({
    moves: z.array(z.object({ task: z.string(), key: z.string(), from: z.string(), to: z.string() })),
    before: balance,
    after: balance,
    /** Time that the last agent is done earlier; null where it never would have been. */
    gain_ms: count.nullable(),
  }),
  async perform(host, { dry_run, ...query }) {
    const plan = await host.read((ctx) => planLoad(ctx, query));
    const moves = [];
    for (const move of plan.moves) {
      const isDone = dry_run || (await host.transact((ctx) => moveReservation(ctx, move), "move a reservation"));
      if (isDone) moves.push({ task: move.id, key: move.key, from: move.from, to: move.to });
    }
    const { before, after } = plan;
    return {
      moves,
      before: { efficiency: rounded(before.efficiency), expected_ms: timeOf(before.makespan) },
      after: { efficiency: rounded(after.efficiency), expected_ms: timeOf(after.makespan) },
      gain_ms: timeOf(before.makespan) === null ? null : Math.round(before.makespan - after.makespan),
    };
  },
});

export const loadOperations = [workload, optimize] as const;
