import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const WAIT = { wait_seconds: 600 };

describe.each(BACKENDS)("a head start on %s", (backend) => {
  /** Ann, who failed three tasks of the type port, and ben, who did four well. */
  async function team(settings: Record<string, unknown> = {}) {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    await call("create_project", { name: "demo" });
    await call("configure", { settings });
    const show = async (agent: string, { count = 4, isWell = true, project = "demo" }) => {
      const steps = Array.from({ length: count }, (_, at) => ({
        key: `t${at}`,
        type: "port",
        retry: { max_attempts: 1 },
      }));
      const { run } = await crew.start(steps, { project });
      for (let at = 0; at < count; at++) {
        const held = await crew.take(agent, { run: run.id });
        await (isWell ? crew.complete(held) : crew.fail(held));
      }
    };
    await show("ann", { count: 3, isWell: false });
    await show("ben", {});
    const plan = async (key: string, more: object = {}) =>
      crew.start([{ key, type: "port", ...more }], { project: "demo" });
    const waiting = async (agent: string) => (await crew.claim(agent, { project: "demo", ...WAIT })).task?.key;
    return { crew, call, plan, waiting, show };
  }

  test("leaves a task that becomes ready to the better of two waiting agents, and other work to the other", async () => {
    const { crew, plan, waiting } = await team();
    const { run } = await crew.start(
      [
        { key: "first", type: "other" },
        { key: "a", type: "port", needs: ["first"] },
      ],
      {
        project: "demo",
      },
    );
    const first = await crew.take("eve", { run: run.id });
    const [ann, ben] = [waiting("ann"), waiting("ben")];
    await crew.complete(first);
    expect(await ben).toBe("a");
    await plan("b", { type: "other" });
    expect(await ann).toBe("b");
  });

  test("is kept with the task it decided: by the agent it was left to, and by one that took it in its place", async () => {
    const { crew, call, plan } = await team({ head_start_ms: 10_000 });
    const shown = async (run: { id: string }) =>
      (await call("get_task", { task: `${run.id}/a`, include: ["routing"] })).routing;
    const [ben, ann] = [
      { agent: "ben", score: 0.933, parts: { successes: 4, failures: 0 } },
      { agent: "ann", score: 0.32, parts: { successes: 0, failures: 3 } },
    ];
    const first = await plan("a");
    const answer = await crew.claim("ben", { project: "demo", ...WAIT });
    expect(answer.routing).toMatchObject({ by: "head_start", candidates: [{ agent: "ben" }, { agent: "ann" }] });
    expect(await shown(first.run)).toMatchObject({
      agent: "ben",
      by: "head_start",
      task_type: "port",
      candidates: [ben, ann],
    });
    await call("complete_task", { agent: "ben", task: answer.task?.id ?? "", token: answer.lease?.token ?? 0 });
    const second = await plan("a");
    const late = await crew.claim("ann", { project: "demo", wait_seconds: 1 });
    expect(late.routing?.candidates).toMatchObject([{ agent: "ben" }, { agent: "ann" }]);
    expect(await shown(second.run)).toMatchObject({
      agent: "ann",
      by: "head_start",
      candidates: [{ agent: "ben" }, ann],
    });
    await call("complete_task", { agent: "ann", task: late.task?.id ?? "", token: late.lease?.token ?? 0 });
    const third = await plan("a");
    expect(await crew.claim("ann", { project: "demo" })).not.toHaveProperty("routing");
    expect(await shown(third.run)).toMatchObject({ candidates: [] });
  });

  test("ends after head_start_ms: the waiting claim wakes and takes the task", async () => {
    const { crew, plan, waiting } = await team({ head_start_ms: 100 });
    await plan("a");
    const ann = waiting("ann");
    await crew.app.advance(100);
    expect(await ann).toBe("a");
  });

  test("ends so too where a run and its child run have work of one kind", async () => {
    const { crew, call } = await team({ head_start_ms: 100 });
    await call("create_workflow", {
      project: "demo",
      definition: { name: "inner", steps: [{ key: "y", type: "port", prompt: "p" }] },
    });
    const steps = [{ key: "x", type: "port" }, { key: "child", kind: "workflow", workflow: "inner" } as never];
    const { run } = await crew.start(steps, { project: "demo" });
    const ann = crew.claim("ann", { run: run.id, ...WAIT });
    await crew.app.advance(100);
    expect((await ann).outcome).toBe("claimed");
  });

  test("leaves nothing lying at the end of the wait", async () => {
    const { crew, plan } = await team({ head_start_ms: 10_000 });
    await plan("a");
    expect((await crew.claim("ann", { project: "demo", wait_seconds: 1 })).task?.key).toBe("a");
  });

  test("is none before an agent that works in other projects alone", async () => {
    const { crew, call, plan, waiting, show } = await team({ head_start_ms: 10_000 });
    await call("create_project", { name: "elsewhere" });
    await show("eve", { project: "elsewhere" });
    await plan("busy", { type: "other" });
    await crew.take("ben", { project: "demo" });
    await plan("a");
    expect(await waiting("ann")).toBe("a");
  });

  test("is none for an agent that does not wait, nor with head_start_ms: 0 or learning off", async () => {
    const { crew, call, plan, waiting } = await team();
    await plan("a");
    const held = await crew.take("ann", { project: "demo" });
    expect(held.key).toBe("a");
    await crew.complete(held);
    for (const [at, settings] of [{ head_start_ms: 0 }, { head_start_ms: 10_000, learning_enabled: false }].entries()) {
      await call("configure", { settings });
      await plan(`more${at}`);
      expect(await waiting("ann")).toBe(`more${at}`);
      await crew.complete(await crew.take("ann", { project: "demo" }));
    }
  });

  test("is none before an agent that is at work, lacks what the task requires or has not called lately", async () => {
    const { crew, call, plan, waiting } = await team({ head_start_ms: 10_000 });
    const next = async (key: string, more: object = {}) => {
      await plan(key, more);
      expect(await waiting("ann")).toBe(key);
      await crew.complete(await crew.take("ann", { project: "demo" }));
    };
    await call("register_agent", { name: "ann", capabilities: ["go"] });
    await next("in-go", { requires: ["go"] });
    await plan("busy", { type: "other" });
    const held = await crew.take("ben", { project: "demo" });
    await next("beside");
    await crew.complete(held);
    for (let n = 0; n < 6; n++) {
      await call("agent_heartbeat", { agent: "ann" });
      await crew.app.advance(5_000);
    }
    await next("late");
  });
});
