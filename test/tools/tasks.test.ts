import { describe, expect, it } from "vitest";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("tasks on %s", (backend) => {
  async function crew(settings: Record<string, number | boolean> = {}): Promise<Crew> {
    const runtime = testRuntime();
    const { location } = await createDatabase(backend);
    // PostgreSQL has a clock of its own: in tests it is the one that the test moves.
    const storeHooks = { now: () => runtime.clock.now() };
    return new Crew(await startApp({ database: location, runtime, settings, storeHooks }));
  }

  describe("claim_task", () => {
    it("hands over the brief: prompt, inputs, results of dependencies, token", async () => {
      const team = await crew();
      const { run, ready } = await team.start([{ key: "a" }, { key: "b", needs: ["a"] }], {
        inputs: { goal: { type: "string" } },
        given: { goal: "ship" },
      });
      expect(ready.map(({ key }) => key)).toEqual(["a"]);
      const a = await team.take("ann", { run: run.id });
      const done = await team.complete(a, { answer: 42 });
      expect(done.ready.map(({ key }) => key)).toEqual(["b"]);
      const b = await team.claim("ann", { run: run.id });
      expect(b.task?.prompt).toBe("do b");
      expect(b.task?.inputs).toEqual({ goal: "ship" });
      expect(b.task?.dependencies).toEqual([{ key: "a", status: "succeeded", agent: "ann", result: { answer: 42 } }]);
      expect(b.lease?.token).toBeGreaterThan(0);
    });

    it("shows of many results the beginning of each, and where the rest stands", async () => {
      const team = await crew();
      const keys = Array.from({ length: 40 }, (_, at) => `part${at}`);
      const { run } = await team.start([...keys.map((key) => ({ key })), { key: "join", needs: keys }]);
      for (const _ of keys) {
        const part = await team.take("ann", { run: run.id });
        await team.complete(part, part.key === "part7" ? "short" : "long ".repeat(400));
      }
      const { task } = await team.claim("ann", { run: run.id });
      const { dependencies } = task!;
      expect(dependencies.find(({ key }) => key === "part7")).toEqual({
        key: "part7",
        agent: "ann",
        status: "succeeded",
        result: "short",
      });
      const long = dependencies.filter(({ key }) => key !== "part7");
      expect(long).toHaveLength(39);
      for (const { result, truncated, resource } of long) {
        expect({ length: String(result).length, truncated, resource }).toEqual({
          length: 1_000,
          truncated: true,
          resource: expect.stringMatching(/^baton:\/\/tasks\/task_/),
        });
      }
    });

    it("returns an agent at capacity its own live attempt, and no other task when asked for fresh work", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a" }, { key: "b" }]);
      const first = await team.take("ann", { run: run.id });
      const again = await team.claim("ann", { run: run.id });
      expect(again).toMatchObject({
        outcome: "claimed",
        resumed: true,
        task: { id: first.id },
        lease: { token: first.token },
      });
      expect(await team.claim("ann", { run: run.id, fresh: true })).toMatchObject({
        outcome: "none",
        reason: "at_capacity",
      });
      const other = await team.take("ben", { run: run.id });
      expect(other.id).not.toBe(first.id);
    });

    it("says why there is nothing", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", role: "designer" }]);
      expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none", reason: "no_capability" });
      const { run: small } = await team.start([{ key: "a" }, { key: "b" }], { max_parallel: 1 });
      const a = await team.take("ann", { run: small.id });
      expect(await team.claim("ben", { run: small.id })).toMatchObject({ outcome: "none", reason: "run_at_capacity" });
      await team.app.call("control_run", { run: small.id, action: "pause" });
      expect(await team.claim("ben", { run: small.id })).toMatchObject({ outcome: "none", reason: "paused" });
      await team.app.call("control_run", { run: small.id, action: "resume" });
      await team.complete(a);
      const b = await team.take("ben", { run: small.id });
      await team.complete(b);
      // Nothing more comes of it, so no time is named to ask again.
      expect(await team.claim("ben", { run: small.id })).toEqual({
        outcome: "none",
        reason: "run_finished",
        detail: expect.stringMatching(/^run plan \(run_\w+\) ended as succeeded at /) as string,
      });
    });

    it("asks for role and capabilities, and takes what is offered at the call", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", role: "designer", requires: ["figma"] }]);
      expect((await team.claim("ann", { run: run.id, roles: ["designer"] })).outcome).toBe("none");
      const a = await team.take("ann", { run: run.id, roles: ["designer"], requires: ["figma", "css"] });
      expect(a.key).toBe("a");
    });

    it("serves priority first, then the longest chain, and lets waiting outweigh priority", async () => {
      const team = await crew();
      const { run: old } = await team.start([{ key: "waited", priority: "low" }]);
      await team.app.advance(40 * 60_000);
      const { run } = await team.start([
        { key: "short" },
        { key: "long" },
        { key: "after-long", needs: ["long"] },
        { key: "urgent", priority: "critical" },
      ]);
      const { project } = (await team.app.call("get_run", { run: run.id })).run;
      const order: string[] = [];
      for (let i = 0; i < 4; i++) order.push((await team.take(`agent-${i}`, { project })).key);
      expect(order).toEqual(["waited", "urgent", "long", "short"]);
      expect(old.id).not.toBe(run.id);
    });
  });

  describe("failing and retrying", () => {
    it("retries with backoff, then leaves a dead letter that blocks what depends on it and fails the run", async () => {
      const team = await crew();
      const { run } = await team.start([
        { key: "a", retry: { max_attempts: 2, initial_interval_ms: 1000 } },
        { key: "b", needs: ["a"] },
        { key: "c", needs: ["b"] },
      ]);
      const first = await team.take("ann", { run: run.id });
      const failed = await team.fail(first);
      expect(failed.outcome).toBe("retry");
      expect(Date.parse(failed.retry_at ?? "") - team.app.clock.now()).toBeLessThanOrEqual(1000);
      expect((await team.claim("ann", { run: run.id })).reason).toBe("nothing_ready");
      await team.app.advance(1000);
      const second = await team.take("ann", { run: run.id });
      expect(second.token).toBeGreaterThan(first.token);
      const dead = await team.fail(second);
      expect(dead.outcome).toBe("dead_letter");
      expect(dead.blocked).toHaveLength(2);
      expect(await team.statuses(run.id)).toEqual({ a: "dead_letter", b: "blocked", c: "blocked" });
      const after = await team.app.call("get_run", { run: run.id });
      expect(after.run.status).toBe("failed");
      expect(after.blocked.map(({ reasons }) => reasons[0]?.blocking)).toEqual([[first.id], [first.id]]);
    });

    it("hands what the try before left to the next", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", retry: { initial_interval_ms: 1 } }]);
      await team.fail(await team.take("ann", { run: run.id }), "half", { partial_result: { page: 1 } });
      await team.app.advance(10);
      const second = await team.claim("ben", { run: run.id });
      expect(second.task).toMatchObject({
        attempt: 2,
        previous: { agent: "ann", outcome: "failed", error: { type: "half" }, partial_result: { page: 1 } },
      });
    });

    it("opens a failed run again with retry_failed", async () => {
      const team = await crew();
      const { run } = await team.start([
        { key: "a", retry: { max_attempts: 1 } },
        { key: "b", needs: ["a"] },
      ]);
      await team.fail(await team.take("ann", { run: run.id }));
      expect((await team.run(run.id)).status).toBe("failed");
      await team.app.call("control_run", { run: run.id, action: "retry_failed" });
      expect(await team.statuses(run.id)).toEqual({ a: "ready", b: "pending" });
      await team.complete(await team.take("ann", { run: run.id }));
      const end = await team.complete(await team.take("ann", { run: run.id }));
      expect(end.run).toMatchObject({ status: "succeeded", progress: 100 });
    });

    it.each([
      ["all_done", "ready"],
      ["one_failed", "ready"],
      ["none_failed", "blocked"],
      ["one_succeeded", "ready"],
      ["all_succeeded", "blocked"],
    ])("trigger %s after one failure and one success: %s", async (trigger, status) => {
      const team = await crew();
      const { run } = await team.start([
        { key: "good" },
        { key: "bad", retry: { max_attempts: 1 } },
        { key: "join", needs: ["good", "bad"], trigger },
      ]);
      for (let i = 0; i < 2; i++) {
        const held = await team.take(`agent-${i}`, { run: run.id });
        if (held.key === "good") await team.complete(held);
        else await team.fail(held);
      }
      expect((await team.statuses(run.id))["join"]).toBe(status);
    });

    it("takes a non-retryable type at its word", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", retry: { max_attempts: 5, non_retryable: ["hopeless"] } }]);
      expect((await team.fail(await team.take("ann", { run: run.id }), "hopeless")).outcome).toBe("dead_letter");
    });
  });

  describe("fencing", () => {
    it("refuses an old token and says who holds the task now", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a" }]);
      const first = await team.take("ann", { run: run.id });
      await team.app.call("release_task", { task: first.id, token: first.token });
      const second = await team.take("ben", { run: run.id });
      await expect(team.complete(first)).rejects.toMatchObject({
        code: "stale_token",
        details: { held_by: "ben", token: first.token },
      });
      await team.complete(second, "done");
    });

    it("answers the same completion again, and refuses another result", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
      const held = await team.take("ann", { run: run.id });
      const first = await team.complete(held, { n: 1 });
      expect(await team.complete(held, { n: 1 })).toEqual(first);
      await expect(team.complete(held, { n: 2 })).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringMatching(/another result, which stands/) as string,
      });
    });

    it("does a write with a request_id once", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a" }, { key: "b" }]);
      const first = await team.claim("ann", { run: run.id, request_id: "r1" });
      expect(await team.claim("ann", { run: run.id, request_id: "r1" })).toEqual(first);
      await expect(team.claim("ann", { run: run.id, fresh: true, request_id: "r1" })).rejects.toMatchObject({
        code: "conflict",
      });
    });
  });

  describe("timeouts and leases", () => {
    it("ends an attempt after start_to_close and fences its holder off", async () => {
      const team = await crew();
      const { run } = await team.start([
        { key: "a", timeouts: { start_to_close: "1m" }, retry: { max_attempts: 2, initial_interval_ms: 1 } },
      ]);
      const held = await team.take("ann", { run: run.id });
      await team.app.advance(59_000);
      expect((await team.statuses(run.id))["a"]).toBe("running");
      await team.app.advance(1_000);
      await expect(team.complete(held)).rejects.toMatchObject({ code: "stale_token" });
      await team.app.advance(10);
      const again = await team.take("ben", { run: run.id });
      expect(again.token).toBeGreaterThan(held.token);
    });

    it("ends an attempt whose heartbeats stop, and lets them renew it", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", timeouts: { heartbeat: "1m" }, retry: { max_attempts: 1 } }]);
      const held = await team.take("ann", { run: run.id });
      await team.app.advance(50_000);
      expect(await team.app.call("report_progress", { task: held.id, token: held.token, percent: 10 })).toMatchObject({
        orders: "continue",
      });
      await team.app.advance(50_000);
      expect((await team.statuses(run.id))["a"]).toBe("running");
      await team.app.advance(10_000);
      expect((await team.statuses(run.id))["a"]).toBe("dead_letter");
    });

    it("renews all tasks of an agent by its heartbeat, also those over the number that it takes now", async () => {
      const team = await crew();
      await team.app.call("register_agent", { name: "ann", max_concurrent_tasks: 2 });
      const steps = ["a", "b"].map((key) => ({ key, timeouts: { heartbeat: "1m" } }));
      const { run } = await team.start(steps);
      for (const _ of steps) await team.take("ann", { run: run.id });
      await team.app.call("update_agent", { agent: "ann", max_concurrent_tasks: 1 });
      await team.app.advance(50_000);
      expect((await team.app.call("agent_heartbeat", { agent: "ann" })).renewed).toHaveLength(2);
      await team.app.advance(50_000);
      expect(await team.statuses(run.id)).toEqual({ a: "running", b: "running" });
    });

    it("fails a task that is not claimed in time", async () => {
      const team = await crew();
      const { run } = await team.start([
        { key: "unstarted", timeouts: { schedule_to_start: "1m" } },
        { key: "unclosed", timeouts: { schedule_to_close: "2m" } },
      ]);
      await team.app.advance(60_000);
      expect(await team.statuses(run.id)).toEqual({ unstarted: "dead_letter", unclosed: "ready" });
      const held = await team.take("ann", { run: run.id });
      await team.app.advance(60_000);
      expect(await team.statuses(run.id)).toEqual({ unstarted: "dead_letter", unclosed: "dead_letter" });
      await expect(team.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    });
  });

  describe("cancel", () => {
    it("cancels an unclaimed task at once, asks the holder of a claimed one, and takes it away after the grace", async () => {
      const team = await crew({ cancel_grace_ms: 30_000 });
      const { run } = await team.start([{ key: "held" }, { key: "idle" }, { key: "later", needs: ["held"] }]);
      const held = await team.take("ann", { run: run.id });
      await team.app.call("control_run", { run: run.id, action: "cancel" });
      expect((await team.run(run.id)).status).toBe("cancelling");
      expect(await team.app.call("report_progress", { task: held.id, token: held.token })).toMatchObject({
        orders: "cancel_requested",
      });
      await team.app.advance(30_000);
      expect((await team.run(run.id)).status).toBe("cancelled");
      await expect(team.complete(held)).rejects.toMatchObject({ code: "stale_token" });
    });

    it("skips what depends on a cancelled task", async () => {
      const team = await crew();
      const { run, ready } = await team.start([
        { key: "a" },
        { key: "b", needs: ["a"] },
        { key: "c", needs: ["a"], trigger: "all_done" },
      ]);
      await team.app.call("cancel_task", { task: ready[0]!.id });
      expect(await team.statuses(run.id)).toEqual({ a: "cancelled", b: "skipped", c: "ready" });
    });
  });

  describe("single tasks", () => {
    it("live in the project's standing run and depend on each other", async () => {
      const team = await crew();
      const first = await team.app.call("create_task", { title: "One", prompt: "do one" });
      expect(first.task.status).toBe("ready");
      const second = await team.app.call("create_task", {
        title: "Two",
        prompt: "do two",
        run: first.task.run,
        dependencies: [first.task.id],
      });
      expect(second.task.status).toBe("pending");
      const held = await team.take("ann", { run: first.task.run });
      expect((await team.complete(held)).ready.map(({ id }) => id)).toEqual([second.task.id]);
      expect((await team.run(first.task.run)).status).toBe("running");
    });

    it("are refused by a run that has ended, and for a dependency that is not there", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "build" }]);
      await expect(
        team.app.call("create_task", { title: "x", prompt: "x", run: run.id, retry: { max_atempts: 2 } }),
      ).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(/^The task cannot be made: retry: unknown key "max_atempts"/) as string,
      });
      await expect(team.app.call("get_task", { task: "build" })).rejects.toMatchObject({
        message: "There is no task build. A step's key says which task only after its run: RUN/KEY.",
      });
      await expect(
        team.app.call("create_task", { title: "x", prompt: "x", run: run.id, dependencies: ["biuld"] }),
      ).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringContaining('did you mean "build"') as string,
      });
      await team.complete(await team.take("ann", { run: run.id }));
      await expect(team.app.call("create_task", { title: "x", prompt: "x", run: run.id })).rejects.toMatchObject({
        code: "invalid_transition",
      });
    });

    it("can be reserved for one agent until the reservation lapses", async () => {
      const team = await crew({ reservation_ms: 60_000 });
      const { run, ready } = await team.start([{ key: "a" }]);
      await team.app.call("register_agent", { name: "ben" });
      await team.app.call("assign_task", { task: ready[0]!.id, agent: "ben" });
      expect((await team.claim("ann", { run: run.id })).reason).toBe("reserved");
      await team.app.advance(60_000);
      expect((await team.take("ann", { run: run.id })).key).toBe("a");
    });
  });

  describe("check_task_ready", () => {
    it("returns every reason, not the first", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "a" }, { key: "b", needs: ["a"], role: "designer" }]);
      await team.app.call("register_agent", { name: "ann" });
      await team.app.call("control_run", { run: run.id, action: "pause" });
      const answer = await team.app.call("check_task_ready", { task: `${run.id}/b`, agent: "ann" });
      expect(answer).toMatchObject({ ready: false, claimable: false });
      expect(answer.reasons.map(({ kind }) => kind)).toEqual(["dependencies", "run_paused", "role"]);
    });
  });
});
