import { describe, expect, test } from "vitest";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

/** Ann watches; ben works over a connection of his own. */
async function team(backend: (typeof BACKENDS)[number]) {
  const app = await startAppOn(backend, { agent: "ann" });
  const runtime = { ...testRuntime(2), clock: app.clock };
  const storeHooks = { now: () => app.clock.now() };
  const other = await startApp({ database: app.database, runtime, storeHooks, agent: "ben" });
  const [ann, ben] = [new Crew(app), new Crew(other)];
  await app.call("create_project", { name: "demo" });
  const steps = Array.from({ length: 6 }, (_, n) => ({ key: `s${n}`, retry: { max_attempts: 1 } }));
  const { run } = await ann.start(steps, { project: "demo" });
  return { app, other, ann, ben, run: run.id };
}

describe.each(BACKENDS)("a failure on %s", (backend) => {
  test("that is reported takes work back from a process that is gone, and from no other", async () => {
    const { app, other, ann, ben, run } = await team(backend);
    const held = await ben.take("ben", { run });
    const report = { type: "agent_crashed", agent: "ben" } as const;
    const early = await app.call("report_failure", { ...report, details: "no answer" });
    expect(early).toMatchObject({
      failure: { id: expect.stringContaining("failure_"), type: "agent_crashed" },
      actions: [{ action: "left_with_holder", task: held.id }],
    });
    await other.close();
    // Nothing has looked since its time was over.
    app.clock.advance(10_000);
    expect((await app.callUnchecked("handle_failure", { ...report, severity: "high" }))["actions"]).toMatchObject([
      { action: "task_taken_back", task: held.id },
      { action: "breaker_counted" },
    ]);
    expect(await ann.take("ann", { run })).toMatchObject({ id: held.id });
    const { events } = await app.call("list_events", { types: ["failure.reported"] });
    expect(events).toMatchObject([
      { agent: "ben", data: { type: "agent_crashed", severity: "medium", details: "no answer", by: "ann" } },
      { agent: "ben", data: { severity: "high", by: "ann" } },
    ]);
  });

  test("that one connection reports again and again counts once, and an open breaker counts none", async () => {
    const { app, other } = await team(backend);
    await other.call("register_agent", { name: "ben" });
    const report = { type: "task_timeout", severity: "high", agent: "ben" } as const;
    const actions = async (by: typeof app) =>
      (await by.call("report_failure", report)).actions.map(({ action }) => action);
    expect(await actions(app)).toEqual(["breaker_counted"]);
    for (let n = 0; n < 5; n++) expect(await actions(app)).toEqual(["noted"]);
    expect(await actions(other)).toEqual(["breaker_counted"]);
    const { breakers } = await app.call("list_circuit_breakers", { target: "ben" });
    expect(breakers).toMatchObject([{ state: "closed", failures: 2 }]);
  });

  test("without its subject, or of an agent that does not exist, is refused and not recorded", async () => {
    const { app } = await team(backend);
    await expect(app.call("report_failure", { type: "agent_unresponsive" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("give agent"),
    });
    await expect(app.call("report_failure", { type: "server_unavailable" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(app.call("report_failure", { type: "agent_crashed", agent: "zoe" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(app.callUnchecked("report_failure", { type: "bad_mood" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect((await app.call("list_events", { types: ["failure.reported"] })).events).toEqual([]);
    expect(await app.call("report_failure", { type: "resource_exhausted", severity: "low" })).toMatchObject({
      actions: [{ action: "noted" }],
    });
  });

  test("is predicted of the agent that keeps failing, with the reason", async () => {
    const { app, ann, ben, run } = await team(backend);
    await ann.complete(await ann.take("ann", { run }));
    for (let n = 0; n < 3; n++) await ben.fail(await ben.take("ben", { run }));
    const { predictions } = await app.call("predict_failures", {});
    expect(predictions.map(({ agent }) => agent)).toEqual(["ben", "ann"]);
    expect(predictions[0]?.reasons).toEqual(["3 of its last 3 attempts failed, 3 of them in a row"]);
    expect(predictions[0]?.probability).toBeGreaterThan(2 * (predictions[1]?.probability ?? 1));
    await expect(app.call("predict_failures", { agent: "zoe" })).rejects.toMatchObject({ code: "not_found" });
  });
});
