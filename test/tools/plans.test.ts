import { describe, expect, it } from "vitest";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("a plan step on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startApp({ database: (await createDatabase(backend)).location }));
  }

  const steps = [
    { key: "plan", kind: "plan", prompt: "Plan it" },
    { key: "report", needs: ["plan"], trigger: "one_succeeded", prompt: "Report on ${{ steps.plan.output.goal }}" },
  ];

  it("becomes the steps of its result, and what came behind it comes behind them", async () => {
    const team = await crew();
    const { run } = await team.start(steps);
    const plan = await team.take("ann", { run: run.id });
    const planned = [
      { key: "a", prompt: "do a" },
      { key: "b", prompt: "do b", needs: ["a"] },
      { key: "c", prompt: "do c with ${{ steps.b.output }}", needs: ["b"] },
      { key: "skip", prompt: "not", needs: ["a"], if: "false" },
    ];
    const done = await team.complete(plan, { goal: "g", steps: planned });
    expect(done.ready.map(({ key }) => key)).toEqual(["a"]);
    expect(await team.statuses(run.id)).toMatchObject({ plan: "succeeded", a: "ready", report: "pending" });
    await team.complete(await team.take("ann", { run: run.id }));
    await team.complete(await team.take("ann", { run: run.id }), "B");
    const c = await team.claim("ann", { run: run.id });
    expect(c.task).toMatchObject({ key: "c", prompt: "do c with B" });
    await team.complete({ id: c.task?.id ?? "", token: c.lease?.token ?? 0 });
    const report = await team.claim("ann", { run: run.id });
    expect(report.task).toMatchObject({ key: "report", prompt: "Report on g" });
    expect(report.task?.dependencies.map(({ key, status }) => `${key} ${status}`)).toEqual([
      "c succeeded",
      "skip skipped",
    ]);
    await team.complete({ id: report.task?.id ?? "", token: report.lease?.token ?? 0 });
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("has the inputs and defaults of its run, and may need and read what came before the plan", async () => {
    const team = await crew();
    const { run } = await team.start(
      [
        { key: "look", prompt: "Look" },
        { key: "maybe", needs: ["look"], if: "steps.look.output.more", prompt: "More" },
        { key: "plan", kind: "plan", needs: ["look", "maybe"], trigger: "none_failed", prompt: "Plan it" },
      ],
      {
        inputs: { feature: { type: "string" } },
        given: { feature: "login" },
        defaults: { role: "builder", retry: { max_attempts: 1 } },
      },
    );
    const roles = ["builder"];
    await team.complete(await team.take("ann", { run: run.id, roles }), { more: false, found: "X" });
    const plan = await team.claim("ann", { run: run.id, roles });
    expect(plan.next?.[0]).toMatchObject({ arguments: { result: { steps: [{ key: "a" }, { needs: ["a"] }] } } });
    const held = { id: plan.task?.id ?? "", token: plan.lease?.token ?? 0 };
    const counting = [{ key: "a", needs: ["look"], trigger: "one_succeeded", prompt: "a" }];
    await expect(team.complete(held, counting)).rejects.toMatchObject({
      message: expect.stringMatching(/steps\[0\]\.trigger, step "a": one_succeeded would count the plan itself/),
    });
    await team.complete(held, [
      { key: "a", needs: ["look"], prompt: "Do ${{ inputs.feature }} with ${{ steps.look.output.found }}" },
      { key: "b", needs: ["a", "maybe"], trigger: "none_failed", prompt: "b" },
      { key: "c", needs: ["maybe"], prompt: "c" },
    ]);
    expect(await team.statuses(run.id)).toMatchObject({ a: "ready", b: "pending", c: "skipped" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none" });
    const a = await team.claim("ann", { run: run.id, roles });
    expect(a.task).toMatchObject({ key: "a", prompt: "Do login with X" });
    expect(a.task?.dependencies.map(({ key }) => key).sort()).toEqual(["look", "plan"]);
    await team.fail({ id: a.task?.id ?? "", token: a.lease?.token ?? 0 });
    expect(await team.statuses(run.id)).toMatchObject({ a: "dead_letter", b: "blocked", c: "skipped" });
    expect((await team.run(run.id)).status).toBe("failed");
  });

  it.each(["stop", "compensate", "cancel"])("keeps a plan as a result where its run ends already (%s)", async (how) => {
    const team = await crew();
    const once = { retry: { max_attempts: 1 } };
    const head = how === "cancel" ? {} : { on_failure: how };
    const { run } = await team.start(
      [
        { key: "p", kind: "plan", prompt: "Plan it" },
        { key: "f", ...once },
      ],
      head,
    );
    const plan = await team.take("ann", { run: run.id });
    const other = await team.take("ben", { run: run.id });
    if (how === "cancel") await team.app.call("control_run", { run: run.id, action: "cancel" });
    await team.fail(other);
    await team.complete(plan, [{ key: "q", prompt: "q" }]);
    await team.app.advance(10);
    expect((await team.run(run.id)).status).toBe(
      { stop: "failed", compensate: "compensated", cancel: "cancelled" }[how],
    );
    expect(Object.keys(await team.statuses(run.id)).sort()).toEqual(["f", "p"]);
  });

  it.each([
    ["no steps", "do this and that", /The result of a plan is its steps/],
    [
      "a cycle",
      [
        { key: "a", prompt: "a", needs: ["b"] },
        { key: "b", prompt: "b", needs: ["a"] },
      ],
      /a → b → a|b → a → b/,
    ],
    [
      "an unknown need and a bad expression",
      [{ key: "a", prompt: "${{ inputs.x }}", needs: ["bb"] }],
      /needs "bb"[^]*no input "x"/,
    ],
    [
      "files outside the root",
      [
        { key: "a", prompt: "a", files: { write: ["../x"] } },
        { key: "b", prompt: "b", files: { read: ["y", "/z"] } },
      ],
      /steps\[0\]\.files\.write\[0\], step "a"[^]*steps\[1\]\.files\.read\[1\], step "b"[^]*The task is still yours/,
    ],
    ["a text of JSON", '{"steps":[]}', /its steps, an object and no text[^]*The task is still yours/],
    [
      "keys that are taken, a need of what comes later, and a setting of the run",
      {
        steps: [
          { key: "report", prompt: "r" },
          { key: "a", prompt: "a", needs: ["report2"] },
          { key: "plan", kind: "command" },
        ],
        on_failure: "stop",
      },
      /on_failure: was said when[^]*steps\[0\]\.key[^]*steps\[2\]\.key[^]*steps\[2\]\.run[^]*needs "report2"/,
    ],
    ["a key that is taken", { steps: [{ key: "report", prompt: "r" }] }, /has a task of this key already/],
  ])("with %s is refused with every problem, and the planner tries again", async (_, result, message) => {
    const team = await crew();
    const { run } = await team.start(steps);
    const plan = await team.take("ann", { run: run.id });
    await expect(team.complete(plan, result)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(message),
    });
    expect(await team.statuses(run.id)).toEqual({ plan: "running", report: "pending" });
    await team.complete(plan, [{ key: "a", prompt: "do a" }]);
    expect(await team.statuses(run.id)).toMatchObject({ plan: "succeeded", a: "ready" });
  });

  it("reads the inputs of its run and takes its defaults", async () => {
    const team = await crew();
    const { run } = await team.start(steps, {
      inputs: { goal: { type: "string" }, n: { type: "integer", default: 2 } },
      defaults: { retry: { max_attempts: 1 } },
      given: { goal: "search" },
    });
    const plan = await team.take("ann", { run: run.id });
    await expect(team.complete(plan, [{ key: "a", prompt: "${{ inputs.gaol }}" }])).rejects.toMatchObject({
      message: expect.stringMatching(/no input "gaol" \(did you mean "goal"\?\)/),
    });
    await team.complete(plan, [{ key: "a", prompt: "for ${{ inputs.goal }} by ${{ inputs.n }}" }]);
    const a = await team.claim("ann", { run: run.id });
    expect(a.task?.prompt).toBe("for search by 2");
    expect(await team.fail({ id: a.task?.id ?? "", token: a.lease?.token ?? 0 })).toMatchObject({
      outcome: "dead_letter",
    });
  });

  it("a plan that failed becomes its steps when a person resolves it with a plan, and only then", async () => {
    const team = await crew();
    const { run } = await team.start(steps);
    await team.fail(await team.take("ann", { run: run.id }), "no idea", { retryable: false });
    const { dead_letters } = await team.app.call("list_dead_letters", { run: run.id });
    const id = dead_letters[0]?.id ?? "";
    const resolve = (result: unknown) => team.app.call("resolve_dead_letter", { id, notes: "by hand", result });
    for (const bad of ["do this and that", { steps: [] }, { steps: [{ key: "a", prompt: "a", needs: ["zz"] }] }]) {
      await expect(resolve(bad)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("The dead letter is still pending"),
        next: [{ tool: "call_operation", arguments: { name: "resolve_dead_letter", arguments: { id } } }],
      });
    }
    expect((await team.statuses(run.id))["plan"]).toBe("dead_letter");
    expect(
      await resolve({
        goal: "g",
        steps: [
          { key: "a", prompt: "a" },
          { key: "b", prompt: "b", needs: ["a"] },
        ],
      }),
    ).toMatchObject({ ready: [{ key: "a" }], run: { status: "running" } });
    expect(await team.statuses(run.id)).toEqual({ plan: "succeeded", a: "ready", b: "pending", report: "pending" });
    for (const _ of ["a", "b", "report"]) await team.complete(await team.take("ann", { run: run.id }));
    expect((await team.run(run.id)).status).toBe("succeeded");
  });
});
