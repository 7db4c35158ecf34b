import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balanceOf, type Move, type AgentPlace, type Portion, rebalance } from "../../../src/engine/load/balance.js";
import { scaleOf } from "../../../src/engine/load/scale-hints.js";

const place = (agent: string, capacity = 1, fixed = 0): AgentPlace => ({ agent, capacity, fixed });
const portion = (id: string, at: string, { ms = 100, able = [] as string[] } = {}): Portion => {
  return { id, at, ms, able: new Set(able) };
};

function moved(portions: readonly Portion[], moves: readonly Move[]): Portion[] {
  const to = new Map(moves.map((move) => [move.id, move.to]));
  return portions.map((one) => ({ ...one, at: to.get(one.id) ?? one.at }));
}

/** Agents, of which some are not there, and portions that some of them could do. */
const loads = fc
  .array(fc.record({ capacity: fc.nat(4), fixed: fc.nat(1_000) }), { minLength: 1, maxLength: 6 })
  .chain((agents) => {
    const names = agents.map((_, at) => `a${at}`);
    const some = fc.subarray(names);
    const work = fc.record({ at: fc.constantFrom(...names), ms: fc.integer({ min: 1, max: 1_000 }), able: some });
    return fc.array(work, { maxLength: 12 }).map((list) => ({
      places: agents.map((agent, at) => ({ agent: `a${at}`, ...agent })),
      portions: list.map((one, at) => portion(`t${at}`, one.at, one)),
    }));
  });

describe("rebalance", () => {
  test("moves work to the free agent, not more than gains", () => {
    const places = [place("ann"), place("ben")];
    const portions = ["t1", "t2", "t3", "t4"].map((id) => portion(id, "ann", { able: ["ann", "ben"] }));
    const moves = rebalance(places, portions, 100);
    expect(moves).toHaveLength(2);
    expect(balanceOf(places, portions)).toEqual({ makespan: 400, efficiency: 0.5 });
    expect(balanceOf(places, moved(portions, moves))).toEqual({ makespan: 200, efficiency: 1 });
  });

  test("takes from an agent that is gone whatever another one could do", () => {
    const places = [place("gone", 0), place("ben", 1, 500)];
    const portions = [portion("t1", "gone", { able: ["ben"] }), portion("t2", "gone")];
    expect(rebalance(places, portions, 100)).toEqual([{ id: "t1", from: "gone", to: "ben" }]);
  });

  test("counts how many tasks an agent does at once", () => {
    const places = [place("ann", 1), place("ben", 4)];
    const portions = Array.from({ length: 5 }, (_, at) => portion(`t${at}`, "ann", { able: ["ann", "ben"] }));
    expect(rebalance(places, portions, 100)).toHaveLength(4);
  });

  test("never makes the last agent later, gives work only to agents that could do it, and ends", () => {
    fc.assert(
      fc.property(loads, ({ places, portions }) => {
        const moves = rebalance(places, portions, 1_000);
        const after = moved(portions, moves);
        expect(balanceOf(places, after).makespan).toBeLessThanOrEqual(balanceOf(places, portions).makespan);
        for (const { id, to } of moves) expect(portions.find((one) => one.id === id)?.able.has(to)).toBe(true);
        // No single move gains any more.
        expect(rebalance(places, after, 1_000)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("makes at most as many moves as it may", () => {
    const portions = Array.from({ length: 10 }, (_, at) => portion(`t${at}`, "ann", { able: ["ben"] }));
    expect(rebalance([place("ann"), place("ben")], portions, 2)).toHaveLength(2);
  });
});

describe("scaleOf", () => {
  test("asks for as many agents as shorten the work to its longest task", () => {
    expect(scaleOf({ ready: 8, workMs: 800, longestMs: 100 }, 2)).toEqual({ more: 6, nowMs: 400, thenMs: 100 });
    expect(scaleOf({ ready: 8, workMs: 800, longestMs: 400 }, 1)).toEqual({ more: 1, nowMs: 800, thenMs: 400 });
  });

  test("says of work that no agent could take that it never ends now", () => {
    expect(scaleOf({ ready: 2, workMs: 200, longestMs: 100 }, 0)).toEqual({ more: 2, nowMs: null, thenMs: 100 });
  });

  test("says nothing where more agents gain less than a tenth", () => {
    expect(scaleOf({ ready: 8, workMs: 800, longestMs: 100 }, 8)).toBeUndefined();
    expect(scaleOf({ ready: 20, workMs: 2_000, longestMs: 105 }, 18)).toBeUndefined();
    expect(scaleOf({ ready: 3, workMs: 0, longestMs: 0 }, 0)).toBeUndefined();
  });
});
