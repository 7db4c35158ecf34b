import { describe, expect, test } from "vitest";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { engineFor } from "../../../src/engine/engine.js";
import { moveReservation, planLoad } from "../../../src/engine/load/rebalancing.js";
import { wantedWork } from "../../../src/store/scheduling/workloads.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew, type Step } from "../../support/fixtures/plan.js";
import { startAppOn, type TestAppOptions } from "../../support/servers/app.js";
import { CALLER } from "../../support/databases/caller.js";

const HOUR = 3_600_000;
describe.each(BACKENDS)("reservations and ready work on %s", (backend) => {
  async function team(steps: readonly Step[], options: TestAppOptions = {}) {
    const app = await startAppOn(backend, options);
    const crew = new Crew(app);
    for (const name of ["ann", "ben"]) await app.call("register_agent", { name });
    const { run } = await crew.start(steps.map((step) => ({ estimate_ms: HOUR, ...step })));
    const keep = (agent: string, key: string) => app.call("assign_task", { task: `${run.id}/${key}`, agent });
    const store = await app.app.store();
    const parts = { version: "test", settings: () => defaultSettings, now: () => app.clock.now(), effects: [] };
    return { crew, call: app.call, run: run.id, keep, store, engine: engineFor(store, CALLER, parts) };
  }

  const planned = async () => {
    const { call, run, keep, engine } = await team([{ key: "a" }, { key: "b" }, { key: "c", needs: ["a"] }]);
    for (const key of ["a", "b", "c"]) await keep("ann", key);
    const [move] = (await engine.read((ctx) => planLoad(ctx, {}))).moves;
    return { call, run, engine, move: move! };
  };

  test("a move whose task was deleted since is none", async () => {
    const { call, run, engine, move } = await planned();
    await call("modify_run", { run, changes: [{ op: "remove_task", task: move.key }] });
    expect(await engine.transact((ctx) => moveReservation(ctx, move))).toBe(false);
  });

  test("a move to an agent that was taken out since is none", async () => {
    const { call, engine, move } = await planned();
    await call("unregister_agent", { agent: move.to });
    expect(await engine.transact((ctx) => moveReservation(ctx, move))).toBe(false);
    expect((await call("get_task", { task: move.id })).task).toMatchObject({ reserved_for: "ann" });
  });

  test("the agents' earlier tasks are read once for all demands, not once for each", async () => {
    const texts: string[] = [];
    const observe = ({ statement }: { statement: "COMMIT" | readonly [string, ...unknown[]] }) =>
      void (statement !== "COMMIT" && texts.push(statement[0]));
    const statementsOf = async (count: number) => {
      const checks = Array.from({ length: count }, (_, at) => ({
        key: `check-${at}`,
        role: `r${at}`,
        not_by: ["build"],
      }));
      const { call, keep } = await team([{ key: "build" }, ...checks], { storeHooks: { observe } });
      for (const { key } of checks) await keep("ann", key);
      texts.length = 0;
      await call("optimize_load", { dry_run: true });
      return texts.length;
    };
    expect(await statementsOf(5)).toBe(await statementsOf(1));
  });

  test("the ready work that is looked at is that of most time, for any agent", async () => {
    const roles = Array.from({ length: 6 }, (_, at) => `r${at}`);
    const steps = roles.map((role, at) => ({ key: role, role, estimate_ms: (at + 1) * HOUR }));
    const kept = roles.map((role) => ({ key: `kept-${role}`, role, estimate_ms: 9 * HOUR }));
    const { keep, store } = await team([...steps, ...kept]);
    for (const { key } of kept) await keep("ann", key);
    const wanted = await store.read(() => wantedWork(2));
    expect(wanted.map(({ demand, workMs }) => [demand.role, workMs])).toEqual([
      ["r5", 6 * HOUR],
      ["r4", 5 * HOUR],
    ]);
  });
});
