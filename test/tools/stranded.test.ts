import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

/** Ways in which work could be left that no agent can ever do; each was found by a history of test/simulation. */
describe("no run waits for what can no longer come", () => {
  const once = { retry: { max_attempts: 1 } };

  test("a run that is being cancelled reopens nothing", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a", ...once }, { key: "b" }]);
    await crew.fail(await crew.take("ann", { run: run.id }));
    const b = await crew.take("ann", { run: run.id });
    await crew.app.call("control_run", { run: run.id, action: "cancel" });
    await expect(crew.app.call("control_run", { run: run.id, action: "retry_failed" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
    await crew.app.call("release_task", { task: b.id, token: b.token });
    expect((await crew.run(run.id)).status).toBe("cancelled");
  });

  test("an unregistered agent does not release tasks that were to be cancelled", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a" }]);
    await crew.take("ann", { run: run.id });
    await crew.app.call("control_run", { run: run.id, action: "cancel" });
    await crew.app.call("unregister_agent", { agent: "ann" });
    expect((await crew.run(run.id)).status).toBe("cancelled");
  });

  test("a reservation ends with the claim: what comes back comes back to everybody", async () => {
    const crew = new Crew(await startApp());
    const { run, ready } = await crew.start([{ key: "a" }]);
    await crew.app.call("assign_task", { task: ready[0]!.id, agent: (await register(crew, "ann")).name });
    const held = await crew.take("ann", { run: run.id });
    await crew.app.call("release_task", { task: held.id, token: held.token });
    expect((await crew.take("ben", { run: run.id })).id).toBe(held.id);
  });

  test("a reservation of a task that becomes ready later lapses too", async () => {
    const crew = new Crew(await startApp({ settings: { reservation_ms: 60_000 } }));
    await register(crew, "ann");
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const a = await crew.take("ben", { run: run.id });
    await crew.app.call("assign_task", { task: `${run.id}/b`, agent: "ann" });
    await crew.complete(a);
    expect((await crew.claim("ben", { run: run.id })).outcome).toBe("none");
    await crew.app.advance(60_000);
    expect((await crew.take("ben", { run: run.id })).key).toBe("b");
  });

  test("a task reserved when it failed is open to all when it is retried", async () => {
    const crew = new Crew(await startApp({ settings: { reservation_ms: 600_000 } }));
    await register(crew, "ann");
    const { run } = await crew.start([{ key: "a", timeouts: { schedule_to_start: "1m" } }]);
    await crew.app.call("assign_task", { task: `${run.id}/a`, agent: "ann" });
    await crew.app.advance(60_000);
    expect((await crew.run(run.id)).status).toBe("failed");
    await crew.app.call("control_run", { run: run.id, action: "retry_failed" });
    expect((await crew.take("ben", { run: run.id })).key).toBe("a");
  });

  test("a task that timed out while it waited for a retry does not wait for that retry when it is retried", async () => {
    const crew = new Crew(await startApp());
    const retry = { initial_interval_ms: 3_600_000, max_interval_ms: 3_600_000 };
    const { run } = await crew.start([{ key: "a", retry, timeouts: { schedule_to_close: "1m" } }]);
    await crew.fail(await crew.take("ann", { run: run.id }));
    await crew.app.advance(60_000);
    expect((await crew.run(run.id)).status).toBe("failed");
    await crew.app.call("control_run", { run: run.id, action: "retry_failed" });
    expect((await crew.take("ben", { run: run.id })).key).toBe("a");
  });

  test.each([
    ["cancelled", "skipped"],
    ["dead_letter", "blocked"],
  ])("a task made behind one that is %s is %s at once", async (how, becomes) => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a", ...once }, { key: "b" }]);
    if (how === "cancelled") await crew.app.call("cancel_task", { task: `${run.id}/a` });
    else await crew.fail(await crew.take("ann", { run: run.id }), "broken");
    const made = await crew.app.call("create_task", {
      title: "C",
      prompt: "c",
      key: "c",
      run: run.id,
      dependencies: ["a"],
    });
    expect(made.task).toMatchObject({ status: becomes });
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect((await crew.run(run.id)).status).toBe(how === "cancelled" ? "succeeded" : "failed");
  });

  test("a task made for the case that another fails waits for that", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a", ...once }]);
    const mender = { title: "Mend", prompt: "mend", key: "mend", run: run.id, trigger: "one_failed" } as const;
    await expect(crew.app.call("create_task", mender)).rejects.toMatchObject({ code: "invalid_input" });
    await crew.app.call("create_task", { ...mender, dependencies: ["a"] });
    expect((await crew.fail(await crew.take("ann", { run: run.id }))).task.status).toBe("dead_letter");
    expect((await crew.take("ann", { run: run.id })).key).toBe("mend");
  });

  test("a task reopened behind a cancelled one is skipped", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([
      { key: "a", ...once },
      { key: "b", needs: ["a"] },
      { key: "c", needs: ["b"] },
      { key: "d" },
    ]);
    await crew.fail(await crew.take("ann", { run: run.id }));
    await crew.app.call("cancel_task", { task: `${run.id}/b` });
    await crew.app.call("control_run", { run: run.id, action: "retry_failed" });
    expect(await crew.statuses(run.id)).toMatchObject({ a: "ready", b: "cancelled", c: "skipped" });
  });
});

async function register(crew: Crew, name: string): Promise<{ name: string }> {
  await crew.app.call("register_agent", { name });
  return { name };
}
