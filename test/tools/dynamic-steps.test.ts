import { describe, expect, it } from "vitest";
import { startApp, startAppOn } from "../support/servers/app.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const once = { retry: { max_attempts: 1 } };

describe.each(BACKENDS)("steps whose form depends on what came before, on %s", (backend) => {
  async function crew(options: Partial<Parameters<typeof startApp>[0]> = {}): Promise<Crew> {
    return new Crew(await startAppOn(backend, options));
  }

  it("have the values of their expressions in their prompts, titles and files", async () => {
    const team = await crew();
    const { run } = await team.start(
      [
        { key: "design", prompt: "Design ${{ inputs.feature }} in ${{ project.name }}" },
        {
          key: "build",
          needs: ["design"],
          title: "Build ${{ steps.design.output.name }}",
          prompt: "Write ${{ steps.design.output.modules }} and ${{ inputs.count + 1 }} more",
          files: { write: ["src/${{ steps.design.output.name }}/**", "${{ steps.design.output.paths }}"] },
        },
      ],
      { inputs: { feature: { type: "string" }, count: { type: "integer", default: 2 } }, given: { feature: "login" } },
    );
    const design = await team.claim("ann", { run: run.id });
    expect(design.task?.prompt).toBe("Design login in personal");
    const result = { name: "auth", modules: ["a", "b"], paths: ["docs/x.md", "docs/y.md"] };
    await team.complete({ id: design.task?.id ?? "", token: design.lease?.token ?? 0 }, result);
    const build = await team.claim("ann", { run: run.id });
    expect(build.task).toMatchObject({ title: "Build auth", prompt: 'Write ["a","b"] and 3 more' });
    expect(build.locks?.map(({ path }) => path)).toEqual(["docs/x.md", "docs/y.md", "src/auth/**"]);
  });

  it("are skipped where their condition does not hold, and what none_failed asks goes on", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "test" },
      { key: "more", needs: ["test"], if: "steps.test.output.coverage < 80" },
      { key: "never", needs: ["more"] },
      { key: "release", needs: ["test", "more"], trigger: "none_failed" },
    ]);
    await team.complete(await team.take("ann", { run: run.id }), { coverage: 91.5 });
    expect(await team.statuses(run.id)).toEqual({
      test: "succeeded",
      more: "skipped",
      never: "skipped",
      release: "ready",
    });
    await team.complete(await team.take("ann", { run: run.id }));
    expect((await team.run(run.id)).status).toBe("succeeded");
    expect(await team.app.call("get_task", { task: `${run.id}/more` })).toMatchObject({
      task: { reasons: [{ kind: "condition", detail: "`steps.test.output.coverage < 80` is false" }] },
    });
  });

  it("become one task for each element, whose results are their own in their order", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "list" },
      {
        key: "module",
        needs: ["list"],
        for_each: "${{ steps.list.output.modules }}",
        title: "Module ${{ item.name }}",
        prompt: "Element ${{ index }} is ${{ item.name }}",
        files: { write: ["src/${{ item.name }}/**"] },
      },
      { key: "join", needs: ["module"], prompt: "Join ${{ steps.module.output.map(m, m.pages) }}" },
    ]);
    const modules = Array.from({ length: 300 }, (_, at) => ({ name: `m${at}` }));
    await team.complete(await team.take("ann", { run: run.id }), { modules });
    expect((await team.run(run.id)).counts).toMatchObject({ ready: 300, pending: 2, total: 303 });
    for (let done = 0; done < 300; done++) {
      const { task, lease, locks } = await team.claim("ann", { run: run.id });
      const at = Number(/\[(\d+)\]/.exec(task?.key ?? "")?.[1]);
      expect(task).toMatchObject({ title: `Module m${at}`, prompt: `Element ${at} is m${at}` });
      expect(task?.dependencies).toMatchObject([{ key: "list", status: "succeeded" }]);
      expect(locks).toMatchObject([{ path: `src/m${at}/**` }]);
      await team.complete({ id: task?.id ?? "", token: lease?.token ?? 0 }, { pages: at });
    }
    const join = await team.claim("ann", { run: run.id });
    expect(join.task?.prompt).toBe(`Join ${JSON.stringify(modules.map((_, at) => at))}`);
    await team.complete({ id: join.task?.id ?? "", token: join.lease?.token ?? 0 });
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("with a list of nothing are over at once; an element that fails blocks what comes behind until it is tried again", async () => {
    const team = await crew();
    const steps = [
      { key: "none", for_each: [] },
      { key: "each", for_each: ["a", "b"], prompt: "${{ item }}", ...once },
      { key: "after", needs: ["none", "each"], prompt: "${{ steps.none.output }}/${{ steps.each.output }}" },
    ];
    const { run } = await team.start(steps);
    expect(await team.statuses(run.id)).toMatchObject({ none: "succeeded", "each[0]": "ready", "each[1]": "ready" });
    await team.fail(await team.take("ann", { run: run.id }));
    await team.complete(await team.take("ann", { run: run.id }), "B");
    expect(await team.statuses(run.id)).toMatchObject({ each: "blocked", after: "blocked" });
    expect((await team.run(run.id)).status).toBe("failed");
    await team.app.call("control_run", { run: run.id, action: "retry_failed" });
    await team.complete(await team.take("ann", { run: run.id }), "A");
    const after = await team.claim("ann", { run: run.id });
    expect(after.task?.prompt).toBe('[]/["A","B"]');
  });

  it("with an expression without a value end alone: the other branches go on", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a" },
      { key: "bad", needs: ["a"], prompt: "${{ steps.a.output.missing.field }}" },
      { key: "behind", needs: ["bad"] },
      { key: "list", needs: ["a"], for_each: "steps.a.output.number" },
      { key: "many", needs: ["a"], for_each: "steps.a.output.many" },
      { key: "way-out", needs: ["a"], files: { write: ["${{ steps.a.output.path }}"] } },
      {
        key: "slow",
        needs: ["a"],
        if: "steps.a.output.long.exists(x, steps.a.output.long.exists(y, steps.a.output.long.exists(z, x + y + z < 0)))",
      },
      { key: "good", needs: ["a"], prompt: "${{ steps.a.output.number }}" },
    ]);
    const long = Array.from({ length: 1_000 }, (_, at) => at);
    const many = Array.from({ length: 10_001 }, () => 0);
    await team.complete(await team.take("ann", { run: run.id }), { number: 4, path: "../x", long, many });
    expect(await team.statuses(run.id)).toEqual({
      a: "succeeded",
      bad: "dead_letter",
      behind: "blocked",
      list: "dead_letter",
      many: "dead_letter",
      "way-out": "dead_letter",
      slow: "dead_letter",
      good: "ready",
    });
    const failureOf = async (key: string) =>
      (await team.app.call("get_task", { task: `${run.id}/${key}`, include: ["attempts"] })).attempts?.[0]?.error;
    expect(await failureOf("bad")).toEqual({
      type: "expression_failed",
      message: "`steps.a.output.missing.field`: No such key: missing",
    });
    expect((await failureOf("list"))?.message).toContain("must be a list, and is 4");
    expect(await failureOf("many")).toMatchObject({ type: "limit_exceeded" });
    expect(await failureOf("way-out")).toMatchObject({ type: "invalid_input" });
    expect((await failureOf("slow"))?.message).toContain("takes longer than");
  });

  it("hold numbers of JSON and numbers that are written for equal", async () => {
    const team = await crew();
    const count = "inputs.count";
    const { run } = await team.start(
      [
        { key: "a" },
        { key: "equal", needs: ["a"], if: `${count} == 2 && 2 == ${count} && size(steps.a.output) == ${count}` },
        { key: "other", needs: ["a"], if: `${count} != 2` },
        { key: "among", needs: ["a"], if: `${count} in [1, 2] && steps.a.output[0] in [3]` },
      ],
      { inputs: { count: { type: "integer" } }, given: { count: 2 } },
    );
    await team.complete(await team.take("ann", { run: run.id }), [3, 4]);
    expect(await team.statuses(run.id)).toMatchObject({ equal: "ready", other: "skipped", among: "ready" });
  });

  it("delay no other call for long: many slow ones share half a second, in which all others have their time", async () => {
    const team = await crew();
    const slow = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a+)+$')";
    const { run } = await team.start([
      { key: "a" },
      ...Array.from({ length: 8 }, (_, at) => ({ key: `slow-${at}`, needs: ["a"], if: slow })),
      { key: "each", needs: ["a"], for_each: [1, 2], prompt: `\${{ ${slow} }}` },
      { key: "good", needs: ["a"], prompt: "${{ steps.a.output.map(x, x + 1) }}" },
    ]);
    await team.complete(await team.take("ann", { run: run.id }), [1, 2]);
    const reasonOf = async (key: string) =>
      (await team.app.call("get_task", { task: `${run.id}/${key}` })).task.reasons?.[0]?.detail;
    expect(await reasonOf("slow-0")).toMatch(/takes longer than 250 ms$/);
    for (const key of ["slow-7", "each"])
      expect(await reasonOf(key)).toMatch(
        /(?:takes longer than 10 ms|was not evaluated); no more was left of the 500 ms/,
      );
    expect((await team.claim("ann", { run: run.id })).task).toMatchObject({ key: "good", prompt: "[2,3]" });
  });

  it("are refused where they come to more open tasks than fit, together with those made in the same transaction", async () => {
    const team = await crew({ settings: { open_tasks_max: 10 } });
    const list = "steps.list.output";
    const { run } = await team.start([
      { key: "list" },
      { key: "a", needs: ["list"], for_each: list },
      { key: "b", needs: ["list"], for_each: list },
      { key: "c", needs: ["list"], for_each: `[${list}[0]]` },
    ]);
    await team.complete(await team.take("ann", { run: run.id }), [1, 2, 3, 4, 5]);
    // Of itself each has room. The third has it again, since the second was refused.
    expect(await team.statuses(run.id)).toMatchObject({
      a: "pending",
      "a[4]": "ready",
      b: "dead_letter",
      "c[0]": "ready",
    });
    const { attempts } = await team.app.call("get_task", { task: `${run.id}/b`, include: ["attempts"] });
    expect(attempts![0]?.error).toMatchObject({
      type: "limit_exceeded",
      message: `Run ${run.id} has 8 open tasks; at most 10 fit, and these are 5 more.`,
    });
  });

  it("take the room of those that a change removes", async () => {
    const team = await crew({ settings: { open_tasks_max: 3 } });
    const { run } = await team.start([{ key: "a" }, { key: "b" }, { key: "c" }]);
    const add_task = { op: "add_task", step: { key: "d", prompt: "d" } };
    const full = team.app.call("modify_run", { run: run.id, changes: [add_task] });
    await expect(full).rejects.toMatchObject({ code: "limit_exceeded", details: { open: 3, more: 1, max: 3 } });
    await team.app.call("modify_run", { run: run.id, changes: [add_task, { op: "remove_task", task: "c" }] });
    expect(await team.statuses(run.id)).toEqual({ a: "ready", b: "ready", d: "ready" });
  });

  it("stay reserved for the agent they were assigned to while they were pending", async () => {
    const team = await crew({ settings: { reservation_ms: 600_000 } });
    await team.app.call("register_agent", { name: "ben" });
    const { run } = await team.start([{ key: "a" }, { key: "b", needs: ["a"], prompt: "${{ steps.a.output }}" }]);
    await team.app.call("assign_task", { task: `${run.id}/b`, agent: "ben" });
    await team.complete(await team.take("ann", { run: run.id }), "A");
    expect((await team.claim("ann", { run: run.id })).outcome).toBe("none");
    expect((await team.claim("ben", { run: run.id })).task).toMatchObject({ key: "b", prompt: "A" });
  });

  it("as a gate pass or fail by their checks, without an agent", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "test" },
      {
        key: "gate",
        kind: "gate",
        needs: ["test"],
        checks: ["steps.test.output.passed", "steps.test.output.coverage > 80"],
      },
      { key: "ship", needs: ["gate"] },
    ]);
    await team.complete(await team.take("ann", { run: run.id }), { passed: true, coverage: 79 });
    expect(await team.statuses(run.id)).toEqual({ test: "succeeded", gate: "dead_letter", ship: "blocked" });
    const { run: second } = await team.start(
      [
        { key: "gate", kind: "gate", checks: ["inputs.count > 2"] },
        { key: "ship", needs: ["gate"] },
      ],
      { inputs: { count: { type: "integer" } }, given: { count: 3 } },
    );
    expect(await team.statuses(second.id)).toEqual({ gate: "succeeded", ship: "ready" });
  });

  it("as a timer wait, whatever is restarted, and fire once", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "pause", kind: "wait", for: "21d" },
      { key: "at", kind: "wait", until: "2026-01-02T00:00:00Z" },
      { key: "after", needs: ["pause"], prompt: "since ${{ steps.pause.output.due_at }}" },
    ]);
    expect(await team.statuses(run.id)).toEqual({ pause: "waiting", at: "waiting", after: "pending" });
    await team.app.advance(86_400_000);
    expect(await team.statuses(run.id)).toMatchObject({ pause: "waiting", at: "succeeded" });
    await team.app.close();
    team.app.clock.advance(20 * 86_400_000);
    const storeHooks = { now: () => team.app.clock.now() };
    const runtime = { ...testRuntime(), clock: team.app.clock };
    const late = new Crew(await startApp({ database: team.app.database, runtime, storeHooks }));
    await late.app.call("register_agent", { name: "ann" });
    await late.app.advance(0);
    expect((await late.claim("ann", { run: run.id })).task?.prompt).toBe("since 2026-01-22T00:00:00.000Z");
    const { events } = await late.app.call("list_events", { run: run.id, types: ["task.succeeded"] });
    expect(events).toHaveLength(2);
  });

  it("wait for an event, which may come before them, and give up in time", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "first" },
      { key: "hook", kind: "wait", event: "merged", needs: ["first"] },
      { key: "late", kind: "wait", event: "never", timeouts: { schedule_to_close: "1h" } },
      { key: "after", needs: ["hook"], prompt: "PR ${{ steps.hook.output.payload.number }}" },
    ]);
    expect(await team.app.call("signal", { run: run.id, event: "merged", payload: { number: 7 } })).toMatchObject({
      kept: true,
      delivered: [],
    });
    await team.complete(await team.take("ann", { run: run.id }));
    expect((await team.claim("ann", { run: run.id })).task?.prompt).toBe("PR 7");
    await team.app.advance(3_600_000);
    expect(await team.statuses(run.id)).toMatchObject({ late: "dead_letter" });
    await expect(team.app.call("signal", { task: `${run.id}/hook`, event: "merged" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  it("deliver an event to all that wait for it, once under a request id", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a", kind: "wait", event: "go" },
      { key: "b", kind: "wait", event: "go" },
      { key: "c", kind: "wait", event: "other" },
    ]);
    const given = { run: run.id, event: "go", request_id: "r1" };
    const answer = await team.app.call("signal", given);
    expect(answer).toMatchObject({ delivered: [{ key: "a" }, { key: "b" }], kept: false });
    expect(await team.app.call("signal", given)).toEqual(answer);
    expect(await team.statuses(run.id)).toEqual({ a: "succeeded", b: "succeeded", c: "waiting" });
  });

  it("ask a person, and no agent may answer", async () => {
    const team = await crew();
    const form = { type: "object", required: ["version"], properties: { version: { type: "string" } } };
    const { run } = await team.start(
      [
        { key: "ok", kind: "human", ask: "Release ${{ inputs.what }}?", form },
        { key: "no", kind: "human", ask: "Really?" },
        { key: "ship", needs: ["ok"], prompt: "Ship ${{ steps.ok.output.answers.version }}" },
      ],
      { inputs: { what: { type: "string" } }, given: { what: "it" } },
    );
    const { escalations } = await team.app.call("list_escalations", { run: run.id });
    expect(escalations).toMatchObject([{ ask: "Release it?", form, task: { key: "ok" } }, { ask: "Really?" }]);
    const [ok, no] = escalations;
    await expect(
      team.app.call("decide_escalation", { id: ok!.id, decision: "approved", answers: { version: "1.0" } }),
    ).rejects.toMatchObject({ code: "not_permitted" });
    const runtime = { ...testRuntime(2), clock: team.app.clock };
    const storeHooks = { now: () => team.app.clock.now() };
    const person = await startApp({ database: team.app.database, runtime, storeHooks, channel: "human", agent: "eve" });
    await expect(person.call("decide_escalation", { id: ok!.id, decision: "approved" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect(await person.call("decide_escalation", { id: no!.id, decision: "deferred" })).toMatchObject({
      task: { status: "waiting" },
    });
    await person.call("decide_escalation", { id: no!.id, decision: "rejected", note: "not now" });
    expect(
      await person.call("decide_escalation", { id: ok!.id, decision: "approved", answers: { version: "1.0" } }),
    ).toMatchObject({ ready: [{ key: "ship" }] });
    expect(await team.statuses(run.id)).toEqual({ ok: "succeeded", no: "dead_letter", ship: "ready" });
    expect((await team.claim("ann", { run: run.id })).task?.prompt).toBe("Ship 1.0");
    await expect(person.call("decide_escalation", { id: ok!.id, decision: "approved" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });

  it("that wait are cancelled with their run", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "w", kind: "wait", event: "x" },
      { key: "h", kind: "human", ask: "?" },
    ]);
    await team.app.call("control_run", { run: run.id, action: "cancel" });
    expect((await team.run(run.id)).status).toBe("cancelled");
    await expect(team.app.call("signal", { run: run.id, event: "x" })).rejects.toMatchObject({
      code: "invalid_transition",
    });
  });
});
