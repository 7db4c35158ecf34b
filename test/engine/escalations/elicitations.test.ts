import { describe, expect, it } from "vitest";
import type { ElicitationHost } from "../../../src/mcp/elicitation/elicitation-host.js";
import type { Question } from "../../../src/engine/escalations/elicitations.js";
import type { Tx } from "../../../src/store/tx.js";
import { startApp, startAppOn, type TestApp } from "../../support/servers/app.js";
import { BACKENDS, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

const NONE: ReadonlySet<string> = new Set();

describe.each(BACKENDS)("the process that asks a question on %s", (backend) => {
  let others = 1;

  /** Another process on the same database and clock, which has called something. */
  async function another({ database, clock }: TestApp): Promise<TestApp> {
    const runtime = { ...testRuntime((others += 1)), clock };
    const app = await startApp({ database, runtime, storeHooks: { now: () => clock.now() } });
    await app.call("register_agent", { name: `other-${others}` });
    return app;
  }

  async function started(settings = {}, step: object = {}) {
    const app = await startAppOn(backend, { settings });
    const team = new Crew(app);
    const { run } = await team.start([
      { key: "ask", kind: "human", ask: "Go on?", ...step },
      { key: "after", needs: ["ask"] },
    ]);
    return { app, team, run: run.id, host: await app.app.elicitationHost("test") };
  }

  async function asked(host: ElicitationHost, run: string, except = NONE): Promise<Question> {
    const { question } = await host.next({ about: [run], except });
    if (question === undefined) throw new Error("there was nothing to ask");
    return question;
  }

  it("is the first of all that try at once", async () => {
    const { app, host, run } = await started();
    const hosts = [
      host,
      ...(await Promise.all([1, 2].map(async () => (await another(app)).app.elicitationHost("test")))),
    ];
    const question = await asked(host, run);
    const took = await Promise.all(hosts.map((one) => one.take(question)));
    expect(took.filter(Boolean)).toHaveLength(1);
    // It takes it on again; the others still do not.
    expect(await Promise.all(hosts.map((one) => one.take(question)))).toEqual(took);
    await hosts[took.indexOf(true)]?.giveUp(question);
    await hosts[took.indexOf(false)]?.giveUp(question);
    expect(await hosts[took.indexOf(false)]?.take(question)).toBe(true);
  });

  it("is the process that started its run, for two seconds; then any", async () => {
    const { app, host, run } = await started();
    const other = await (await another(app)).app.elicitationHost("test");
    const wanted = { about: [run], except: NONE };
    expect(await asked(host, run)).toMatchObject({
      key: "ask",
      ask: "Go on?",
      startedBy: expect.stringMatching(/^test-/),
      token: 1,
    });
    expect(await other.next(wanted)).toEqual({ pollInMs: 2_000 });
    app.clock.advance(1_999);
    expect(await other.next(wanted)).toEqual({ pollInMs: 1 });
    app.clock.advance(1);
    expect(await other.next(wanted)).toMatchObject({ question: { key: "ask" } });
  });

  it("stays the same while it asks and lives, and is another one once it has ended", async () => {
    const { app, host, run } = await started({ elicitation_timeout_ms: 1_000, session_ttl_ms: 90_000 });
    const other = await another(app);
    const theirs = await other.app.elicitationHost("test");
    const question = await asked(host, run);
    expect(await host.take(question)).toBe(true);
    app.clock.advance(10_000);
    const wanted = { about: [run], except: NONE };
    // Three times the time that a form stands, and a minute; here the process would be given up later than that.
    expect(await theirs.next(wanted)).toEqual({ pollInMs: 53_000 });
    expect(await theirs.take(question)).toBe(false);
    await app.close();
    expect(await theirs.next(wanted)).toEqual({ question });
    expect(await theirs.take(question)).toBe(true);
    await theirs.decide(question, { decision: "approved" });
    expect(await other.call("get_task", { task: question.id, include: ["result"] })).toMatchObject({
      result: { decision: "approved", by: "human@test" },
    });
  });

  it("is another when it has had it for longer than a form can stand", async () => {
    const { app, host, run } = await started({ elicitation_timeout_ms: 1_000, session_ttl_ms: 3_600_000 });
    const theirs = await (await another(app)).app.elicitationHost("test");
    const question = await asked(host, run);
    await host.take(question);
    app.clock.advance(62_999);
    expect(await theirs.take(question)).toBe(false);
    app.clock.advance(1);
    expect(await theirs.take(question)).toBe(true);
    // The former asker gives up a question that is no longer its own.
    await host.giveUp(question);
    expect(await host.take(question)).toBe(false);
  });

  it("does not exist for an hour after a person has put the question off anywhere; a decision is taken all the same", async () => {
    const { app, team, host, run } = await started();
    const theirs = await (await another(app)).app.elicitationHost("test");
    const question = await asked(host, run);
    await host.take(question);
    await host.decide(question, { decision: "deferred", note: "later" });
    app.clock.advance(3_599_999);
    const wanted = { about: [run], except: NONE };
    expect(await Promise.all([host, theirs].map((one) => one.next(wanted)))).toEqual([
      { pollInMs: 1 },
      { pollInMs: 1 },
    ]);
    expect(await theirs.take(question)).toBe(false);
    app.clock.advance(1);
    expect(await asked(theirs, run)).toEqual(question);
    expect(await host.awaitsDecision(question)).toBe(true);
    await host.decide(question, { decision: "rejected" });
    expect(await host.awaitsDecision(question)).toBe(false);
    expect(await team.statuses(run)).toEqual({ ask: "dead_letter", after: "blocked" });
  });

  it("asks the same task anew as another question, whatever was said to the first", async () => {
    const { app, host, run } = await started();
    const first = await asked(host, run);
    await host.decide(first, { decision: "deferred" });
    await host.decide(first, { decision: "rejected" });
    await app.call("control_run", { run, action: "retry_failed" });
    const second = await asked(host, run);
    expect(second).toEqual({ ...first, token: expect.any(Number) });
    expect(second.token).toBeGreaterThan(first.token);
    expect(host.idOf(second)).not.toBe(host.idOf(first));
    expect(await host.awaitsDecision(first)).toBe(false);
    expect(await host.take(first)).toBe(false);
    await expect(host.decide(first, { decision: "approved" })).rejects.toMatchObject({ code: "invalid_transition" });
    expect(await host.take(second)).toBe(true);
  });

  it("asks again where the run stopped before a decision", async () => {
    const app = await startAppOn(backend);
    const team = new Crew(app);
    const host = await app.app.elicitationHost("test");
    const { run } = await team.start(
      [
        { key: "ask", kind: "human", ask: "Go on?" },
        { key: "work", retry: { max_attempts: 1 } },
      ],
      { on_failure: "stop" },
    );
    const first = await asked(host, run.id);
    await team.fail(await team.take("ann", { run: run.id }));
    expect(await team.statuses(run.id)).toMatchObject({ ask: "blocked" });
    await app.call("control_run", { run: run.id, action: "retry_failed" });
    expect(await team.statuses(run.id)).toMatchObject({ ask: "waiting" });
    expect(await host.awaitsDecision(first)).toBe(false);
    await expect(host.decide(first, { decision: "approved" })).rejects.toMatchObject({ code: "invalid_transition" });
    await host.decide(await asked(host, run.id), { decision: "approved" });
  });

  it("looks at the runs it is told of and those within them, one question after the other, but for what it leaves out", async () => {
    const { app, team, host, run } = await started();
    const steps = [{ key: "inside", kind: "human", ask: "In there?" }];
    await app.call("create_workflow", { name: "inner", definition: { steps } });
    const outer = await team.start([{ key: "call", kind: "workflow", workflow: "inner" }]);
    for (let round = 0; round < 3; round++) await app.advance(1);
    const first = await asked(host, run);
    expect(await asked(host, outer.run.id)).toMatchObject({ key: "inside", ask: "In there?" });
    const both = { about: [outer.run.id, run] };
    expect(await host.next({ ...both, except: NONE })).toMatchObject({ question: { key: "ask" } });
    const rest = { ...both, except: new Set([host.idOf(first)]) };
    expect(await host.next(rest)).toMatchObject({ question: { key: "inside" } });
    expect(await host.next({ about: [], except: NONE })).toEqual({});
    await app.call("control_run", { run: outer.run.id, action: "cancel" });
    for (let round = 0; round < 3; round++) await app.advance(1);
    expect(await host.next({ about: [outer.run.id], except: NONE })).toEqual({});
  });

  it("leaves nothing behind when its run goes", async () => {
    const { app, team, host, run } = await started({ retention_ms: 1_000 });
    await host.decide(await asked(host, run), { decision: "deferred" });
    const { run: standing } = (await app.call("create_task", { title: "t", prompt: "p" })).task;
    expect(standing).not.toBe(run);
    const store = await app.app.store();
    const kept = () => store.read(() => counted());
    expect(await kept()).toBe(1);
    await team.app.call("control_run", { run, action: "cancel" });
    await app.advance(2_000);
    expect(await kept()).toBe(0);
  });
});

function* counted(): Tx<number> {
  return (yield ["SELECT task FROM askings"]).length;
}
