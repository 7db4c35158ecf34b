import { describe, expect, it } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { startApp, startAppOn } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

describe("agents", () => {
  it("are registered by name, again and again, keeping what is not said", async () => {
    const { call, callUnchecked } = await startApp();
    expect(
      await call("register_agent", { name: "ann", capabilities: ["python", "sql"], roles: ["backend"] }),
    ).toMatchObject({
      created: true,
      agent: { id: "ann", name: "ann", capabilities: ["python", "sql"], roles: ["backend"], max_concurrent_tasks: 1 },
    });
    expect(await call("register_agent", { name: "ann", max_concurrent_tasks: 3 })).toMatchObject({
      created: false,
      agent: { capabilities: ["python", "sql"], max_concurrent_tasks: 3 },
    });
    expect(await callUnchecked("update_agent_capabilities", { agent: "ann", capabilities: ["go"] })).toBeDefined();
    await expect(call("update_agent", { agent: "anm", roles: [] })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('did you mean "ann"') as string,
    });
  });

  it("may not take the name of a person or of the server", async () => {
    const { call } = await startApp();
    await expect(call("register_agent", { name: "human" })).rejects.toMatchObject({ code: "not_permitted" });
    await expect(call("register_agent", { name: "two words" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("say of their persona what routing compares in its form, and anything else in theirs", async () => {
    const { call, callUnchecked } = await startApp();
    const persona = { cognitive_style: "analytical", creativity: 0.2, motto: ["measure", "twice"] };
    expect((await call("register_agent", { name: "ann", persona })).agent.profile).toEqual({ persona });
    for (const wrong of [{ creativity: 1.5 }, { collaboration: "high" }, { cognitive_style: 3 }]) {
      await expect(callUnchecked("update_agent", { agent: "ann", persona: wrong })).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("persona.") as string,
      });
    }
    expect((await call("get_agent", { agent: "ann" })).agent.profile).toEqual({ persona });
  });

  it("run as many tasks at once as they said", async () => {
    const crew = new Crew(await startApp());
    await crew.app.call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
    const { run } = await crew.start([{ key: "a" }, { key: "b" }, { key: "c" }]);
    const first = await crew.take("ann", { run: run.id });
    const second = await crew.take("ann", { run: run.id });
    expect(second.id).not.toBe(first.id);
    expect(await crew.claim("ann", { run: run.id, fresh: true })).toMatchObject({ reason: "at_capacity" });
    expect(await crew.claim("ann", { run: run.id })).toMatchObject({ resumed: true });
  });

  it("are listed with their load, and filtered by what they offer", async () => {
    const crew = new Crew(await startApp({ agent: "ann" }));
    const { call } = crew.app;
    await call("register_agent", { name: "ann", roles: ["reviewer"], capabilities: ["go"] });
    await call("register_agent", { name: "ben" });
    const { run } = await crew.start([{ key: "a" }]);
    await crew.take("ann", { run: run.id });
    const names = async (filter: Record<string, unknown>) =>
      (await call("list_agents", filter)).agents.map(({ name }) => name);
    expect(await names({})).toEqual(["ann", "ben"]);
    expect(await names({ available: true })).toEqual(["ben"]);
    expect(await names({ role: "reviewer" })).toEqual(["ann"]);
    expect(await names({ capability: "rust" })).toEqual([]);
    const page = await call("list_agents", { limit: 1 });
    expect(page.next_cursor).toBe("ann");
    expect(await names({ cursor: page.next_cursor })).toEqual(["ben"]);
  });

  it("show their figures and health from what is recorded", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "good" }, { key: "bad", retry: { max_attempts: 1 } }]);
    for (let i = 0; i < 2; i++) {
      const held = await crew.take("ann", { run: run.id });
      crew.app.clock.advance(1_000);
      if (held.key === "good") await crew.complete(held);
      else await crew.fail(held);
    }
    const shown = await crew.app.callUnchecked("get_agent_metrics", {
      agent: "ann",
      include: ["health", "metrics", "history"],
    });
    expect(shown).toMatchObject({
      health: { state: "ok", reasons: [] },
      metrics: { attempts: 2, succeeded: 1, failed: 1, lost: 0, success_rate: 0.5, mean_duration_ms: 1_000 },
    });
    expect(shown["history"]).toHaveLength(2);
    expect(shown["workload"]).toBeUndefined();
  });

  it("release their work when they are unregistered", async () => {
    const crew = new Crew(await startApp());
    const { run } = await crew.start([{ key: "a" }]);
    const held = await crew.take("ann", { run: run.id });
    expect(await crew.app.call("unregister_agent", { agent: "ann" })).toMatchObject({ returned: [held.id] });
    await expect(crew.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    expect((await crew.take("ben", { run: run.id })).id).toBe(held.id);
    await expect(crew.app.call("get_agent", { agent: "ann" })).rejects.toMatchObject({ code: "not_found" });
  });

  describe.each(BACKENDS)("that are unregistered, on %s,", (backend) => {
    it("leave no lock, no place in line and no reservation behind", async () => {
      const crew = new Crew(await startAppOn(backend, { settings: { reservation_ms: 3_600_000 } }));
      const { call } = crew.app;
      await call("register_agent", { name: "ann" });
      const { run, ready } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
      await call("assign_task", { task: ready[0]!.id, agent: "ann" });
      await call("assign_task", { task: `${run.id}/b`, agent: "ann" });
      await call("acquire_file_lock", { agent: "ann", paths: ["x"] });
      await call("acquire_file_lock", { agent: "ben", paths: ["y"] });
      const waits = { wait_seconds: 0.001 };
      expect(await call("acquire_file_lock", { agent: "ben", paths: ["x"], ...waits })).toMatchObject({ position: 1 });
      expect(await call("acquire_file_lock", { agent: "ann", paths: ["y"] })).toMatchObject({ outcome: "denied" });
      expect(await call("acquire_file_lock", { agent: "cem", paths: ["z"] })).toMatchObject({ outcome: "granted" });
      await call("acquire_file_lock", { agent: "ann", paths: ["z"], ...waits });
      await call("unregister_agent", { agent: "ann" });
      const { locks } = await call("list_file_locks", {});
      expect(new Set(locks.map((lock) => lock.agent))).toEqual(new Set(["ben", "cem"]));
      const first = await crew.take("cem", { run: run.id });
      await crew.complete(first);
      expect([first.key, (await crew.take("cem", { run: run.id })).key]).toEqual(["a", "b"]);
    });
  });
});
