import { describe, expect, test } from "vitest";
import { type Backend, BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp, type TestAppOptions } from "../support/servers/app.js";

const REVIEW: readonly Step[] = [{ key: "build" }, { key: "review", needs: ["build"], not_by: ["build"] }];

/** Each app is a connection of its own; both look at one database, on one clock. */
async function connections(backend: Backend, options: TestAppOptions = {}): Promise<{ app: TestApp; other: TestApp }> {
  const runtime = testRuntime();
  const shared = { runtime, storeHooks: { now: () => runtime.clock.now() }, ...options };
  const app = await startAppOn(backend, shared);
  return { app, other: await startApp({ ...shared, database: app.database, cwd: app.cwd }) };
}

describe.each(BACKENDS)("tasks that choose their agents, on %s", (backend) => {
  const begin = async (steps: readonly Step[], config: Record<string, unknown> = {}) => {
    const { app, other } = await connections(backend, { settings: { reservation_ms: 60_000 } });
    await app.call("create_project", { name: "p", root: app.cwd, config });
    const mine = new Crew(app);
    const started = await mine.start(steps, { project: "p" });
    return { app, mine, other: new Crew(other), run: started.run.id, started };
  };

  test("not_by keeps a task from its author, and from other handles on the author's connection", async () => {
    const { mine, other, run } = await begin(REVIEW);
    await mine.complete(await mine.take("ann", { run }));
    for (const agent of ["ann", "alter-ego"]) {
      const { outcome, reason, ...rest } = await mine.claim(agent, { run });
      expect([outcome, reason]).toEqual(["none", "no_capability"]);
      const shares =
        agent === "ann"
          ? ""
          : "; alter-ego shares a connection with one of them (to admit other handles of one connection: update_project with config {reviewers: handle})";
      const detail = `review excludes who worked on build (not_by), and their connections: ann${shares}`;
      expect(rest).toMatchObject({ detail });
    }
    // The author's handle, wherever it comes from, is the author.
    expect((await other.claim("ann", { run })).outcome).toBe("none");
    expect((await other.take("ben", { run })).key).toBe("review");
  });

  test("an agent that tried and failed has worked on the task too", async () => {
    const { mine, other, run } = await begin(REVIEW);
    await other.fail(await other.take("ben", { run }));
    await mine.app.advance(60_000);
    await mine.complete(await mine.take("ann", { run }));
    expect((await other.claim("ben", { run })).outcome).toBe("none");
  });

  test("reviewers: handle admits other handles of one connection", async () => {
    const { mine, run } = await begin(REVIEW, { reviewers: "handle" });
    await mine.complete(await mine.take("ann", { run }));
    expect((await mine.claim("ann", { run })).outcome).toBe("none");
    expect((await mine.take("bea", { run })).key).toBe("review");
  });

  test("not_by of a step that is under way, or not begun, counts who takes it", async () => {
    const { mine, other, run } = await begin([
      { key: "one", priority: "high" },
      { key: "two", not_by: ["one"] },
    ]);
    const one = await mine.take("ann", { run });
    expect((await mine.claim("bea", { run })).outcome).toBe("none");
    expect((await other.take("ben", { run })).key).toBe("two");
    await mine.complete(one);
  });

  test("not_by of a for_each step means all its elements", async () => {
    const { mine, other, run } = await begin([
      { key: "part", for_each: [1, 2], prompt: "do ${{ item }}" },
      { key: "review", needs: ["part"], not_by: ["part"] },
    ]);
    await mine.complete(await mine.take("ann", { run }));
    await mine.complete(await mine.take("ann", { run }));
    expect((await mine.claim("bea", { run })).outcome).toBe("none");
    expect((await other.take("ben", { run })).key).toBe("review");
  });

  test("not_by of a for_each step means elements that come after the task was ready", async () => {
    const { mine, other, run } = await begin([
      { key: "first", priority: "critical" },
      { key: "part", needs: ["first"], for_each: [1], prompt: "do ${{ item }}", priority: "high" },
      { key: "review", not_by: ["part"] },
    ]);
    await other.complete(await other.take("ben", { run }));
    expect((await mine.take("ann", { run })).key).toBe("part[0]");
    expect((await mine.claim("bea", { run })).outcome).toBe("none");
    expect((await other.take("ben", { run })).key).toBe("review");
  });

  test("prefer_by reserves a task for the agent that completed another, until the reservation lapses", async () => {
    const steps = [{ key: "build" }, { key: "test", needs: ["build"], prefer_by: ["build"] }];
    const { app, mine, other, run } = await begin(steps);
    const { ready } = await mine.complete(await mine.take("ann", { run }));
    expect(ready).toMatchObject([{ key: "test", reserved_for: "ann", reserved_until: expect.any(String) as string }]);
    expect(await other.claim("ben", { run })).toMatchObject({
      reason: "reserved",
      detail: expect.stringMatching(/^test is reserved for ann until 20/) as string,
    });
    await app.advance(60_000);
    const { events } = await app.call("list_events", { run, types: ["task.reservation_lapsed"] });
    expect(events).toMatchObject([{ agent: "ann", data: { key: "test" } }]);
    expect((await other.take("ben", { run })).key).toBe("test");
  });

  test("create_task takes not_by and prefer_by of the run's tasks", async () => {
    const { mine, other, run } = await begin([{ key: "build" }, { key: "rest", needs: ["build"] }]);
    await mine.complete(await mine.take("ann", { run }));
    const { call } = mine.app;
    const made = await call("create_task", { title: "R", prompt: "r", run, not_by: ["build"], priority: "critical" });
    expect((await other.take("ben", { run })).id).toBe(made.task.id);
    await expect(call("create_task", { title: "R", prompt: "r", run, not_by: ["bild"] })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('did you mean "build"') as string,
    });
  });

  test("a task that no live agent may take is warned of, named by status, and asked of a person after ten minutes", async () => {
    const { app, mine, run, started } = await begin([...REVIEW, { key: "poem", role: "poet" }]);
    expect(started).toMatchObject({
      warnings: [
        expect.stringContaining("No live agent offers the role poet, which a step asks for") as string,
        expect.stringContaining("No live agent could take review") as string,
      ],
    });
    await mine.complete(await mine.take("ann", { run }));
    const status = await app.call("get_system_status", {});
    expect(status.unserved).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ready: 1, wants: "the role poet" }),
        expect.objectContaining({ ready: 1, wants: "another agent than one that worked on what they check" }),
      ]),
    );
    expect((await app.call("list_escalations", { run })).escalations).toEqual([]);
    await app.advance(600_000);
    const { escalations } = await app.call("list_escalations", { run });
    expect(escalations).toMatchObject([{ type: "no_taker", task: { key: "review" } }]);
  });
});

describe.each(BACKENDS)("a person who is asked about a task without a taker, on %s,", (backend) => {
  const asked = async () => {
    const { app, other } = await connections(backend, { channel: "human" });
    await app.call("create_project", { name: "p", root: app.cwd });
    const crew = new Crew(app);
    const { run } = await crew.start(REVIEW, { project: "p" });
    await crew.complete(await crew.take("ann", { run: run.id }));
    await app.advance(600_000);
    const { escalations } = await app.call("list_escalations", { run: run.id });
    return { app, other: new Crew(other), crew, run: run.id, id: escalations[0]?.id ?? "" };
  };

  test("may let any agent take it", async () => {
    const { app, crew, run, id } = await asked();
    await app.call("decide_escalation", { id, decision: "approved" });
    expect((await app.call("list_escalations", { run })).escalations).toEqual([]);
    expect((await crew.take("ann", { run })).key).toBe("review");
  });

  test("may fail it", async () => {
    const { app, crew, run, id } = await asked();
    await app.call("decide_escalation", { id, decision: "rejected", note: "no reviewer" });
    expect(await crew.statuses(run)).toMatchObject({ review: "dead_letter" });
  });

  test("may put it off for another ten minutes", async () => {
    const { app, run, id } = await asked();
    await app.call("decide_escalation", { id, decision: "deferred" });
    expect((await app.call("list_escalations", { run })).escalations).toEqual([]);
    await app.advance(600_000);
    expect((await app.call("list_escalations", { run })).escalations).toMatchObject([{ id }]);
  });

  test("is asked no more when another agent has taken it", async () => {
    const { app, other, run } = await asked();
    await other.take("ben", { run });
    expect((await app.call("list_escalations", { run })).escalations).toEqual([]);
  });
});

test("not_by and prefer_by name steps that exist, and not the step itself", async () => {
  const app = await startAppOn("sqlite");
  const steps = [
    { key: "build", prompt: "b" },
    { key: "review", prompt: "r", not_by: ["bild"], prefer_by: ["review"] },
  ];
  const { problems } = await app.call("validate_workflow", { definition: { name: "w", steps } });
  expect(problems).toMatchObject([
    { path: "steps[1].not_by[0]", message: expect.stringContaining('did you mean "build"') as string },
    { path: "steps[1].prefer_by[0]", message: "names the step itself" },
  ]);
});
