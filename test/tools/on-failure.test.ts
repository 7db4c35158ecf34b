import { describe, expect, it } from "vitest";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type RunAnswer, type Step } from "../support/fixtures/plan.js";

const once = { retry: { max_attempts: 1 } };

describe.each(BACKENDS)("runs that fail, on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startAppOn(backend));
  }

  async function settle(team: Crew): Promise<void> {
    for (let round = 0; round < 3; round++) await team.app.advance(1);
  }

  async function deadLetterOf(team: Crew, run: string, key: string): Promise<string> {
    const { dead_letters: deadLetters } = await team.app.call("list_dead_letters", { run });
    return deadLetters.find(({ task }) => task.key === key)?.id ?? "";
  }

  const parallel: readonly Step[] = [
    { key: "a", ...once },
    { key: "b", ...once },
    { key: "after-b", needs: ["b"] },
    { key: "c", ...once },
    { key: "clock", kind: "wait", for: "1h" },
    { key: "cleanup", needs: ["a"], trigger: "one_failed" },
  ];

  describe("with on_failure: stop", () => {
    it("starts nothing new; what is held may end, and then the run has failed", async () => {
      const team = await crew();
      const { run } = await team.start(parallel, { on_failure: "stop" });
      const [a, b] = [await team.take("ann", { run: run.id }), await team.take("bob", { run: run.id })];
      const failed = await team.fail(a);
      expect(failed).toMatchObject({ outcome: "dead_letter", run: { status: "running" } });
      expect(await team.statuses(run.id)).toEqual({
        a: "dead_letter",
        b: "running",
        "after-b": "blocked",
        c: "blocked",
        clock: "blocked",
        cleanup: "blocked",
      });
      expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none" });
      await expect(team.app.call("create_task", { run: run.id, title: "more", prompt: "more" })).rejects.toMatchObject({
        code: "invalid_transition",
        message: expect.stringContaining("stopping after a failure"),
      });
      const done = await team.complete(b);
      expect(done).toMatchObject({ ready: [], run: { status: "failed" } });
      const reasons = await team.app.call("check_task_ready", { task: `${run.id}/c` });
      expect(reasons.reasons.map(({ kind }) => kind)).toContain("run_stopped");
    });

    it.each(["released", "failed", "lost"])("a task whose holder %s does not come back", async (how) => {
      const team = await crew();
      const { run } = await team.start([{ key: "a", ...once }, { key: "b" }], { on_failure: "stop" });
      const [a, b] = [await team.take("ann", { run: run.id }), await team.take("bob", { run: run.id })];
      await team.fail(a);
      if (how === "released") await team.app.call("release_task", { task: b.id, token: b.token });
      else if (how === "failed") await team.fail(b);
      else await team.app.call("unregister_agent", { agent: "bob" });
      expect((await team.run(run.id)).status).toBe("failed");
      expect((await team.statuses(run.id))["b"]).toBe(how === "failed" ? "dead_letter" : "blocked");
    });

    it.each(["retry_failed", "replay_dead_letter", "resolve_dead_letter"] as const)(
      "%s reopens every task that the failure blocked",
      async (how) => {
        const team = await crew();
        const { run } = await team.start(parallel, { on_failure: "stop" });
        const a = await team.take("ann", { run: run.id });
        await team.fail(a);
        expect((await team.run(run.id)).status).toBe("failed");
        const id = await deadLetterOf(team, run.id, "a");
        if (how === "retry_failed") await team.app.call("control_run", { run: run.id, action: how });
        else if (how === "replay_dead_letter") await team.app.call(how, { id });
        else await team.app.call(how, { id, notes: "done by hand", result: 1 });
        expect(await team.statuses(run.id)).toEqual({
          a: how === "resolve_dead_letter" ? "succeeded" : "ready",
          b: "ready",
          "after-b": "pending",
          c: "ready",
          clock: "waiting",
          // Nothing failed any more that it could wait for.
          cleanup: how === "resolve_dead_letter" ? "skipped" : "pending",
        });
        expect((await team.run(run.id)).status).toBe("running");
      },
    );
  });

  describe("with on_failure: compensate", () => {
    const trip: readonly Step[] = [
      { key: "hotel", ...once, compensate: { prompt: "cancel hotel ${{ steps.hotel.output.booking }}" } },
      { key: "note", needs: ["hotel"] },
      { key: "car", needs: ["note"], ...once, compensate: { prompt: "return the car" } },
      { key: "visa", ...once, compensate: { kind: "human", ask: "Withdraw the visa?" } },
      { key: "fly", needs: ["car", "visa"], ...once, compensate: { prompt: "never" } },
      { key: "home", needs: ["fly"] },
    ];

    async function failed(team: Crew): Promise<RunAnswer> {
      const { run } = await team.start(trip, { on_failure: "compensate" });
      for (let step = 0; step < 4; step++) {
        await team.complete(await team.take("ann", { run: run.id }), { booking: 42 });
      }
      const fly = await team.take("ann", { run: run.id });
      expect(fly.key).toBe("fly");
      expect(await team.fail(fly)).toMatchObject({ run: { status: "compensating" } });
      await settle(team);
      return run;
    }

    it("undoes what was done, what was built on it first, and ends compensated", async () => {
      const team = await crew();
      const run = await failed(team);
      expect(await team.statuses(run.id)).toMatchObject({
        fly: "dead_letter",
        home: "blocked",
        "compensate(car)": "ready",
        "compensate(visa)": "waiting",
        "compensate(hotel)": "pending",
      });
      const car = await team.claim("ann", { run: run.id });
      expect(car.task).toMatchObject({ key: "compensate(car)", prompt: "return the car" });
      await team.complete({ id: car.task?.id ?? "", token: car.lease?.token ?? 0 });
      const hotel = await team.claim("ann", { run: run.id });
      expect(hotel.task).toMatchObject({ key: "compensate(hotel)", prompt: "cancel hotel 42" });
      await team.complete({ id: hotel.task?.id ?? "", token: hotel.lease?.token ?? 0 });
      await team.app.call("cancel_task", { task: `${run.id}/compensate(visa)` });
      expect(await team.run(run.id)).toMatchObject({ status: "compensated" });
      await expect(team.app.call("control_run", { run: run.id, action: "retry_failed" })).rejects.toMatchObject({
        code: "invalid_transition",
      });
    });

    it("fails where something cannot be undone, and goes on undoing when that is tried again", async () => {
      const team = await crew();
      const run = await failed(team);
      await team.app.call("cancel_task", { task: `${run.id}/compensate(visa)` });
      const car = await team.take("ann", { run: run.id });
      await team.fail(car, "broken", { retryable: false });
      expect(await team.run(run.id)).toMatchObject({ status: "failed" });
      expect((await team.statuses(run.id))["compensate(hotel)"]).toBe("blocked");
      // Tasks that were to be done at first are not reopened.
      await expect(
        team.app.call("replay_dead_letter", { id: await deadLetterOf(team, run.id, "fly") }),
      ).rejects.toMatchObject({ code: "invalid_transition", message: expect.stringContaining("is undone") });
      await team.app.call("control_run", { run: run.id, action: "retry_failed" });
      expect(await team.run(run.id)).toMatchObject({ status: "compensating" });
      expect((await team.statuses(run.id))["home"]).toBe("blocked");
      await team.complete(await team.take("ann", { run: run.id }));
      await team.complete(await team.take("ann", { run: run.id }));
      expect(await team.run(run.id)).toMatchObject({ status: "compensated" });
    });

    it("waits for what is held before it undoes anything, and undoes that too", async () => {
      const team = await crew();
      const { run } = await team.start(
        [
          { key: "a", ...once },
          { key: "b", compensate: { prompt: "undo b" } },
        ],
        { on_failure: "compensate" },
      );
      const [a, b] = [await team.take("ann", { run: run.id }), await team.take("bob", { run: run.id })];
      await team.fail(a);
      await settle(team);
      expect(await team.statuses(run.id)).toEqual({ a: "dead_letter", b: "running" });
      await team.complete(b);
      await settle(team);
      expect(await team.statuses(run.id)).toMatchObject({ "compensate(b)": "ready" });
    });

    it("undoes each element of a list by itself, and a run without anything to undo ends at once", async () => {
      const team = await crew();
      const { run } = await team.start(
        [
          {
            key: "all",
            for_each: ["x", "y"],
            prompt: "do ${{ item }}",
            compensate: { prompt: "undo ${{ item }}" },
          },
          { key: "last", needs: ["all"], ...once },
        ],
        { on_failure: "compensate" },
      );
      for (let one = 0; one < 2; one++) await team.complete(await team.take("ann", { run: run.id }));
      await team.fail(await team.take("ann", { run: run.id }));
      await settle(team);
      const prompts = [await team.claim("ann", { run: run.id }), await team.claim("bob", { run: run.id })].map(
        ({ task }) => task?.prompt,
      );
      expect(new Set(prompts)).toEqual(new Set(["undo x", "undo y"]));

      const bare = await team.start([{ key: "a", ...once }], { on_failure: "compensate" });
      await team.fail(await team.take("carol", { run: bare.run.id }));
      await settle(team);
      expect(await team.run(bare.run.id)).toMatchObject({ status: "compensated" });
    });

    it("does not undo a list without elements", async () => {
      const team = await crew();
      const list = { key: "l", for_each: [], prompt: "do ${{ item }}", compensate: { prompt: "undo ${{ item }}" } };
      const { run } = await team.start([list, { key: "x", needs: ["l"], ...once }], { on_failure: "compensate" });
      await team.fail(await team.take("ann", { run: run.id }));
      await settle(team);
      expect(await team.run(run.id)).toMatchObject({ status: "compensated" });
    });

    it("says of what undoes it that it can be claimed", async () => {
      const team = await crew();
      const run = await failed(team);
      const task = `${run.id}/compensate(car)`;
      expect(await team.app.call("check_task_ready", { task })).toMatchObject({ claimable: true, reasons: [] });
    });

    it("waits until the runs within it have ended before it undoes anything", async () => {
      const team = await crew();
      await team.app.call("create_workflow", { name: "inner", definition: { steps: [{ key: "i", prompt: "i" }] } });
      const { run } = await team.start(
        [
          { key: "x", compensate: { prompt: "undo x" } },
          { key: "call", kind: "workflow", workflow: "inner", needs: ["x"] },
          { key: "bad", needs: ["x"], ...once },
        ],
        { on_failure: "compensate" },
      );
      await team.complete(await team.take("ann", { run: run.id }));
      await settle(team);
      const bad = await team.take("ann", { run: run.id });
      const inner = await team.take("ben", { run: run.id });
      await team.fail(bad);
      await settle(team);
      expect(Object.keys(await team.statuses(run.id))).not.toContain("compensate(x)");
      await team.complete(inner);
      for (let round = 0; round < 3; round++) await settle(team);
      expect((await team.statuses(run.id))["compensate(x)"]).toBe("ready");
    });

    it("refuses at the start what could not be undone", async () => {
      const team = await crew();
      const outside = { prompt: "undo", files: { write: ["../../out.md"] } };
      await expect(team.start([{ key: "a", compensate: outside }], { on_failure: "compensate" })).rejects.toMatchObject(
        {
          code: "invalid_input",
        },
      );
    });

    it("tells its parent when it is a run within another", async () => {
      const team = await crew();
      const steps = [{ key: "a", prompt: "a", ...once }];
      await team.app.call("create_workflow", { name: "inner", definition: { on_failure: "compensate", steps } });
      const { run } = await team.start([{ key: "call", kind: "workflow", workflow: "inner" }]);
      await settle(team);
      await team.fail(await team.take("ann", { run: run.id }));
      for (let round = 0; round < 3; round++) await settle(team);
      expect(await team.statuses(run.id)).toEqual({ call: "dead_letter" });
    });
  });
});
