import { describe, expect, it } from "vitest";
import { startAppOn, type TestApp } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type RunAnswer, type Step } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("a workflow step on %s", (backend) => {
  async function crew(settings = {}): Promise<Crew> {
    return new Crew(await startAppOn(backend, { settings }));
  }

  const build: readonly Step[] = [
    { key: "compile", prompt: "compile ${{ inputs.target }}" },
    { key: "check", prompt: "check", needs: ["compile"] },
  ];
  const inputs = { target: { type: "string" } };

  async function store(
    team: Crew,
    name: string,
    definition: { steps: readonly Step[]; inputs?: object },
  ): Promise<void> {
    await team.app.call("create_workflow", { name, definition });
  }

  const outer: readonly Step[] = [
    { key: "choose", prompt: "which?" },
    {
      key: "build",
      kind: "workflow",
      needs: ["choose"],
      workflow: "build",
      inputs: { target: "${{ steps.choose.output }}" },
    },
    { key: "ship", needs: ["build"], prompt: "ship ${{ steps.build.output.steps.check.hash }}" },
  ];

  /** Runs the next tick. */
  async function settle(app: TestApp): Promise<void> {
    for (let round = 0; round < 4; round++) await app.advance(1);
  }

  async function childrenOf(team: Crew, run: string): Promise<(RunAnswer & { parent?: { task: string } })[]> {
    const { runs } = await team.app.call("list_runs", {});
    const all = await Promise.all(
      runs.map(({ id }) => team.run(id) as Promise<RunAnswer & { parent?: { run: string; task: string } }>),
    );
    return all.filter(({ parent }) => parent?.run === run).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function started(head = {}): Promise<{ team: Crew; run: string; child: string }> {
    const team = await crew({ cancel_grace_ms: 1_000 });
    await store(team, "build", { steps: build, inputs });
    const { run } = await team.start(outer, head);
    await team.complete(await team.take("ann", { run: run.id }), "arm64");
    await settle(team.app);
    const [child] = await childrenOf(team, run.id);
    return { team, run: run.id, child: child?.id ?? "" };
  }

  it("starts a run of its workflow with its inputs, and ends with the results of that run's last steps", async () => {
    const { team, run, child } = await started();
    expect(await team.statuses(run)).toEqual({ choose: "succeeded", build: "waiting", ship: "pending" });
    expect(await team.app.call("get_run", { run })).toMatchObject({ waiting: [{ key: "build", child_run: child }] });
    // A claim from the run includes the tasks of its child runs.
    const compile = await team.claim("ann", { run });
    expect(compile.task).toMatchObject({ key: "compile", run: child, prompt: "compile arm64" });
    await team.complete({ id: compile.task?.id ?? "", token: compile.lease?.token ?? 0 });
    await team.complete(await team.take("ann", { run: child }), { hash: "c0ffee" });
    expect((await team.run(child)).status).toBe("succeeded");
    await settle(team.app);
    const ship = await team.claim("ann", { run });
    expect(ship.task).toMatchObject({ key: "ship", prompt: "ship c0ffee" });
    await team.complete({ id: ship.task?.id ?? "", token: ship.lease?.token ?? 0 });
    expect((await team.run(run)).status).toBe("succeeded");
  });

  it("fails with its run, and goes on when that run is reopened and succeeds", async () => {
    const { team, run, child } = await started();
    await team.fail(await team.take("ann", { run: child }), "broken", { retryable: false });
    await settle(team.app);
    expect(await team.statuses(run)).toEqual({ choose: "succeeded", build: "dead_letter", ship: "blocked" });
    const { attempts } = await team.app.call("get_task", {
      task: `${run}/build`,
      include: ["attempts"],
    });
    expect(attempts!.at(-1)?.error).toMatchObject({
      type: "child_run_failed",
      message: expect.stringContaining(child),
    });
    expect(attempts!.at(-1)?.error?.message).toMatch(/could not be done; .*: compile: broken it is$/);
    expect((await team.run(run)).status).toBe("failed");

    await team.app.call("control_run", { run: child, action: "retry_failed" });
    await team.complete(await team.take("ann", { run: child }));
    await team.complete(await team.take("ann", { run: child }), { hash: "1" });
    await settle(team.app);
    expect(await team.statuses(run)).toEqual({ choose: "succeeded", build: "succeeded", ship: "ready" });
    expect((await team.run(run)).status).toBe("running");
  });

  it("changes nothing when it succeeds too late: what it was part of has been undone", async () => {
    const team = await crew();
    await store(team, "build", { steps: build, inputs });
    const { run } = await team.start(outer, { on_failure: "compensate" });
    await team.complete(await team.take("ann", { run: run.id }), "arm64");
    await settle(team.app);
    const [child] = await childrenOf(team, run.id);
    await team.fail(await team.take("ann", { run: run.id }), "broken", { retryable: false });
    await settle(team.app);
    expect((await team.run(run.id)).status).toBe("compensated");
    await team.app.call("control_run", { run: child!.id, action: "retry_failed" });
    for (let step = 0; step < 2; step++) await team.complete(await team.take("ann", { run: child?.id }));
    await settle(team.app);
    expect((await team.run(run.id)).status).toBe("compensated");
    expect((await team.statuses(run.id))["build"]).toBe("dead_letter");
  });

  it("holds what its run gives against its output schema", async () => {
    const team = await crew();
    await store(team, "one", { steps: [{ key: "do", prompt: "do" }] });
    const output = { type: "object", properties: { steps: { type: "object", required: ["other"] } } };
    const { run } = await team.start([{ key: "call", kind: "workflow", workflow: "one", output }]);
    await settle(team.app);
    await team.complete(await team.take("ann", { run: run.id }), 1);
    await settle(team.app);
    expect(await team.statuses(run.id)).toEqual({ call: "dead_letter" });
  });

  it("starts another run when its task is retried; the first run, reopened then, is one that no task waits for", async () => {
    const { team, run, child } = await started();
    await team.fail(await team.take("ann", { run: child }), "broken", { retryable: false });
    await settle(team.app);
    await team.app.call("control_run", { run, action: "retry_failed" });
    await settle(team.app);
    const children = await childrenOf(team, run);
    expect(children.map(({ status }) => status)).toEqual(["failed", "running"]);
    await team.app.call("control_run", { run: child, action: "retry_failed" });
    await settle(team.app);
    expect((await team.run(child)).status).toBe("cancelled");
    expect((await team.statuses(run))["build"]).toBe("waiting");
  });

  it("is cancelled, paused and resumed with what it is in, at any depth", async () => {
    const team = await crew({ cancel_grace_ms: 1_000 });
    await store(team, "inner", { steps: [{ key: "deep", prompt: "dig" }] });
    await store(team, "middle", { steps: [{ key: "in", kind: "workflow", workflow: "inner" }] });
    const { run } = await team.start([{ key: "out", kind: "workflow", workflow: "middle" }]);
    await settle(team.app);
    const [middle] = await childrenOf(team, run.id);
    const [inner] = await childrenOf(team, middle?.id ?? "");
    const all = [run.id, middle?.id ?? "", inner?.id ?? ""];
    const statuses = async () => Promise.all(all.map(async (id) => (await team.run(id)).status));
    await team.app.call("control_run", { run: run.id, action: "pause" });
    expect(await statuses()).toEqual(["paused", "paused", "paused"]);
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none" });
    await team.app.call("control_run", { run: run.id, action: "resume" });
    expect(await statuses()).toEqual(["running", "running", "running"]);
    await team.take("ann", { run: run.id });
    await team.app.call("control_run", { run: run.id, action: "cancel" });
    await settle(team.app);
    await team.app.advance(1_000);
    await settle(team.app);
    expect(await statuses()).toEqual(["cancelled", "cancelled", "cancelled"]);
  });

  it("started while its run is paused begins paused", async () => {
    const team = await crew();
    await store(team, "build", { steps: build, inputs });
    const { run } = await team.start(outer);
    const choose = await team.take("ann", { run: run.id });
    await team.app.call("control_run", { run: run.id, action: "pause" });
    await team.complete(choose, "x");
    await settle(team.app);
    const [child] = await childrenOf(team, run.id);
    expect(child?.status).toBe("paused");
    await team.app.call("control_run", { run: run.id, action: "resume" });
    expect((await team.run(child?.id ?? "")).status).toBe("running");
  });

  it("takes its run with it when it is cancelled, or its time is over; a run cancelled by itself cancels it", async () => {
    const { team, run, child } = await started();
    await team.app.call("cancel_task", { task: `${run}/build` });
    await settle(team.app);
    expect((await team.run(child)).status).toBe("cancelled");

    const late = await started();
    await late.team.app.call("control_run", { run: late.child, action: "cancel" });
    await settle(late.team.app);
    expect(await late.team.statuses(late.run)).toEqual({ choose: "succeeded", build: "cancelled", ship: "skipped" });

    const team2 = await crew();
    await store(team2, "build", { steps: [{ key: "a", prompt: "a" }] });
    const timed = await team2.start([
      { key: "build", kind: "workflow", workflow: "build", timeouts: { schedule_to_close: "1m" } },
    ]);
    await settle(team2.app);
    const [slow] = await childrenOf(team2, timed.run.id);
    await team2.app.advance(60_000);
    await settle(team2.app);
    expect((await team2.run(slow?.id ?? "")).status).toBe("cancelled");
    expect((await team2.run(timed.run.id)).status).toBe("failed");
  });

  it("waits again for what its run has come to when its own run is taken back, and starts another where it is forked", async () => {
    const { team, run, child } = await started();
    const { checkpoint } = await team.app.call("create_checkpoint", { run });
    for (let step = 0; step < 2; step++) await team.complete(await team.take("ann", { run: child }), { hash: "9" });
    await settle(team.app);
    expect((await team.statuses(run))["build"]).toBe("succeeded");
    const forked = await team.app.call("resume_from_checkpoint", {
      checkpoint: checkpoint.id,
      as: "fork",
    });
    await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    expect((await team.statuses(run))["build"]).toBe("waiting");
    await settle(team.app);
    expect(await team.statuses(run)).toEqual({ choose: "succeeded", build: "succeeded", ship: "ready" });
    const own = await childrenOf(team, forked.run.id);
    expect(own.map(({ status }) => status)).toEqual(["running"]);
    expect((await team.statuses(forked.run.id))["build"]).toBe("waiting");
  });

  it("is left by a run that it has started since, when its own run is taken back", async () => {
    const team = await crew({ cancel_grace_ms: 1_000 });
    await store(team, "build", { steps: build, inputs });
    const { run } = await team.start(outer);
    const { checkpoint } = await team.app.call("create_checkpoint", { run: run.id });
    await team.complete(await team.take("ann", { run: run.id }), "x");
    await settle(team.app);
    const [child] = await childrenOf(team, run.id);
    await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    await settle(team.app);
    expect((await team.run(child?.id ?? "")).status).toBe("cancelled");
    expect(await team.statuses(run.id)).toEqual({ choose: "ready", build: "pending", ship: "pending" });
  });

  it("a step that names no workflow, or gives inputs that do not fit, fails alone: the other branch is unharmed", async () => {
    const team = await crew();
    await store(team, "build", { steps: build, inputs });
    const { run, ...rest } = await team.app.call("execute_workflow", {
      definition: {
        name: "two",
        steps: [
          { key: "none", kind: "workflow", workflow: "biuld" },
          { key: "misfit", kind: "workflow", workflow: "build", inputs: { target: 7 } },
          { key: "other", prompt: "o" },
        ],
      },
    });
    expect(rest).toMatchObject({ warnings: [expect.stringContaining("biuld")] });
    await settle(team.app);
    expect(await team.statuses(run.id)).toEqual({ none: "dead_letter", misfit: "dead_letter", other: "ready" });
    const errorOf = async (key: string) => {
      const { attempts } = await team.app.call("get_task", {
        task: `${run.id}/${key}`,
        include: ["attempts"],
      });
      return attempts!.at(-1)?.error;
    };
    expect(await errorOf("none")).toMatchObject({
      type: "not_found",
      message: expect.stringMatching(/biuld.*did you mean.*build/),
    });
    expect(await errorOf("misfit")).toMatchObject({
      type: "invalid_input",
      message: expect.stringContaining("target"),
    });
    expect(await childrenOf(team, run.id)).toEqual([]);
  });

  it("that calls its own workflow ends at the tenth run within another", async () => {
    const team = await crew();
    await store(team, "loop", { steps: [{ key: "again", kind: "workflow", workflow: "loop" }] });
    const { run } = await team.app.call("execute_workflow", { workflow: "loop" });
    for (let round = 0; round < 30; round++) await team.app.advance(1);
    expect((await team.run(run.id)).status).toBe("failed");
    const { runs } = await team.app.call("list_runs", {});
    expect(runs.map(({ status }) => status)).toEqual(Array.from({ length: 11 }, () => "failed"));
    const deepest =
      runs
        .map(({ id }) => id)
        .sort()
        .at(-1) ?? "";
    const { attempts } = await team.app.call("get_task", {
      task: `${deepest}/again`,
      include: ["attempts"],
    });
    expect(attempts!.at(-1)?.error).toMatchObject({
      type: "limit_exceeded",
      message: expect.stringContaining("call itself"),
    });
  });

  it("for each of a list has at most max_parallel runs at once, and gives their results in order", async () => {
    const team = await crew();
    await store(team, "one", {
      steps: [{ key: "do", prompt: "do ${{ inputs.n }}" }],
      inputs: { n: { type: "integer" } },
    });
    const { run } = await team.start(
      [
        { key: "all", kind: "workflow", workflow: "one", for_each: [1, 2, 3, 4, 5], inputs: { n: "${{ item }}" } },
        { key: "sum", needs: ["all"], prompt: "${{ steps.all.output.map(r, r.steps.do) }}" },
      ],
      { max_parallel: 2 },
    );
    let done = 0;
    for (let round = 0; round < 5; round++) {
      await settle(team.app);
      const open = (await childrenOf(team, run.id)).filter(({ status }) => status === "running");
      expect(open.length).toBe(Math.min(2, 5 - done));
      const held = await team.take("ann", { run: run.id });
      await team.complete(held, `r${(done += 1)}`);
    }
    await settle(team.app);
    expect((await team.claim("ann", { run: run.id })).task?.prompt).toContain("r5");
  });
});
