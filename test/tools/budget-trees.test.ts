import { describe, expect, it } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Payers } from "../support/fixtures/payers.js";

const DAY_MS = 86_400_000;

describe.each(BACKENDS)("the budget of a run with runs within it, on %s", (backend) => {
  async function calling(workflow: string, count: number, budget: number) {
    const team = await Payers.start(backend);
    const steps = [{ key: "in", prompt: "x" }];
    await team.app.call("create_workflow", { project: "demo", name: "part", definition: { steps } });
    const outer = [{ key: "deep", kind: "workflow", workflow: "part" }];
    await team.app.call("create_workflow", { project: "demo", name: "outer", definition: { steps: outer } });
    const calls = Array.from({ length: count }, (_, at) => ({
      key: `call${at}`,
      kind: "workflow",
      workflow,
      needs: ["first"],
    }));
    const run = await team.run([{ key: "first" }, ...calls, { key: "last" }], budget);
    return { team, run };
  }

  it("is raised for all that waited for it: they start at once, and not one with each tick", async () => {
    const { team, run } = await calling("part", 8, 1);
    await team.pay(run, 1);
    await team.settle();
    expect((await team.claim(run)).reason).toBe("budget_blocked");
    await team.set(run, 10);
    await team.app.advance(1);
    const { runs } = await team.app.call("list_runs", { limit: 50 });
    expect(runs.filter(({ name }) => name === "part")).toHaveLength(8);
  });

  it("is told of in its own history, whichever run spends it", async () => {
    const { team, run } = await calling("part", 1, 2);
    await team.pay(run, 1);
    await team.settle();
    await team.pay(await team.childOf(run, "call0"), 1);
    const types = ["run.budget_blocked"];
    const { events } = await team.app.call("list_events", { run, types });
    expect(events).toMatchObject([{ run, data: { budget: { run, spent: 2 } } }]);
  });

  it("keeps what runs far within have cost as long as the run is open", async () => {
    const { team, run } = await calling("outer", 1, 10);
    await team.pay(run, 1);
    await team.settle();
    const inner = await team.childOf(await team.childOf(run, "call0"), "deep");
    await team.pay(inner, 7);
    await team.settle();
    await team.app.advance(100 * DAY_MS);
    await team.settle();
    expect(await team.check(run)).toMatchObject({ cost: 8, budgets: [{ spent: 8 }] });
  });

  it("is not spent by nothing, however small it is", async () => {
    const { team, run } = await calling("part", 1, 1);
    expect(await team.set(run, 0.000001, { warn_at: 0.1, block_at: 0.3 })).toMatchObject({ state: "ok" });
  });
});
