import { describe, expect, it } from "vitest";
import type { ElicitationHost } from "../../../src/mcp/elicitation/elicitation-host.js";
import type { Tx } from "../../../src/store/tx.js";
import { BACKENDS, temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startApp, startAppOn } from "../../support/servers/app.js";

const MINUTE = 60_000;

describe.each(BACKENDS)("a question that a form may ask on %s", (backend) => {
  /** Ann holds a task of a run; another process has called something; both have a person at their client. */
  async function team(settings = {}) {
    const crew = new Crew(await startAppOn(backend, { settings }));
    const { app } = crew;
    await app.call("create_project", { name: "demo", root: app.cwd });
    const { run } = await crew.start([{ key: "api" }, { key: "go", kind: "human", ask: "Go?" }], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    const runtime = { ...testRuntime(2), clock: app.clock };
    const storeHooks = { now: () => app.clock.now() };
    const other = await startApp({ database: app.database, runtime, storeHooks, settings });
    await other.call("register_agent", { name: "other" });
    app.clock.advance(5_000);
    const escalate = async (more: object = {}) => {
      const asked = {
        agent: "ann",
        type: "quality_concern",
        title: "Good?",
        priority: "critical",
        run: run.id,
      } as const;
      return (await app.call("escalate", { ...asked, ...more })).escalation;
    };
    const request = async (approver_role = "human", content = "# One") => {
      await app.call("put_artifact", { agent: "ann", task: held.id, name: "a.md", content });
      const subject = { agent: "ann", task: held.id, artifact: "a.md" };
      return (await app.call("request_approval", { ...subject, approver_role })).approval;
    };
    const host = await app.app.elicitationHost("test");
    const theirs = await other.app.elicitationHost("test");
    return { app, run: run.id, held, escalate, request, host, theirs };
  }

  /** Ids of all questions about something, in the order in which they are asked; each of them waits for its head start to be over. */
  async function allAsked(host: ElicitationHost, about: readonly string[]): Promise<string[]> {
    const except = new Set<string>();
    const found: string[] = [];
    for (;;) {
      const { question } = await host.next({ about, except });
      if (question === undefined) return found;
      except.add(host.idOf(question));
      found.push(question.id);
    }
  }

  async function first(host: ElicitationHost, about: string) {
    const { question } = await host.next({ about: [about], except: new Set() });
    if (question === undefined) throw new Error("nothing is asked");
    return question;
  }

  it("is one that waits for a person: urgent ones first, then by age; agents' and leads' are left to them", async () => {
    const { app, run, escalate, request, host } = await team();
    const quiet = await escalate({ priority: "normal" });
    await request("tech_lead");
    const approval = await request();
    const urgent = await escalate();
    const [, step] = (await app.call("list_tasks", { run })).tasks;
    expect(await allAsked(host, [run])).toEqual([urgent.id, step!.id, approval.id]);
    // It climbs: to leads after five minutes, and to a person after thirty more.
    await app.advance(5 * MINUTE);
    await app.advance(30 * MINUTE);
    expect(await allAsked(host, [run])).toContain(quiet.id);
  });

  it("is one for which a task waits only as long as that does", async () => {
    const { app, run, held, escalate, host } = await team();
    const { id } = await escalate({ task: held.id, token: held.token, blocking: true });
    const question = await first(host, id);
    expect(await host.awaitsDecision(question)).toBe(true);
    await app.call("cancel_task", { task: held.id });
    expect(await host.awaitsDecision(question)).toBe(false);
    expect(await allAsked(host, [run, id])).not.toContain(id);
  });

  it("is asked of no run where it is named, or where a run of its project is", async () => {
    const { app, run, escalate, host } = await team();
    const { id } = await escalate({ run: undefined, project: "demo" });
    await app.call("create_project", { name: "else", root: temporaryDirectory() });
    const elsewhere = await escalate({ run: undefined, project: "else" });
    expect(await allAsked(host, [run])).toEqual([id, expect.stringMatching(/^task_/)]);
    expect(await allAsked(host, [elsewhere.id])).toEqual([elsewhere.id]);
    expect(await allAsked(host, ["escalation_0000000000000000"])).toEqual([]);
  });

  it("is taken by one process at a time, with an event, and by another once that has given it up", async () => {
    const { app, run, escalate, host, theirs } = await team();
    const { id } = await escalate();
    const question = await first(host, run);
    expect(question).toMatchObject({ kind: "escalation", id, from: "ann", title: "Good?", project: "demo" });
    expect(await theirs.next({ about: [id], except: new Set() })).toEqual({ pollInMs: 2_000 });
    app.clock.advance(2_000);
    const took = await Promise.all([host, theirs].map((one) => one.take(question)));
    expect(took.filter(Boolean)).toHaveLength(1);
    const [mine, others] = took[0] ? [host, theirs] : [theirs, host];
    expect(await others.next({ about: [id], except: new Set() })).toEqual({ pollInMs: expect.any(Number) });
    const { events } = await app.call("list_events", { run, types: ["escalation.asked"] });
    expect(events).toMatchObject([{ data: { escalation: id, client: "test" } }]);
    await mine.giveUp(question);
    expect(await others.take(question)).toBe(true);
  });

  it("is put off by a person for half of the time that they have, and decided by the default after it", async () => {
    const { app, run, escalate, host, theirs } = await team();
    const { id } = await escalate();
    const question = await first(host, run);
    await host.take(question);
    await host.decide(question, { decision: "deferred", note: "after lunch" });
    const wanted = { about: [id], except: new Set<string>() };
    expect(await theirs.next(wanted)).toEqual({ pollInMs: 30 * MINUTE });
    app.clock.advance(30 * MINUTE);
    expect(await first(theirs, id)).toMatchObject({ id });
    await app.advance(30 * MINUTE);
    expect(await host.awaitsDecision(question)).toBe(false);
    expect(await theirs.next(wanted)).toEqual({});
    await expect(host.decide(question, { decision: "approved" })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("closed"),
    });
    // Nothing is left of it.
    await app.advance(MINUTE);
    const store = await app.app.store();
    expect(await store.read(() => counted())).toBe(0);
  });

  it("is void where the approval's subject has changed: it is neither taken nor decided any more", async () => {
    const { run, request, host } = await team();
    const { id } = await request();
    const question = await first(host, id);
    expect(question).toMatchObject({ kind: "approval", id, from: "ann", subject: "a.md version 1", run: { id: run } });
    await request("tech_lead", "# Two");
    expect(await host.awaitsDecision(question)).toBe(false);
    expect(await host.take(question)).toBe(false);
    await expect(host.decide(question, { decision: "approved" })).rejects.toMatchObject({ code: "conflict" });
    expect(await allAsked(host, [id])).toEqual([]);
  });

  it("is not shown to the person who made what is to be approved, whose word is refused", async () => {
    const { app, run, host, theirs, request } = await team();
    const step = await first(host, run);
    await host.decide(step, { decision: "approved" });
    const subject = { agent: "ann", task: step.id, approver_role: "human" };
    const { approval } = await app.call("request_approval", subject);
    expect(await allAsked(host, [approval.id])).toEqual([]);
    const deciding = host.decide({ ...step, id: approval.id }, { decision: "approved" });
    await expect(deciding).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("human@test made what is to be approved"),
    });
    // The person at the client of an agent is not that agent.
    const { id } = await request();
    expect(await allAsked(host, [id])).toContain(id);
    expect(await allAsked(theirs, [approval.id])).toEqual([]);
  });
});

function* counted(): Tx<number> {
  return (yield ["SELECT task FROM askings"]).length;
}
