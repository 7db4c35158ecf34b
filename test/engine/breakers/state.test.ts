import { describe, expect, test } from "vitest";
import { lets, newBreaker, observed, onTrial } from "../../../src/engine/breakers/state.js";
import type { Breaker } from "../../../src/store/breakers/breakers.js";

const policy = { failures: 3, delayMs: 1_000, delayMaxMs: 4_000 };
type Outcome = "succeeded" | "failed" | "neither";

/** The breaker after attempts that each took from the instant before to their own. */
function after(outcomes: readonly Outcome[], { from = newBreaker("agent:ann", 0), at = 0, task = "t" } = {}): Breaker {
  return outcomes.reduce(
    (breaker, outcome, n) =>
      observed(breaker, { task, startedAt: at + n * 10 + 5, outcome }, { now: at + n * 10 + 9, policy }),
    from,
  );
}

describe("a breaker", () => {
  test("opens on failures in a row, and on half of ten or more outcomes", () => {
    expect(after(["failed", "failed"])).toMatchObject({ state: "closed", failures: 2, clean: false });
    expect(after(["failed", "failed", "succeeded"])).toMatchObject({ state: "closed", failures: 0, clean: false });
    expect(after(["failed", "failed", "failed"])).toMatchObject({ state: "open", opens: 1, retryAt: 1_029 });
    const everySecond = Array.from({ length: 9 }, (_, n): Outcome => (n % 2 === 0 ? "failed" : "succeeded"));
    expect(after(everySecond)).toMatchObject({ state: "closed" });
    expect(after([...everySecond, "succeeded", "failed"])).toMatchObject({ state: "open", failures: 1 });
  });

  test("is clean again once its window has no failure", () => {
    const successes = Array.from({ length: 20 }, (): Outcome => "succeeded");
    expect(after(["failed", ...successes.slice(1)])).toMatchObject({ clean: false });
    expect(after(["failed", ...successes])).toMatchObject({ clean: true, state: "closed" });
    expect(after(["succeeded"], { from: after(["failed"]), at: 3_700_000 })).toMatchObject({ clean: true });
  });

  test("lets one trial through after its pause, which closes it, or opens it for twice as long", () => {
    const open = after(["failed", "failed", "failed"]);
    expect(lets(open, 1_028, false)).toBe(false);
    expect(lets(open, 1_029, false)).toBe(true);
    const trying = onTrial(open, "t", 1_029);
    expect([lets(trying, 1_029, true), lets(trying, 1_029, false)]).toEqual([false, true]);
    const again = after(["failed"], { from: trying, at: 2_000 });
    expect(again).toMatchObject({ state: "open", opens: 2, retryAt: 4_009, trial: null });
    const last = after(["failed", "failed", "failed"], { from: again, at: 5_000 });
    expect(last).toMatchObject({ opens: 5, retryAt: 5_029 + policy.delayMaxMs });
    expect(after(["succeeded"], { from: trying, at: 2_000 })).toMatchObject({
      state: "closed",
      clean: true,
      opensInRow: 0,
      opens: 1,
      retryAt: null,
    });
  });

  test("is not moved by attempts from before it opened, nor by a trial that was given back", () => {
    const open = after(["failed", "failed", "failed"], { at: 100 });
    expect(after(["succeeded"], { from: open, at: 50 })).toBe(open);
    expect(after(["failed"], { from: open, at: 50 })).toBe(open);
    const trying = onTrial(open, "t", 2_000);
    expect(after(["neither"], { from: trying, at: 2_000 })).toMatchObject({ state: "half_open", trial: null });
    expect(after(["neither"], { from: trying, at: 2_000, task: "other" })).toBe(trying);
  });
});
