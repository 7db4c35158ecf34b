import os from "node:os";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, createEmptyDatabase } from "../support/databases/databases.js";
import { startApp, startAppOn, type TestAppOptions } from "../support/servers/app.js";
import { connectClient } from "../support/servers/client.js";

const GPU = { id: "gpu_1", type: "gpu", capacity: { units: 4 } } as const;

describe.each(BACKENDS)("resources on %s", (backend) => {
  async function lab(options: TestAppOptions = {}) {
    const app = await startAppOn(backend, options);
    for (const name of ["ann", "ben", "eve"]) await app.call("register_agent", { name });
    await app.call("register_resource", GPU);
    const allocate = (agent: string, units: number, more: Record<string, unknown> = {}) =>
      app.call("allocate_resources", { agent, requirements: { gpu_1: { units } }, ...more });
    const gpu = async () => (await app.call("list_resources", {})).resources.find(({ id }) => id === "gpu_1");
    return { app, call: app.call, allocate, gpu };
  }

  test("are allocated whole or not at all, and never beyond their capacity", async () => {
    const { call, allocate, gpu } = await lab();
    const first = await allocate("ann", 3);
    expect(first).toMatchObject({
      outcome: "allocated",
      allocation: { holder: "ann", resources: { gpu_1: { units: 3 } } },
    });
    expect(await allocate("ben", 2)).toEqual({
      outcome: "refused",
      missing: [{ resource: "gpu_1", unit: "units", wanted: 2, free: 1, held_by: ["ann"] }],
    });
    const both = { gpu_1: { units: 1 }, cpu: { cores: 1_000_000 } };
    expect(await call("allocate_resources", { agent: "ben", requirements: both })).toMatchObject({
      outcome: "refused",
      missing: [{ unit: "cores", never: true }],
    });
    expect(await gpu()).toMatchObject({ capacity: { units: 4 }, allocated: { units: 3 }, utilisation: 0.75 });
    await call("deallocate_resources", { agent: "ann" });
    expect((await allocate("ben", 4)).outcome).toBe("allocated");
    expect(await gpu()).toMatchObject({
      allocated: { units: 4 },
      waiting: {},
      holders: [{ holder: "ben", amount: { units: 4 } }],
    });
  });

  test("are freed by the tick when their time is over, and by the next request where no tick came by", async () => {
    const { app, allocate, gpu } = await lab();
    await allocate("ann", 4, { ttl_seconds: 60 });
    await app.advance(61_000);
    expect(await gpu()).toMatchObject({ allocated: { units: 0 }, holders: [] });
    await allocate("ann", 4, { ttl_seconds: 60 });
    app.clock.advance(61_000);
    expect((await allocate("ben", 4)).outcome).toBe("allocated");
  });

  test("go to who waits when the lease of an agent whose process was killed is over", async () => {
    const database = (await createDatabase(backend)).location;
    const [holder, waiter] = [await connectClient({ database }), await connectClient({ database })];
    await holder.perform("register_resource", { agent: "ann", ...GPU });
    const all = { requirements: { gpu_1: { units: 4 } } };
    const held = await holder.perform("allocate_resources", { agent: "ann", ...all, ttl_seconds: 3 });
    holder.server.child.kill("SIGKILL");
    const next = await waiter.perform("allocate_resources", { agent: "ben", ...all, wait_seconds: 40 });
    expect(next).toMatchObject({ outcome: "allocated", allocation: { holder: "ben", state: "held" } });
    const { events } = await waiter.query("list_events", { types: ["resource.freed"] });
    const [freed] = events;
    expect(freed).toMatchObject({ agent: "ann", data: { how: "expired" } });
    expect(Date.parse(freed?.at ?? "")).toBeGreaterThanOrEqual(
      Date.parse((held["allocation"] as { expires_at: string }).expires_at),
    );
  });

  test("are freed once where two processes free the same at once", async () => {
    const database = (await createDatabase(backend)).location;
    const [one, other] = [await startApp({ database }), await startApp({ database })];
    for (const name of ["ann", "ben"]) await one.call("register_agent", { name });
    await one.call("register_resource", GPU);
    const allocate = (agent: string) =>
      one.call("allocate_resources", { agent, requirements: { gpu_1: { units: 2 } }, ttl_seconds: 600 });
    await allocate("ben");
    for (let round = 0; round < 20; round++) {
      const { allocation } = await allocate("ann");
      const free = { agent: "ann", allocation: allocation?.id };
      const freed = await Promise.allSettled([one, other].map(({ call }) => call("deallocate_resources", free)));
      expect(freed.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const { resources } = await one.call("list_resources", {});
      expect(resources).toContainEqual(expect.objectContaining({ id: "gpu_1", allocated: { units: 2 } }));
    }
  });

  test("are not touched in a database that has lost the row by which they are locked", async () => {
    // One of its own: other tests use what createDatabase gives again.
    const database = await createEmptyDatabase(backend);
    const { call } = await startApp({ database: database.location });
    await call("register_resource", { agent: "ann", ...GPU });
    const store = await database.open();
    await store.transact(function* () {
      yield ["DELETE FROM resource_queue"];
    });
    const asked = { agent: "ann", requirements: { gpu_1: { units: 1 } } };
    await expect(call("allocate_resources", asked)).rejects.toThrow(/internal/i);
    const { resources } = await call("list_resources", {});
    expect(resources).toContainEqual(expect.objectContaining({ id: "gpu_1", allocated: { units: 0 } }));
  });

  test("are not kept for a caller that goes away while it waits for them", async () => {
    const { call, allocate, gpu } = await lab();
    await allocate("ann", 4);
    const gone = new AbortController();
    const asked = { agent: "ben", requirements: { gpu_1: { units: 2 } }, wait_seconds: 600 };
    const waiting = call("allocate_resources", asked, { signal: gone.signal });
    await expect.poll(async () => (await gpu())?.waiting).toEqual({ units: 2 });
    gone.abort();
    await waiting;
    expect(await gpu()).toMatchObject({ waiting: {}, allocated: { units: 4 } });
    await call("deallocate_resources", { agent: "ann" });
    expect(await gpu()).toMatchObject({ allocated: { units: 0 }, holders: [] });
  });

  test("keep the place of a large request in line from small ones that come later", async () => {
    const { call, allocate, gpu } = await lab();
    await allocate("ann", 3);
    const large = allocate("ben", 4, { wait_seconds: 30 });
    await expect.poll(async () => (await gpu())?.waiting).toEqual({ units: 4 });
    expect(await allocate("eve", 1)).toMatchObject({ outcome: "refused", missing: [{ free: 0, held_by: ["ann"] }] });
    await call("deallocate_resources", { agent: "ann" });
    expect(await large).toMatchObject({ outcome: "allocated", allocation: { holder: "ben", state: "held" } });
  });

  test("are kept for a while for a request that was served after its caller had stopped waiting", async () => {
    const { app, call, allocate, gpu } = await lab();
    await allocate("ann", 4);
    expect(await allocate("ben", 2, { wait_seconds: 0.05 })).toMatchObject({
      outcome: "waiting",
      missing: [{ wanted: 2 }],
    });
    await call("deallocate_resources", { agent: "ann" });
    // Offered, so not free for others.
    expect(await gpu()).toMatchObject({ allocated: { units: 2 }, holders: [{ holder: "ben" }] });
    expect((await allocate("eve", 3)).outcome).toBe("refused");
    expect(await allocate("ben", 2)).toMatchObject({ outcome: "allocated", allocation: { state: "held" } });
    await call("deallocate_resources", { agent: "ben" });
    await allocate("ann", 4);
    await allocate("ben", 2, { wait_seconds: 0.05 });
    await app.advance(61_000);
    expect(await gpu()).toMatchObject({ waiting: {} });
  });

  test("are served by the smallest dominant share among those who wait", async () => {
    const { call, allocate, gpu } = await lab();
    await allocate("eve", 1);
    await allocate("ann", 3);
    await allocate("eve", 2, { wait_seconds: 0.05 });
    await allocate("ben", 2, { wait_seconds: 0.05 });
    await call("deallocate_resources", { agent: "ann" });
    // Eve asked first, and has some of it already.
    expect(await gpu()).toMatchObject({
      allocated: { units: 3 },
      waiting: { units: 2 },
      holders: [{ holder: "eve" }, { holder: "ben" }],
    });
  });

  test("have no more users at once than their limit", async () => {
    const { call, allocate } = await lab();
    await call("register_resource", { ...GPU, limits: { max_concurrent_users: 1 } });
    await allocate("ann", 1);
    expect((await allocate("ann", 1)).outcome).toBe("allocated");
    expect(await allocate("ben", 1)).toMatchObject({
      outcome: "refused",
      missing: [{ resource: "gpu_1", held_by: ["ann"], detail: expect.stringContaining("max_concurrent_users") }],
    });
  });

  test("keep their limit of users when they are registered without one, and have none below their users", async () => {
    const { call, allocate, gpu } = await lab();
    const limited = (max_concurrent_users: number) =>
      call("register_resource", { ...GPU, limits: { max_concurrent_users } });
    await limited(2);
    await allocate("ann", 1);
    await allocate("ben", 1);
    await expect(limited(1)).rejects.toMatchObject({
      code: "conflict",
      details: { resource: "gpu_1", users: 2, max_concurrent_users: 1, holders: ["ann", "ben"] },
    });
    await call("register_resource", { ...GPU, capacity: { units: 8 } });
    expect(await gpu()).toMatchObject({ capacity: { units: 8 }, limits: { max_concurrent_users: 2 } });
    expect((await allocate("eve", 1)).outcome).toBe("refused");
    await call("register_resource", { ...GPU, limits: {} });
    expect(await gpu()).not.toHaveProperty("limits");
  });

  test("may be called as every object's own properties are", async () => {
    const { call } = await lab();
    await call("register_resource", { ...GPU, id: "constructor" });
    const { resources } = await call("list_resources", {});
    expect(resources.find(({ id }) => id === "constructor")).toMatchObject({ waiting: {} });
  });

  test("go back when the agent that has them is taken out", async () => {
    const { call, allocate, gpu } = await lab();
    await allocate("ann", 4);
    await call("unregister_agent", { agent: "ann" });
    expect(await gpu()).toMatchObject({ allocated: { units: 0 } });
  });

  test("refuse what cannot be, and change nothing", async () => {
    const { app, allocate, gpu } = await lab();
    const { allocation } = await allocate("ann", 3);
    const refused: readonly [string, Record<string, unknown>, string, Record<string, unknown>][] = [
      ["register_resource", { ...GPU, capacity: { units: 2 } }, "conflict", { allocated: 3, holders: ["ann"] }],
      ["register_resource", { ...GPU, capacity: { cards: 9 } }, "conflict", { unit: "units" }],
      ["allocate_resources", { holder: "nobody", requirements: { gpu_1: { units: 1 } } }, "not_found", {}],
      ["allocate_resources", { requirements: { gpu_2: { units: 1 } } }, "not_found", { resource: "gpu_2" }],
      ["allocate_resources", { requirements: { gpu_1: { gb: 1 } } }, "invalid_input", { units: ["units"] }],
      ["allocate_resources", { requirements: {} }, "invalid_input", {}],
      ["deallocate_resources", { allocation: "allocation_0" }, "not_found", {}],
      ["deallocate_resources", { agent: "ben", allocation: allocation?.id }, "not_permitted", { holder: "ann" }],
      ["deallocate_resources", { agent: "ben", holder: "ann" }, "not_permitted", { holder: "ann" }],
    ];
    const before = await gpu();
    for (const [name, input, code, details] of refused)
      await expect(app.callUnchecked(name, input)).rejects.toMatchObject({
        code,
        details: expect.objectContaining(details),
      });
    expect(await gpu()).toEqual(before);
  });
});

describe("the resources of the machine", () => {
  test("are its cores and its memory, without being registered", async () => {
    const { call } = await startApp();
    const { resources } = await call("list_resources", {});
    expect(resources.filter(({ type }) => type !== "gpu")).toMatchObject([
      { type: "cpu", capacity: { cores: os.availableParallelism() }, allocated: { cores: 0 } },
      { type: "memory", capacity: { gb: Math.round((os.totalmem() / 2 ** 30) * 1000) / 1000 } },
    ]);
    const { allocation } = await call("allocate_resources", {
      requirements: { cpu: { cores: 0.5 }, memory: { gb: 0.1 } },
    });
    const [cpu = "", memory = ""] = ["cpu", "memory"].map((of) => resources.find(({ type }) => type === of)?.id);
    expect(allocation?.resources).toEqual({ [cpu]: { cores: 0.5 }, [memory]: { gb: 0.1 } });
    expect((await call("list_resources", {})).resources[0]).toMatchObject({ allocated: { cores: 0.5 } });
  });

  test("are added up where two of their names are required", async () => {
    const { call } = await startApp();
    const [{ id: cpu } = { id: "" }] = (await call("list_resources", {})).resources;
    const { allocation } = await call("allocate_resources", {
      requirements: { cpu: { cores: 0.25 }, [cpu]: { cores: 0.5 } },
    });
    expect(allocation?.resources).toEqual({ [cpu]: { cores: 0.75 } });
  });
});
