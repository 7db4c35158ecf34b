import { TRIGGER_RULES } from "../../src/base/statuses.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { Checker, findingsText } from "../support/checker/checker.js";
import { Crew, type Step } from "../support/fixtures/plan.js";

const OUTCOMES = ["complete", "fail", "fail", "complete", "cancel", "retry"] as const;

interface Drawn {
  readonly steps: readonly Step[];
  /** By key. */
  readonly outcomes: ReadonlyMap<string, (typeof OUTCOMES)[number]>;
}

/** An acyclic graph of up to 14 steps, and the outcome of each when it is claimed. */
const graphs = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(13), { maxLength: 4 }),
      trigger: fc.constantFrom(...TRIGGER_RULES),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((drawn): Drawn => {
    const steps = drawn.map(({ needs, trigger }, at) => {
      // Only earlier ones: no cycle.
      const earlier = at === 0 ? [] : [...new Set(needs.map((need) => `s${need % at}`))];
      return { key: `s${at}`, retry: { max_attempts: 1 }, ...(earlier.length > 0 ? { needs: earlier, trigger } : {}) };
    });
    return { steps, outcomes: new Map(drawn.map(({ outcome }, at) => [`s${at}`, outcome])) };
  });

test("every graph ends whatever becomes of its tasks, each as its rule and its dependencies say", async () => {
  const crew = new Crew(await startApp());
  const checker = new Checker(await crew.app.app.store());
  await fc.assert(
    fc.asyncProperty(graphs, async ({ steps, outcomes }) => {
      const { run } = await crew.start(steps);
      for (let left = steps.length; (await settle(crew, run.id, outcomes)) && left >= 0; left--);
      const statuses = await crew.statuses(run.id);
      expect((await crew.run(run.id)).status).toBe(endOf(Object.values(statuses)));
      for (const step of steps)
        expect(possible(step, statuses), `${step.key} of ${JSON.stringify(statuses)}`).toContain(statuses[step.key]);
    }),
    { numRuns: 40 },
  );
  expect(findingsText(await checker.findings({ over: true }))).toBe("");
});

/** Takes one task and lets happen to it what was drawn. False when there is none. */
async function settle(crew: Crew, run: string, outcomes: Drawn["outcomes"]): Promise<boolean> {
  const claim = await crew.claim("ann", { run });
  if (claim.outcome === "none" || !claim.task || !claim.lease) return false;
  const held = { id: claim.task.id, token: claim.lease.token };
  const outcome = outcomes.get(claim.task.key);
  if (outcome === "complete") await crew.complete(held);
  else if (outcome === "cancel") {
    await crew.app.call("cancel_task", { task: held.id });
    await crew.app.call("release_task", { task: held.id, token: held.token });
  } else if (outcome === "retry") {
    await crew.app.call("release_task", { task: held.id, token: held.token });
    await crew.complete(await crew.take("ann", { run }));
  } else await crew.fail(held);
  return true;
}

function endOf(statuses: readonly string[]): string {
  if (statuses.some((status) => status === "dead_letter" || status === "blocked")) return "failed";
  return !statuses.includes("succeeded") && statuses.includes("cancelled") ? "cancelled" : "succeeded";
}

const RAN = ["succeeded", "dead_letter", "cancelled"];

/** The ways in which a step may end, given how its dependencies ended. */
function possible({ trigger, needs }: Step, statuses: Readonly<Record<string, string>>): string[] {
  const ended = ((needs ?? []) as string[]).map((key) => statuses[key] ?? "");
  const failed = ended.some((status) => status === "dead_letter" || status === "blocked");
  const succeeded = ended.includes("succeeded");
  const skipped = ended.some((status) => status === "skipped" || status === "cancelled");
  // A trigger that can no longer hold blocks after a failure and skips otherwise, whichever came first.
  const lost = [...(failed ? ["blocked"] : []), ...(skipped || !failed ? ["skipped"] : [])];
  if (ended.length === 0) return RAN;
  switch (trigger) {
    case "all_succeeded":
      return failed || skipped ? lost : RAN;
    case "one_succeeded":
      return succeeded ? RAN : failed ? ["blocked"] : ["skipped"];
    case "one_failed":
      return failed ? RAN : ["skipped"];
    case "none_failed":
      return failed ? ["blocked"] : RAN;
    default:
      return RAN;
  }
}
