import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const HOUR = 3_600_000;
const work = (key: string, more: Partial<Step> = {}): Step => ({ key, estimate_ms: HOUR, ...more });

describe.each(BACKENDS)("load on %s", (backend) => {
  async function team(...steps: Step[]) {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    await call("register_agent", { name: "ann", capabilities: ["go"] });
    await call("register_agent", { name: "ben", capabilities: ["go"], max_concurrent_tasks: 2 });
    await call("register_agent", { name: "eve" });
    const { run } = await crew.start(steps);
    const keep = async (agent: string, ...keys: string[]) => {
      for (const key of keys) await call("assign_task", { task: `${run.id}/${key}`, agent });
    };
    const keptFor = async () => {
      const { tasks } = await call("list_tasks", { run: run.id });
      return Object.fromEntries(tasks.map(({ key, reserved_for }) => [key, reserved_for]));
    };
    return { crew, call, run: run.id, keep, keptFor, advance: crew.app.advance };
  }

  const go = { requires: ["go"] };

  test("get_workload counts what agents run, what is kept for them, and how evenly it lies", async () => {
    const { crew, call, run, keep } = await team(work("a"), work("b", go), work("c", go), work("d"));
    await crew.take("ben", { run });
    await keep("ben", "b", "c");
    const load = await call("get_workload", {});
    const own = Object.fromEntries(load.agents.map(({ agent, ...figures }) => [agent, figures]));
    expect(own).toMatchObject({
      ann: { present: true, running: 0, reserved: 0, capacity: 1, utilisation: 0, expected_ms: 0 },
      ben: { running: 1, reserved: 2, capacity: 2, utilisation: 0.5, expected_ms: 3 * HOUR },
      eve: { running: 0 },
    });
    // Three hours for two of five places, one of them of the connection itself: the last agent is done after one and a half.
    expect(load).toMatchObject({ utilisation: 0.125, expected_ms: 1.5 * HOUR, efficiency: 0.4 });
    expect(load.variance).toBeCloseTo(0.047, 3);
  });

  test("get_workload tells what agents did in the last hour, and of it only their share", async () => {
    const { crew, call, run, advance } = await team(work("a"));
    const held = await crew.take("ann", { run });
    await advance(HOUR / 2);
    await crew.complete(held);
    const historyOf = async () => (await call("get_workload", {})).agents.find(({ agent }) => agent === "ann")?.history;
    expect(await historyOf()).toEqual({ ended: 1, busy: 0.5 });
    await advance(HOUR - HOUR / 4);
    await call("agent_heartbeat", { agent: "ann" });
    expect(await historyOf()).toEqual({ ended: 1, busy: 0.25 });
  });

  test("get_workload counts attempts that a clock that went back made end before they began", async () => {
    const { crew, call, run, advance } = await team(work("a"));
    const held = await crew.take("ann", { run });
    await advance(-HOUR / 8);
    await crew.complete(held);
    const ann = (await call("get_workload", {})).agents.find(({ agent }) => agent === "ann");
    expect(ann?.history).toEqual({ ended: 1, busy: 0 });
  });

  test("get_workload names what no live agent takes, and how many more agents would shorten what is ready", async () => {
    const steps = Array.from({ length: 6 }, (_, at) => work(`go-${at}`, go));
    const { call } = await team(...steps, work("art", { role: "designer" }));
    const { unserved, scale_hints } = await call("get_workload", {});
    expect(unserved).toMatchObject([{ ready: 1, wants: "the role designer" }]);
    const byKind = scale_hints.toSorted((a, b) => b.ready - a.ready);
    expect(byKind).toMatchObject([
      { roles: [], capabilities: ["go"], ready: 6, capacity: 3, more_agents: 3, now_ms: 2 * HOUR, then_ms: HOUR },
      { roles: ["designer"], ready: 1, capacity: 0, more_agents: 1, now_ms: null, then_ms: HOUR },
    ]);
  });

  test("get_workload gives no hints where they are switched off", async () => {
    const crew = new Crew(await startAppOn(backend, { settings: { predictive_scaling: false } }));
    await crew.start([work("a", { role: "designer" })]);
    expect((await crew.app.call("get_workload", {})).scale_hints).toEqual([]);
  });

  test("optimize_load moves reservations to agents that could take them, so that the last one is done earlier", async () => {
    const { call, keep, keptFor } = await team(work("a", go), work("b", go), work("c", go), work("d", go));
    await keep("ann", "a", "b", "c", "d");
    const planned = await call("optimize_load", { dry_run: true });
    expect(planned).toMatchObject({
      before: { expected_ms: 4 * HOUR },
      after: { expected_ms: 1.5 * HOUR },
      gain_ms: 2.5 * HOUR,
    });
    expect(new Set(Object.values(await keptFor()))).toEqual(new Set(["ann"]));
    const { moves } = await call("optimize_load", {});
    expect(moves).toEqual(planned.moves);
    expect(moves.map(({ from, to }) => [from, to])).toEqual(moves.map(() => ["ann", "ben"]));
    expect(Object.values(await keptFor()).filter((agent) => agent === "ben")).toHaveLength(moves.length);
    expect((await call("optimize_load", {})).moves).toEqual([]);
  });

  test("optimize_load gives nothing to an agent whose breaker is open, nor a task to one that has failed it", async () => {
    const { crew, call, keep } = await team(work("a", go), work("b", go), work("c", go), work("d", go));
    const once = { ...go, retry: { max_attempts: 1 } };
    const tries = Array.from({ length: 6 }, (_, at) => work(`t${at}`, once));
    const { run: past } = await crew.start([...tries, work("ok", go)]);
    await keep("ann", "a", "b", "c", "d");
    for (const _ of tries) await crew.fail(await crew.take("ben", { run: past.id }));
    expect((await call("list_circuit_breakers", {})).breakers).toMatchObject([{ state: "open" }]);
    const { moves } = await call("optimize_load", { dry_run: true });
    expect(moves.filter(({ to }) => to === "ben")).toEqual([]);
  });

  test("optimize_load leaves what agents hold, what is offered to one, and other runs and agents than it is told", async () => {
    const { crew, call, run, keep } = await team(work("held"), work("a"), work("b"), work("c"));
    const held = await crew.take("ann", { run });
    await call("request_handoff", { task: held.id, token: held.token, to: "eve", reason: "you know it" });
    await call("release_task", { task: held.id, token: held.token });
    await keep("eve", "a", "b", "c");
    const { run: other } = await crew.start([work("x")]);
    expect((await call("optimize_load", { run: other.id, dry_run: true })).moves).toEqual([]);
    expect((await call("optimize_load", { agent: "ben", dry_run: true })).moves).toEqual([]);
    const { moves } = await call("optimize_load", {});
    expect(moves.map(({ key }) => key)).not.toContain(held.key);
    expect(moves).toHaveLength(3);
  });

  test("optimize_load of an agent or a run that there is not is refused, and nothing moves", async () => {
    const { call } = await team(work("a"));
    await expect(call("optimize_load", { agent: "nobody" })).rejects.toMatchObject({ code: "not_found" });
    await expect(call("optimize_load", { run: "run_nothing" })).rejects.toMatchObject({ code: "not_found" });
  });
});
