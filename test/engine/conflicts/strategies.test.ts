import { describe, expect, test } from "vitest";
import {
  alternativesTo,
  APPLICABLE,
  chosenStrategy,
  type Contender,
  type FixedStrategy,
  inOrder,
  outranks,
  successOf,
} from "../../../src/engine/conflicts/strategies.js";
import type { StrategyEvidence } from "../../../src/store/conflicts/strategies.js";

const MINUTE = 60_000;

function contender(name: string, more: Partial<Contender> = {}): Contender {
  return { id: name, name, priority: 50, deadline: null, chainMs: MINUTE, remainingMs: MINUTE, since: 0, ...more };
}

describe("strategies", () => {
  const contenders = [
    contender("first", { since: 1 }),
    contender("critical", { since: 2, priority: 100 }),
    contender("chain", { since: 3, chainMs: 10 * MINUTE }),
    contender("urgent", { since: 4, deadline: 5 * MINUTE }),
    contender("short", { since: 5, remainingMs: 1_000 }),
  ];

  test.each([
    ["prioritize_critical", "critical"],
    ["protect_dependency_chain", "chain"],
    ["earliest_deadline", "urgent"],
    ["shortest_first", "short"],
    ["queue", "first"],
  ] as const)("%s lets %s go first", (strategy, name) => {
    expect(inOrder(strategy, contenders)[0]?.name).toBe(name);
  });

  test("the alternatives are the strategies under which another goes first", () => {
    const two = [contender("a", { since: 1, remainingMs: 1 }), contender("b", { since: 1, priority: 75 })];
    expect(alternativesTo("prioritize_critical", "overlapping_scopes", two)).toEqual([
      "shortest_first: a is done soonest",
    ]);
    // Sharing and moving put no task before another.
    const byTime = [contender("a", { since: 2, priority: 75 }), contender("b", { since: 1 })];
    expect(alternativesTo("prioritize_critical", "lock_contention", byTime)).toEqual(["queue: b was there first"]);
  });

  test("a holder gives way to a level of priority, to a chain twice as long, and to a deadline that waiting would miss", () => {
    const holder = contender("holder", { remainingMs: 10 * MINUTE });
    const gives = (strategy: FixedStrategy, more: Partial<Contender>) =>
      outranks(strategy, { first: contender("other", more), holder }, 0);
    expect(gives("prioritize_critical", { priority: 75 })).toBe(true);
    expect(gives("prioritize_critical", { priority: 60 })).toBe(false);
    expect(gives("protect_dependency_chain", { chainMs: 2 * MINUTE })).toBe(true);
    expect(gives("protect_dependency_chain", { chainMs: 1.5 * MINUTE })).toBe(false);
    expect(gives("earliest_deadline", { deadline: 5 * MINUTE })).toBe(true);
    expect(gives("earliest_deadline", { deadline: 12 * MINUTE })).toBe(false);
    expect(gives("shortest_first", { remainingMs: 1 })).toBe(false);
  });

  test("adaptive comes to choose the strategy that loses least time, of each kind its own", () => {
    let state = 7;
    const uniform = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
    const best = { lock_contention: "shortest_first", overlapping_scopes: "queue" } as const;
    const evidence = new Map<string, StrategyEvidence>();
    const chosen = { lock_contention: 0, overlapping_scopes: 0 };
    const ROUNDS = 400;
    for (let round = 0; round < ROUNDS; round++)
      for (const kind of ["lock_contention", "overlapping_scopes"] as const) {
        const strategy = chosenStrategy(kind, [...evidence.values()], uniform) ?? "share";
        if (round >= (ROUNDS * 3) / 4 && strategy === best[kind]) chosen[kind]++;
        // The best loses little; the others take twice the time, more or less.
        const elapsedMs = MINUTE * (strategy === best[kind] ? 1 + 0.3 * uniform() : 1.6 + 0.8 * uniform());
        const success = successOf({ expectedMs: MINUTE, elapsedMs });
        const known = evidence.get(`${kind}/${strategy}`);
        evidence.set(`${kind}/${strategy}`, {
          kind,
          strategy,
          successes: (known?.successes ?? 0) + success,
          failures: (known?.failures ?? 0) + 1000 - success,
          updatedAt: round,
        });
      }
    expect(chosen.lock_contention).toBeGreaterThan(80);
    expect(chosen.overlapping_scopes).toBeGreaterThan(80);
  });

  test("without chance the best mean is chosen, and nothing for what no strategy resolves", () => {
    expect(chosenStrategy("overlapping_scopes", [], undefined)).toBe(APPLICABLE.overlapping_scopes[0]);
    expect(chosenStrategy("unlocked_edit", [], undefined)).toBeUndefined();
  });
});
