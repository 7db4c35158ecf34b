import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

/** A claim that finds nothing names what stands in the way, and when to look again. */
describe.each(BACKENDS)("claims that find nothing, on %s", (backend) => {
  const started = async (steps: readonly Step[], rest: Record<string, unknown> = {}) => {
    const app = await startAppOn(backend, { settings: { reservation_ms: 60_000 } });
    await app.call("create_project", { name: "p", root: app.cwd });
    const crew = new Crew(app);
    const { run, ready } = await crew.start(steps, { project: "p", ...rest });
    return { app, crew, run: run.id, ready };
  };
  const why = async (app: TestApp, agent: string, where: Record<string, unknown>) => {
    const { outcome, reason, detail, retry_after_ms } = await app.call("claim_task", { agent, ...where });
    expect(outcome).toBe("none");
    return { reason, detail: String(detail), retry: retry_after_ms };
  };

  test("no_capability names the roles and capabilities asked for, and how often", async () => {
    const roles = ["r", "r", "w"].map((role, at) => ({ key: `a${at}`, role }));
    const { app, run } = await started([...roles, { key: "b", requires: ["sql"] }]);
    const { reason, detail } = await why(app, "ann", { run });
    expect(reason).toBe("no_capability");
    expect(detail).toContain("role r (2); ");
    for (const part of ["role w (1)", "capability sql (1)"]) expect(detail).toContain(part);
  });

  test("locked_out names path, holder and until when", async () => {
    const { app, run } = await started([{ key: "a", files: { write: ["x"] } }]);
    await app.call("acquire_file_lock", { agent: "ben", paths: ["x"], ttl_seconds: 3 });
    const { reason, detail, retry } = await why(app, "ann", { run });
    expect([reason, retry]).toEqual(["locked_out", 3_000]);
    expect(detail).toMatch(/x is held by ben until 20/);
  });

  test("locked_out names the task whose claim holds the files", async () => {
    const [write, read] = [{ write: ["x"] }, { read: ["x"] }];
    const { app, crew, run } = await started([
      { key: "a", files: write },
      { key: "b", files: read },
    ]);
    const { id } = await crew.take("ben", { run });
    const { reason, detail } = await why(app, "ann", { run });
    expect(reason).toBe("locked_out");
    expect(detail).toContain(`: x is held by ben until it ends task ${id}`);
  });

  test("reserved names the agent and until when, and says to look again then", async () => {
    const { app, run, ready } = await started([{ key: "a" }]);
    await app.call("register_agent", { name: "ben" });
    await app.call("assign_task", { task: ready[0]!.id, agent: "ben" });
    await app.advance(50_000);
    const { reason, detail, retry } = await why(app, "ann", { run });
    expect([reason, retry]).toEqual(["reserved", 10_000]);
    expect(detail).toMatch(/^a is reserved for ben until 20/);
  });

  test("run_at_capacity names who works on what, and at_capacity what the agent holds itself", async () => {
    const { app, crew, run } = await started([{ key: "a" }, { key: "b" }], { max_parallel: 1 });
    await crew.take("ann", { run });
    expect(await why(app, "ben", { run })).toMatchObject({
      reason: "run_at_capacity",
      detail: expect.stringContaining("(max_parallel 1): a by ann") as string,
    });
    expect(await why(app, "ann", { run, fresh: true })).toMatchObject({
      reason: "at_capacity",
      detail: expect.stringContaining("a of run") as string,
    });
  });

  test("waits_for_person names the question and since when", async () => {
    const { app, run } = await started([
      { key: "ok", kind: "human", ask: "Ship it?" },
      { key: "b", needs: ["ok"] },
    ]);
    const { reason, detail } = await why(app, "ann", { run });
    expect(reason).toBe("waits_for_person");
    expect(detail).toMatch(/^ok asks a person since 20.*: Ship it\?$/);
  });

  test("nothing_ready names who works on what, timers and events", async () => {
    const { app, crew, run } = await started([
      { key: "a" },
      { key: "b", needs: ["a"] },
      { key: "timer", kind: "wait", for: "4s" },
      { key: "merge", kind: "wait", event: "merged" },
    ]);
    await crew.take("ann", { run });
    const { reason, detail, retry } = await why(app, "ben", { run });
    expect([reason, retry]).toEqual(["nothing_ready", 4_000]);
    expect(detail).toMatch(
      /ann works on a of run plan since 20.*timer waits until 20.*merge waits for the event merged/,
    );
  });

  test("no_plan_yet says that nothing was started, and then who makes the plan", async () => {
    const app = await startAppOn(backend);
    await app.call("create_project", { name: "p", root: app.cwd });
    expect(await why(app, "ann", { project: "p" })).toMatchObject({ reason: "no_plan_yet" });
    const { run } = await app.call("orchestrate", { goal: "Build it", project: "p", agent: "ben" });
    const { reason, detail } = await why(app, "ann", { run: (run as { id: string }).id });
    expect(reason).toBe("no_plan_yet");
    expect(detail).toMatch(/^ben makes the plan of run /);
  });

  test("no_plan_yet in a linked work tree names the project of the main one, where that has a plan", async () => {
    const cwd = realpathSync(temporaryDirectory());
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd, stdio: "pipe" });
    git("init", "-q");
    git("commit", "-q", "--allow-empty", "-m", "first");
    const tree = path.join(realpathSync(temporaryDirectory()), "tree");
    git("worktree", "add", "-q", tree);
    const app = await startAppOn(backend, { cwd });
    await app.call("create_project", { name: "shop", root: cwd });
    const runtime = { ...testRuntime(2), clock: app.clock };
    const storeHooks = { now: () => app.clock.now() };
    const linked = await startApp({ database: app.database, cwd: tree, runtime, storeHooks });
    await linked.call("create_project", { name: "tree", root: tree });
    expect((await why(linked, "ann", {})).detail).not.toContain("shop");
    await new Crew(app).start([{ key: "a" }], { project: "shop" });
    const { reason, detail } = await why(linked, "ann", {});
    expect(reason).toBe("no_plan_yet");
    expect(detail).toContain('the project shop of the main work tree has open runs: claim_task with project: "shop"');
  });

  test("paused names the run, and run_finished how the last run of the project ended", async () => {
    const { app, crew, run } = await started([{ key: "a" }]);
    await app.call("control_run", { run, action: "pause", reason: "lunch" });
    expect(await why(app, "ann", { project: "p" })).toMatchObject({ reason: "paused" });
    await app.call("control_run", { run, action: "resume" });
    await crew.complete(await crew.take("ann", { project: "p" }));
    const over = await why(app, "ann", { project: "p" });
    expect(over).toMatchObject({ reason: "run_finished", retry: 60_000 });
    expect(over.detail).toMatch(/the last one, plan, ended as succeeded at 20/);
    await app.advance(60_000);
    expect(await why(app, "ann", { project: "p" })).toMatchObject({ reason: "nothing_ready", detail: over.detail });
  });

  test("a run that is being cancelled, or was, tells its workers to stop", async () => {
    const { app, crew, run } = await started([{ key: "a" }, { key: "b" }]);
    const held = await crew.take("ann", { run });
    await app.call("control_run", { run, action: "cancel" });
    const stop = "stop: nothing more of it is to be done";
    const cancelling = { reason: "run_finished", detail: `run plan (${run}) is being cancelled; ${stop}` };
    expect(await why(app, "ben", { run })).toEqual({ ...cancelling, retry: undefined });
    expect(await why(app, "ben", { project: "p" })).toMatchObject({
      detail: "ann is asked to stop a of run plan, which is cancelled",
    });
    const again = await app.call("claim_task", { agent: "ann", run });
    const release = [{ tool: "release_task", arguments: { task: held.id, token: held.token } }];
    expect(again).toMatchObject({ resumed: true, note: expect.stringMatching(/^Stop now: task a/) as string });
    expect(again.next).toEqual(release);
    await app.call("release_task", { agent: "ann", task: held.id, token: held.token });
    const stale = app.call("report_progress", { agent: "ann", task: held.id, token: held.token });
    await expect(stale).rejects.toMatchObject({
      message: expect.stringMatching(/^Stop: the task is cancelled/) as string,
    });
    const over = await why(app, "ann", { run });
    expect(over.detail).toMatch(new RegExp(`ended as cancelled at 20\\S+; ${stop}$`));
  });

  test("a command that no server runs is named with the reason", async () => {
    const { app, run } = await started([{ key: "make", kind: "command", run: "true" }]);
    expect(await why(app, "ann", { run })).toMatchObject({
      reason: "no_capability",
      detail: "make is a command that waits: no running server is allowed to run commands",
    });
  });

  test("a run at work in a run that it has started is looked into", async () => {
    const { app, run } = await started([{ key: "a" }]);
    await app.call("create_workflow", {
      name: "inner",
      project: "p",
      definition: { name: "inner", steps: [{ key: "i", prompt: "i", role: "poet" }] },
    });
    const outer = { name: "outer", steps: [{ key: "o", kind: "workflow", workflow: "inner" }] };
    const { run: parent } = await app.call("execute_workflow", { project: "p", definition: outer });
    await app.advance(1);
    const { reason, detail } = await why(app, "ann", { run: (parent as { id: string }).id });
    expect(reason).toBe("no_capability");
    expect(detail).toContain("role poet (1)");
    expect(run).not.toBe((parent as { id: string }).id);
  });

  test("a claim that waits in a project wakes when its last open run ends", async () => {
    const { app, crew } = await started([{ key: "a" }]);
    const held = await crew.take("ann", { project: "p" });
    const waiting = app.call("claim_task", { agent: "ben", project: "p", wait_seconds: 600 });
    await crew.complete(held);
    expect(await waiting).toMatchObject({ outcome: "none", reason: "run_finished" });
  });

  test("a claim that waits for ad-hoc tasks wakes when the last of them ends", async () => {
    const { app, crew, run } = await started([{ key: "a" }]);
    await app.call("control_run", { run, action: "cancel" });
    await app.call("create_task", { title: "T", prompt: "t", project: "p" });
    const held = await crew.take("ann", { project: "p" });
    const waiting = app.call("claim_task", { agent: "ben", project: "p", wait_seconds: 600 });
    await crew.complete(held);
    expect(await waiting).toMatchObject({ outcome: "none", reason: "run_finished" });
  });

  test("wait_for on a run that has ended answers at once, also the first time an agent asks", async () => {
    const { app, crew, run } = await started([{ key: "a" }]);
    await crew.complete(await crew.take("ann", { run }));
    const answer = await app.call("wait_for", { agent: "late", run, timeout_seconds: 600 });
    expect(answer).toMatchObject({ timed_out: false, events: [{ type: "run.finished", run }] });
    const other = await app.call("wait_for", { agent: "late", run, kinds: ["task_ready"], timeout_seconds: 600 });
    expect(other).toMatchObject({ timed_out: false, events: [{ type: "run.finished" }] });
    await expect(app.call("wait_for", { run: "run_0000000000000000" })).rejects.toMatchObject({ code: "not_found" });
  });

  test("wait_for has the kind task_ended, which tells how each task ended", async () => {
    const { app, crew, run } = await started([{ key: "a" }, { key: "b" }]);
    await app.call("wait_for", { agent: "eve", run, timeout_seconds: 0 });
    await crew.complete(await crew.take("ann", { run }));
    const answer = await app.call("wait_for", { agent: "eve", run, kinds: ["task_ended"], timeout_seconds: 600 });
    expect(answer["events"]).toMatchObject([{ type: "task.succeeded", data: { key: "a" } }]);
    const { timed_out } = await app.call("wait_for", { agent: "fay", run, timeout_seconds: 0 });
    expect(timed_out).toBe(true);
  });
});

test("a task whose globs meet too many locks to compare is passed over with its reason, and holds no other up", async () => {
  const app = await startAppOn("sqlite");
  await app.call("create_project", { name: "p", root: app.cwd });
  const paths = Array.from({ length: 250 }, (_, at) => `src/${at}.ts`);
  await app.call("acquire_file_lock", { agent: "holder", project: "p", paths, mode: "shared" });
  const crew = new Crew(app);
  const read = Array.from({ length: 900 }, (_, at) => `src/**/x${at}*`);
  const { run } = await crew.start([{ key: "odd", priority: "high", files: { read } }, { key: "even" }], {
    project: "p",
  });
  expect((await crew.take("ann", { run: run.id })).key).toBe("even");
  expect(await crew.claim("ben", { run: run.id })).toMatchObject({ outcome: "none", reason: "locked_out" });
  const { events } = await app.call("list_events", { run: run.id, types: ["task.passed_over"] });
  expect(events).toMatchObject([{ data: { key: "odd", reason: expect.stringContaining("so many globs") as string } }]);
  const { reasons } = await app.call("check_task_ready", { task: `${run.id}/odd` });
  expect(reasons).toMatchObject([{ kind: "too_many_locks" }]);
  await app.call("release_file_lock", { agent: "holder", project: "p", all: true });
  expect((await crew.take("ben", { run: run.id })).key).toBe("odd");
});
