import { mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

describe.each(BACKENDS)("route_task on %s", (backend) => {
  async function team(...steps: Step[]) {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    for (const name of ["ann", "ben"]) await call("register_agent", { name, capabilities: ["go"] });
    await call("register_agent", { name: "eve" });
    const { run } = await crew.start(steps);
    const candidates = ["ann", "ben", "eve"];
    /** Has an agent do tasks of a type, well or badly. */
    const show = async (agent: string, outcomes: readonly boolean[]) => {
      const { run: past } = await crew.start(outcomes.map((_, at) => ({ key: `t${at}`, type: "port" })));
      for (const isWell of outcomes) {
        const held = await crew.take(agent, { run: past.id });
        await (isWell ? crew.complete(held) : crew.fail(held, "broken", { retryable: false }));
      }
    };
    return { crew, call, run: run.id, candidates, show };
  }

  const port = (key: string, more: Partial<Step> = {}): Step => ({ key, type: "port", requires: ["go"], ...more });

  test("ranks the agents that can take a task by what they have shown, then those that cannot", async () => {
    const { call, run, candidates, show } = await team(port("a"));
    await show("ben", [true, true, true, true, true, true]);
    await show("ann", [true, true, false]);
    const { ranking, strategy, task_type, assigned } = await call("route_task", {
      task: `${run}/a`,
      candidates,
      strategy: "performance",
    });
    expect(ranking.map(({ agent, feasible }) => [agent, feasible])).toEqual([
      ["ben", true],
      ["ann", true],
      ["eve", false],
    ]);
    expect([strategy, task_type, assigned]).toEqual(["performance", "port", undefined]);
    expect(ranking[2]).toMatchObject({ score: 0, lacks: ["capability"], parts: { capability: 0 } });
    expect(ranking[0]?.parts["specialization"]).toBeGreaterThan(0.8);
    expect(ranking[1]?.parts["specialization"]).toBeLessThan(0.8);
    const { task } = await call("get_task", { task: `${run}/a` });
    expect(task.reserved_for).toBeUndefined();
  });

  test("reserves the task for the best with dry_run: false, and its history keeps the candidates", async () => {
    const { crew, call, run, candidates } = await team(port("a"));
    await call("register_agent", { name: "ben", specialization: { port: 1 } });
    const { assigned } = await call("route_task", {
      task: `${run}/a`,
      candidates,
      strategy: "capability",
      dry_run: false,
    });
    const { task, events = [] } = await call("get_task", { task: `${run}/a`, include: ["events"] });
    expect([assigned, task.reserved_for]).toEqual(["ben", "ben"]);
    const routed = events.find(({ type }) => type === "task.routed");
    expect(routed).toMatchObject({
      agent: "ben",
      data: { by: "capability", task_type: "port", candidates: [{ agent: "ben" }, { agent: "ann" }, { agent: "eve" }] },
    });
    const { routing } = await call("get_task", { task: `${run}/a`, include: ["routing"] });
    expect(routing).toMatchObject({
      agent: "ben",
      by: "capability",
      candidates: [{ agent: "ben", parts: { specialization: expect.any(Number) } }, {}, { gaps: ["capability"] }],
    });
    expect((await crew.claim("ann", { run })).outcome).toBe("none");
    expect(await crew.claim("ben", { run })).toMatchObject({
      task: { key: "a" },
      routing: {
        by: "capability",
        candidates: ["ben", "ann", "eve"].map((agent) => ({ agent, score: expect.any(Number) as number })),
        read: { tool: "get_task", arguments: { task: task.id, include: ["routing"] } },
      },
    });
  });

  test("shows the newest choice of a task, and none where no agent was chosen", async () => {
    const { call, run, candidates } = await team(port("a"), port("b"));
    for (const strategy of ["capability", "round_robin"] as const)
      await call("route_task", { task: `${run}/a`, candidates, strategy, dry_run: false });
    const routing = async (key: string) =>
      (await call("get_task", { task: `${run}/${key}`, include: ["routing"] })).routing;
    expect(await routing("a")).toMatchObject({ by: "round_robin" });
    expect(await routing("b")).toEqual({
      candidates: [],
      detail: "No agent was chosen for it: route_task ranks them.",
    });
  });

  test("counts what agents run, what they did for the task, their feedback and their persona", async () => {
    const { crew, call, run, candidates } = await team({ key: "first" }, port("a", { needs: ["first"] }), port("b"));
    const first = await crew.take("ann", { run });
    await crew.complete(first);
    await call("give_feedback", { task: first.id, score: -1, by: "ben" });
    await crew.take("ben", { run });
    await call("register_agent", { name: "ann", persona: { cognitive_style: "analytical", creativity: 0.2 } });
    const persona = { cognitive_style: "analytical", creativity: 0.7 };
    const { ranking, strategy } = await call("route_task", { task: `${run}/a`, candidates, ...persona });
    const parts = Object.fromEntries(ranking.map((one) => [one.agent, one.parts]));
    expect(strategy).toBe("adaptive");
    expect(parts["ann"]).toMatchObject({ load: 1, context: 1, persona: 0.75 });
    expect(parts["ben"]).toMatchObject({ load: 0, context: 0, persona: 0.5 });
    expect(parts["ann"]?.["specialization"]).toBeLessThan(parts["ben"]?.["specialization"] ?? 0);
  });

  test("counts as context what an agent did for the task, and the files of the task that it has locked", async () => {
    const files = { write: ["src/a.ts", "src/b.ts"] };
    const { crew, call, run, candidates } = await team({ key: "first" }, port("a", { needs: ["first"], files }));
    const contexts = async () => {
      const { ranking } = await call("route_task", { task: `${run}/a`, candidates });
      return Object.fromEntries(ranking.map(({ agent, parts }) => [agent, parts["context"]]));
    };
    expect(await contexts()).toEqual({ ann: 0, ben: 0, eve: 0 });
    await call("acquire_file_lock", { agent: "ben", paths: ["src/b.ts"] });
    await call("acquire_file_lock", { agent: "eve", paths: ["src/a.ts"], mode: "intent" });
    expect(await contexts()).toEqual({ ann: 0, ben: 0.25, eve: 0 });
    await crew.complete(await crew.take("ann", { run }));
    expect(await contexts()).toEqual({ ann: 0.5, ben: 0.25, eve: 0 });
  });

  test("counts as context that an agent works in the tree in which a dependency was done", async () => {
    const [runtime, { location: database }] = [testRuntime(), await createDatabase(backend)];
    const storeHooks = { now: () => runtime.clock.now() };
    const [here, there] = await Promise.all(
      ["here", "there"].map(async (name) => {
        const cwd = path.join(temporaryDirectory(), name);
        mkdirSync(path.join(cwd, ".git"), { recursive: true });
        return new Crew(await startApp({ runtime, database, storeHooks, cwd }));
      }),
    );
    for (const agent of ["ann", "ben"]) await here!.app.call("register_agent", { name: agent, capabilities: ["go"] });
    await there!.app.call("register_agent", { name: "cid", capabilities: ["go"] });
    const { run } = await here!.start([{ key: "first" }, port("a", { needs: ["first"] })]);
    await here!.complete(await here!.take("ann", { run: run.id }));
    const candidates = ["ann", "ben", "cid"];
    const { ranking } = await here!.app.call("route_task", { task: `${run.id}/a`, candidates });
    const contexts = Object.fromEntries(ranking.map(({ agent, parts }) => [agent, parts["context"]]));
    expect(contexts).toEqual({ ann: 1, ben: 0.5, cid: 0 });
  });

  test("goes by the ways of working and the quality that a step asks for, unless the call says others", async () => {
    const asks = { cognitive_style: "analytical", creativity: 0.2, quality: 1 };
    const { call, run, candidates } = await team(port("a", asks));
    await call("register_agent", { name: "ann", persona: { cognitive_style: "analytical", creativity: 0.7 } });
    const partsOf = async (more: object = {}) => {
      const { ranking } = await call("route_task", { task: `${run}/a`, candidates, ...more });
      return ranking.find(({ agent }) => agent === "ann")?.parts;
    };
    expect(await partsOf()).toMatchObject({ persona: 0.75, quality: 0.8 });
    expect(await partsOf({ creativity: 0.7, quality: 0.8 })).toMatchObject({ persona: 1, quality: 1 });
    const renamed = { creativity_requirements: 0.7, expected_quality_threshold: 0.4 };
    expect(await partsOf(renamed)).toMatchObject({ persona: 1, quality: 1 });
    await call("modify_run", { run, changes: [{ op: "update_task", task: "a", set: { creativity: 0.7 } }] });
    expect(await partsOf()).toMatchObject({ persona: 1, quality: 0.8 });
  });

  test("goes by the run's mode, and by a goal that is named", async () => {
    const { call, candidates } = await team(port("a"));
    const definition = { name: "plan", steps: [{ ...port("b"), prompt: "do b" }] };
    const { session } = await call("create_session", { mode: "fault_tolerant" });
    const { run } = await call("execute_workflow", { definition, session: session.id });
    const by = async (more: object) =>
      (await call("route_task", { task: `${run.id}/b`, candidates, ...more })).strategy;
    expect([await by({}), await by({ optimization_goal: "speed" })]).toEqual(["mode fault_tolerant", "goal speed"]);
  });

  test("is the same ranking each time with learning off", async () => {
    const { crew, call, run, candidates, show } = await team(port("a"));
    const order = async () => (await call("route_task", { task: `${run}/a`, candidates })).ranking;
    await call("update_agent", { agent: "ann", specialization: { port: 1 } });
    await show("ben", [true, true, true, true, true, true]);
    await show("ann", [false, false, false]);
    expect((await order())[0]?.agent).toBe("ben");
    await call("configure", { settings: { learning_enabled: false } });
    const first = await order();
    await crew.app.advance(86_400_000);
    for (const name of candidates) await call("agent_heartbeat", { agent: name });
    expect([await order(), await order()]).toEqual([first, first]);
    // By what is declared, whatever was learned before.
    expect(first.map(({ agent }) => agent)).toEqual(["ann", "ben", "eve"]);
  });

  test("sees the circuit breaker of an agent that is not named, and takes a key such as constructor for no area", async () => {
    const { crew, call, run } = await team(port("constructor", { type: undefined }));
    await call("update_agent", { agent: "ann", specialization: { go: 1 } });
    const past = await crew.start(
      Array.from({ length: 7 }, (_, at) => ({ key: `t${at}`, retry: { max_attempts: 1 } })),
    );
    await crew.complete(await crew.take("ben", { run: past.run.id }));
    const other = await crew.start([{ key: "x" }], { project: "personal" });
    await crew.complete(await crew.take("ben", { run: other.run.id }));
    for (let n = 0; n < 5; n++) await crew.fail(await crew.take("ann", { run: past.run.id }));
    const { ranking } = await call("route_task", { task: `${run}/constructor` });
    expect(ranking.every(({ score }) => Number.isFinite(score))).toBe(true);
    expect(ranking.find(({ agent }) => agent === "ann")).toMatchObject({ feasible: false, lacks: ["breaker_open"] });
  });

  test("finds the agents that can take a task behind any number of others, and their evidence", async () => {
    const { call, run, show } = await team(port("a"));
    await show("ben", [true, true, true]);
    for (let at = 0; at < 101; at++) await call("register_agent", { name: `other${at}`, roles: ["writer"] });
    const { ranking } = await call("route_task", { task: `${run}/a`, strategy: "performance" });
    expect(ranking.slice(0, 3).map(({ agent, feasible }) => [agent, feasible])).toEqual([
      ["ben", true],
      ["ann", true],
      [expect.stringMatching(/^other/), false],
    ]);
    expect(ranking).toHaveLength(100);
  });

  test("takes turns with round_robin: what is kept for an agent, or runs, counts as its turn", async () => {
    const { crew, call, run } = await team(...["a", "b", "c", "d", "e"].map((key) => port(key)));
    const route = async (key: string) => {
      const asked = { task: `${run}/${key}`, candidates: ["ann", "ben"], dry_run: false };
      return (await call("route_task", { ...asked, strategy: "round_robin" })).assigned;
    };
    expect([await route("a"), await route("b"), await route("c"), await route("d")]).toEqual([
      "ann",
      "ben",
      "ann",
      "ben",
    ]);
    await crew.app.advance(1_000);
    await crew.take("ann", { run });
    expect(await route("e")).toBe("ben");
  });

  test("keeps no task for a conversation that only plans, unless it is named", async () => {
    const { crew, call, run } = await team(port("a", { requires: [] }), { key: "b" });
    await call("give_feedback", { agent: "ann", score: 1, by: "pia" });
    const ranked = async (more: { candidates?: string[] } = {}) =>
      (await call("route_task", { task: `${run}/a`, ...more })).ranking.map(({ agent }) => agent).toSorted();
    expect(await ranked()).toEqual(["ann", "ben"]);
    expect(await ranked({ candidates: ["pia"] })).toEqual(["pia"]);
    await crew.take("pia", { run });
    expect(await ranked()).toEqual(["ann", "ben", "pia"]);
  });

  test("refuses unknown strategies and candidates, tasks that are held, and tasks that no candidate can take", async () => {
    const { crew, call, run, candidates } = await team(port("a"), port("b"));
    const { app } = crew;
    const refused = async (input: object) => app.callUnchecked("route_task", { task: `${run}/a`, ...input });
    const both = { strategy: "performance", optimization_goal: "speed" };
    await expect(refused(both)).rejects.toThrow(/"performance".*"speed".*give one/);
    await expect(refused({ strategy: "best" })).rejects.toThrow(/adaptive.*round_robin/s);
    await expect(refused({ candidates: ["anne"] })).rejects.toThrow(/no agent "anne".*ann/s);
    await expect(refused({ candidates: ["eve"], dry_run: false })).rejects.toThrow(/eve \(capability\)/);
    await crew.take("ann", { run });
    await expect(refused({ candidates, dry_run: false })).rejects.toThrow(/running by ann/);
    const { task } = await call("get_task", { task: `${run}/a` });
    expect(task.reserved_for).toBeUndefined();
  });
});
