import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { contention, HOUR, writes } from "../support/days/contention.js";

describe.each(BACKENDS)("conflicts on %s", (backend) => {
  test("tasks whose files overlap and that no dependency orders are found, once, until an order is given", async () => {
    const { call, run, detect } = await contention(backend, [
      writes("a", "src/**"),
      writes("b", "src/b.ts"),
      writes("c", "src/c.ts", { needs: ["a"] }),
      writes("d", "docs/d.md"),
    ]);
    const [found, ...others] = await detect();
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: "overlapping_scopes", run, status: "open" });
    expect(found?.parties.map(({ key, paths }) => [key, paths])).toEqual([
      ["a", ["src/**"]],
      ["b", ["src/**"]],
    ]);
    expect((await detect()).map(({ id }) => id)).toEqual([found?.id]);
    await call("modify_run", { run, changes: [{ op: "add_dependency", task: "b", on: "a" }] });
    expect(await detect()).toEqual([]);
    expect((await call("list_conflicts", { run })).conflicts).toMatchObject([{ id: found?.id, status: "gone" }]);
    await call("modify_run", { run, changes: [{ op: "remove_dependency", task: "b", on: "a" }] });
    expect(await detect()).toMatchObject([{ id: found?.id, status: "open" }]);
  });

  test("a lock that agents and tasks wait for is found with who holds it and who waits", async () => {
    const { crew, call, run, detect } = await contention(backend, [
      writes("a", "src/a.ts"),
      writes("b", "src/a.ts", { needs: [] }),
    ]);
    await crew.take("ann", { run });
    expect((await crew.claim("ben", { run })).outcome).toBe("none");
    await call("acquire_file_lock", { project: "shop", agent: "eve", paths: ["src/a.ts"], wait_seconds: 0.01 });
    const found = (await detect()).find(({ kind }) => kind === "lock_contention");
    expect(found?.parties).toMatchObject([
      { role: "holds", agent: "ann", key: "a", paths: ["src/a.ts"] },
      { role: "waits", agent: "eve", paths: ["src/a.ts"] },
      { role: "waits", key: "b" },
    ]);
  });

  test("the paths that agents stood in line for longest are named with how long, waits that go on among them", async () => {
    const { app, call, lock } = await contention(backend, [{ key: "a" }]);
    const waited = async () => (await call("detect_conflicts", { project: "shop" })).waited_for;
    await lock("ann", ["x.ts"]);
    await lock("ann", ["y.ts"]);
    expect(await waited()).toBeUndefined();
    await lock("ben", ["x.ts"], { wait_seconds: 0.01 });
    await lock("eve", ["x.ts", "y.ts"], { wait_seconds: 0.01 });
    app.clock.advance(10_000);
    await call("release_file_lock", { project: "shop", agent: "ann", paths: ["x.ts"] });
    app.clock.advance(5_000);
    expect(await waited()).toEqual([
      { path: "x.ts", waits: 2, waited_ms: 25_000 },
      { path: "y.ts", waits: 1, waited_ms: 15_000 },
    ]);
  });

  test("agents that wait for each other over a lock and an allocation are found, and one that can get on is not", async () => {
    const { call, detect } = await contention(backend, [{ key: "a" }]);
    await call("register_resource", { id: "gpu", type: "gpu", capacity: { units: 2 } });
    const allocate = (agent: string, units: number, wait_seconds = 0) =>
      call("allocate_resources", { agent, requirements: { gpu: { units } }, wait_seconds });
    const lock = (agent: string, wait_seconds = 0) =>
      call("acquire_file_lock", { project: "shop", agent, paths: ["a.ts"], wait_seconds });
    await allocate("ann", 1);
    await allocate("eve", 1);
    await lock("ben");
    await lock("ann", 0.01);
    await allocate("ben", 1, 0.01);
    // Eve may end, and then Ben has what it waits for.
    expect((await detect()).map(({ kind }) => kind).toSorted()).toEqual(["lock_contention", "resources"]);
    await call("deallocate_resources", { agent: "eve" });
    await call("deallocate_resources", { agent: "ben" });
    await allocate("ann", 1);
    await lock("ann", 0.01);
    await allocate("ben", 1, 0.01);
    const cycle = (await detect()).find(({ kind }) => kind === "wait_cycle");
    expect(cycle?.parties.map(({ agent }) => agent).toSorted()).toEqual(["ann", "ben"]);
  });

  test("tasks of one agent that cannot all end by their deadline are found", async () => {
    const { app, call, detect } = await contention(backend, [{ key: "other" }]);
    const start = async (name: string, hours: number) => {
      const deadline = new Date(app.clock.now() + hours * HOUR).toISOString();
      const definition = { name, steps: [{ key: name, prompt: "do it", estimate_ms: HOUR }] };
      const { run } = await call("execute_workflow", { project: "shop", definition, deadline });
      await call("assign_task", { task: `${run.id}/${name}`, agent: "ann" });
    };
    await start("slow", 2.8);
    await start("late", 2.5);
    expect(await detect()).toEqual([]);
    await start("urgent", 2.75);
    const [clash, ...others] = await detect();
    expect(others).toEqual([]);
    expect(clash).toMatchObject({ kind: "deadline" });
    expect(clash?.parties.map(({ key }) => key).toSorted()).toEqual(["late", "slow", "urgent"]);
  });

  test("a conflict that is still there after its time is escalated, and one that is gone is not", async () => {
    const { app, crew, call, run, detect, conflicts, lock } = await contention(backend, [
      writes("a", "y.ts"),
      writes("b", "z.ts"),
      writes("c", "z.ts"),
    ]);
    await lock("ann", ["y.ts"]);
    await lock("ann", ["z.ts"]);
    expect((await crew.claim("ben", { run })).outcome).toBe("none");
    expect(await detect()).toHaveLength(3);
    await call("release_file_lock", { project: "shop", agent: "ann", paths: ["z.ts"] });
    await app.advance(300_000);
    const found = await conflicts();
    const statuses = new Map(
      found.map(({ kind, detail, status }) => [`${kind} ${/[yz].ts/.exec(detail)?.[0]}`, status]),
    );
    expect(Object.fromEntries(statuses)).toEqual({
      "lock_contention y.ts": "escalated",
      "lock_contention z.ts": "gone",
      // Their locks keep the tasks apart, and no agent waits for an answer.
      "overlapping_scopes z.ts": "open",
    });
    const asked = async () => (await call("list_escalations", { project: "shop" })).escalations;
    expect((await asked()).map(({ id }) => id)).toEqual(found.flatMap(({ escalation }) => escalation ?? []));
    await call("release_file_lock", { project: "shop", agent: "ann", paths: ["y.ts"] });
    await app.advance(300_000);
    expect((await call("list_escalations", { project: "shop", status: "void" })).escalations).toHaveLength(1);
  });
});
