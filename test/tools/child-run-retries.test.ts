import { describe, expect, it } from "vitest";
import { startAppOn, type TestApp } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type RunAnswer, type Step } from "../support/fixtures/plan.js";

const retry = { max_attempts: 3, initial_interval_ms: 60_000, max_interval_ms: 60_000 };

describe.each(BACKENDS)("a workflow step with a retry policy on %s", (backend) => {
  async function started(step: object, inner: readonly Step[] = [{ key: "do", retry: { max_attempts: 1 } }]) {
    const team = new Crew(await startAppOn(backend));
    const steps = inner.map((one) => ({ prompt: "p", ...one }));
    await team.app.call("create_workflow", { name: "inner", definition: { steps } });
    const { run } = await team.start([
      { key: "call", kind: "workflow", workflow: "inner", ...step },
      { key: "after", needs: ["call"] },
    ]);
    await settle(team.app);
    return { team, run: run.id };
  }

  /** Runs the ticks that are due next. */
  async function settle(app: TestApp): Promise<void> {
    for (let round = 0; round < 4; round++) await app.advance(1);
  }

  async function childrenOf(team: Crew, run: string): Promise<RunAnswer[]> {
    const { runs } = await team.app.call("list_runs", { limit: 200 });
    const all = await Promise.all(runs.map(({ id }) => team.run(id)));
    return all.filter(({ parent }) => parent?.run === run).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async function taskOf(team: Crew, run: string) {
    const { task, attempts = [] } = await team.app.call("get_task", { task: `${run}/call`, include: ["attempts"] });
    return { task, attempts };
  }

  async function failChild(team: Crew, run: string): Promise<void> {
    await team.fail(await team.take("ann", { run }));
    await settle(team.app);
  }

  it("starts another run after a pause when its run has failed, and has failed when the tries are used up", async () => {
    const { team, run } = await started({ retry });
    for (const tries of [1, 2]) {
      await failChild(team, run);
      const { task } = await taskOf(team, run);
      expect(task).toMatchObject({ status: "pending", failures: tries, attempt: tries, retry_at: expect.any(String) });
      expect(await childrenOf(team, run)).toHaveLength(tries);
      // Full jitter: at most so long.
      await team.app.advance(60_000);
      await settle(team.app);
      expect((await childrenOf(team, run)).map(({ status }) => status)).toEqual([
        ...Array.from({ length: tries }, () => "failed"),
        "running",
      ]);
      expect((await team.statuses(run))["call"]).toBe("waiting");
    }
    await failChild(team, run);
    expect(await team.statuses(run)).toEqual({ call: "dead_letter", after: "blocked" });
    const { task, attempts } = await taskOf(team, run);
    expect(task).toMatchObject({ failures: 3, attempt: 3 });
    expect(attempts.map(({ number, outcome, error }) => [number, outcome, error?.type])).toEqual([
      [1, "failed", "child_run_failed"],
      [2, "failed", "child_run_failed"],
      [3, "failed", "child_run_failed"],
    ]);
    expect((await team.run(run)).status).toBe("failed");
  });

  it("goes on with the result of the run that succeeds", async () => {
    const { team, run } = await started({ retry });
    await failChild(team, run);
    await team.app.advance(60_000);
    await settle(team.app);
    await team.complete(await team.take("ann", { run }), { hash: "2" });
    await settle(team.app);
    expect(await team.statuses(run)).toEqual({ call: "succeeded", after: "ready" });
    const { attempts } = await taskOf(team, run);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
  });

  it("tries again where what its run gives does not fit its output schema", async () => {
    const output = { type: "object", properties: { steps: { type: "object", required: ["do"] } } };
    const inner = [{ key: "do", if: "inputs.n > 0", prompt: "p" }, { key: "other" }];
    const team = new Crew(await startAppOn(backend));
    const definition = { inputs: { n: { type: "integer" } }, steps: inner.map((one) => ({ prompt: "p", ...one })) };
    await team.app.call("create_workflow", { name: "inner", definition });
    const { run } = await team.start([
      {
        key: "call",
        kind: "workflow",
        workflow: "inner",
        inputs: { n: 0 },
        output,
        retry: { ...retry, max_attempts: 2 },
      },
    ]);
    for (const status of ["pending", "dead_letter"]) {
      await team.app.advance(60_000);
      await settle(team.app);
      await team.complete(await team.take("ann", { run: run.id }));
      await settle(team.app);
      expect(await taskOf(team, run.id)).toMatchObject({ task: { status } });
    }
    expect((await taskOf(team, run.id)).attempts.map(({ error }) => error?.type)).toEqual([
      "invalid_output",
      "invalid_output",
    ]);
  });

  it("is not tried again after an error that its policy excludes, nor where it says nothing of retries", async () => {
    const excluded = await started({ retry: { ...retry, non_retryable: ["child_run_failed"] } });
    await failChild(excluded.team, excluded.run);
    expect((await excluded.team.statuses(excluded.run))["call"]).toBe("dead_letter");
    // Defaults of all steps hold for those of the child run.
    const silent = await started({});
    await failChild(silent.team, silent.run);
    expect((await silent.team.statuses(silent.run))["call"]).toBe("dead_letter");
  });

  it("is cancelled, and runs out of time, while it waits for its next try", async () => {
    const cancelled = await started({ retry });
    await failChild(cancelled.team, cancelled.run);
    await cancelled.team.app.call("cancel_task", { task: `${cancelled.run}/call` });
    await cancelled.team.app.advance(60_000);
    await settle(cancelled.team.app);
    expect((await cancelled.team.statuses(cancelled.run))["call"]).toBe("cancelled");
    expect(await childrenOf(cancelled.team, cancelled.run)).toHaveLength(1);

    const late = await started({
      retry: { max_attempts: 3, initial_interval_ms: "10h", max_interval_ms: "10h" },
      timeouts: { schedule_to_close: "1s" },
    });
    await failChild(late.team, late.run);
    await late.team.app.advance(1_000);
    await settle(late.team.app);
    const { task } = await taskOf(late.team, late.run);
    expect([task.status, task.retry_at]).toEqual(["dead_letter", undefined]);
  });

  it("makes room for the runs of others while it pauses, and waits for room itself", async () => {
    const team = new Crew(await startAppOn(backend));
    await team.app.call("create_workflow", {
      name: "inner",
      definition: { steps: [{ key: "do", prompt: "p", retry: { max_attempts: 1 } }] },
    });
    const call = { kind: "workflow", workflow: "inner", retry };
    const { run } = await team.start(
      [
        { key: "call", ...call },
        { key: "second", ...call },
      ],
      { max_parallel: 1 },
    );
    await settle(team.app);
    await failChild(team, run.id);
    expect((await childrenOf(team, run.id)).map(({ status }) => status)).toEqual(["failed", "running"]);
    await team.app.advance(60_000);
    await settle(team.app);
    expect((await childrenOf(team, run.id)).map(({ status }) => status)).toEqual(["failed", "running"]);
    expect(await team.statuses(run.id)).toEqual({ call: "waiting", second: "waiting" });
    await team.complete(await team.take("ann", { run: run.id }));
    await settle(team.app);
    expect((await childrenOf(team, run.id)).map(({ status }) => status)).toEqual(["failed", "succeeded", "running"]);
  });

  it("stands as it stood when its run is taken back, and its next try begins in a fork too", async () => {
    const { team, run } = await started({ retry });
    await failChild(team, run);
    const { checkpoint } = await team.app.call("create_checkpoint", { run });
    await team.app.advance(60_000);
    await settle(team.app);
    expect((await team.statuses(run))["call"]).toBe("waiting");
    const fork = await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" });
    await team.app.call("resume_from_checkpoint", { checkpoint: checkpoint.id });
    await settle(team.app);
    expect((await team.statuses(run))["call"]).toBe("waiting");
    expect((await childrenOf(team, run)).map(({ status }) => status)).toEqual(["failed", "cancelled", "running"]);
    expect((await childrenOf(team, fork.run.id)).map(({ status }) => status)).toEqual(["running"]);
  });

  it("that calls its own workflow ends at the tenth run within another all the same", async () => {
    const team = new Crew(await startAppOn(backend));
    const steps = [
      { key: "again", kind: "workflow", workflow: "loop", retry: { max_attempts: 5, initial_interval_ms: 0 } },
    ];
    await team.app.call("create_workflow", { name: "loop", definition: { steps } });
    const { run } = await team.app.call("execute_workflow", { workflow: "loop" });
    for (let round = 0; round < 40; round++) await team.app.advance(1);
    expect((await team.run(run.id)).status).toBe("failed");
    const { runs } = await team.app.call("list_runs", { limit: 200 });
    expect(runs).toHaveLength(11);
    const { attempts } = await team.app.call("get_task", { task: `${run.id}/again`, include: ["attempts"] });
    expect(attempts?.[0]?.error?.message).toContain("not retried, because its descendants were 10 levels deep");
  });
});
