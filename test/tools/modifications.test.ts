import { describe, expect, it } from "vitest";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("modify_run on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startAppOn(backend));
  }

  interface Wanted {
    readonly run: string;
    readonly expected_revision?: number;
  }

  async function modify(team: Crew, where: string | Wanted, changes: Record<string, unknown>[]) {
    const wanted = typeof where === "string" ? { run: where } : where;
    return team.app.call("modify_run", { ...wanted, changes });
  }

  const line: readonly Step[] = [{ key: "a" }, { key: "b", needs: ["a"] }, { key: "c", needs: ["b"] }];

  async function work(team: Crew, run: string): Promise<string[]> {
    const order: string[] = [];
    for (;;) {
      const claim = await team.claim("ann", { run });
      if (claim.outcome === "none") return order;
      order.push(claim.task?.key ?? "");
      await team.complete({ id: claim.task?.id ?? "", token: claim.lease?.token ?? 0 }, { ok: true });
    }
  }

  it("adds tasks before and behind others, while agents work; they run in their places", async () => {
    const team = await crew();
    const { run } = await team.start(line);
    const a = await team.take("ann", { run: run.id });
    const done = await modify(team, run.id, [
      { op: "add_task", step: { key: "x", prompt: "x", needs: ["a"] }, before: ["c"] },
      { op: "add_task", step: { key: "free", prompt: "free" } },
      { op: "add_task", step: { key: "last", prompt: "after ${{ steps.c.output.ok }}", needs: ["c", "x"] } },
    ]);
    expect(done).toMatchObject({ run: { revision: 2, status: "running", counts: { total: 6 } }, updated: ["c"] });
    expect(done.ready.map(({ key }) => key)).toEqual(["free"]);
    await team.complete(a);
    const order = await work(team, run.id);
    expect(order.slice().sort()).toEqual(["b", "c", "free", "last", "x"]);
    expect(order.indexOf("c")).toBeGreaterThan(Math.max(order.indexOf("b"), order.indexOf("x")));
    expect(order.at(-1) === "last" || order.at(-1) === "free").toBe(true);
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("adds a step whose fields stand beside op, and whose one dependency is a text", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "z" }]);
    const step = { key: "b", prompt: "b", needs: "a" };
    const done = await modify(team, run.id, [{ op: "add_task", ...step, before: ["z"] }]);
    expect(done).toMatchObject({ added: [{ key: "b", status: "pending" }], updated: ["z"] });
    expect(await work(team, run.id)).toEqual(["a", "b", "z"]);
  });

  it("warns where a removed gate let tasks through only after its checks or a person's decision", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a" },
      { key: "tested", kind: "gate", needs: ["a"], checks: ["steps.a.output.ok"] },
      { key: "signed", kind: "human", ask: "Ship?", needs: ["tested"] },
      { key: "ship", needs: ["signed"] },
      { key: "last", kind: "gate", needs: ["ship"], checks: ["true"] },
    ]);
    const done = await modify(team, run.id, [
      { op: "remove_task", task: "signed" },
      { op: "remove_task", task: "last" },
    ]);
    expect(done).toMatchObject({
      warnings: ["signed is removed: its dependents (ship) no longer wait for a person's decision"],
    });
    const next = await modify(team, run.id, [{ op: "remove_task", task: "tested" }]);
    expect(next).toMatchObject({
      warnings: ["tested is removed: its dependents (ship) no longer wait for its checks"],
    });
    expect(await modify(team, run.id, [{ op: "remove_task", task: "ship" }])).not.toHaveProperty("warnings");
  });

  it("removes a task: what came after it still comes after what it waited for", async () => {
    const team = await crew();
    const { run } = await team.start(line);
    const done = await modify(team, run.id, [{ op: "remove_task", task: "b" }]);
    expect(done).toMatchObject({ removed: ["b"], updated: ["c"], run: { counts: { total: 2 } } });
    expect(await work(team, run.id)).toEqual(["a", "c"]);
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("changes what a task says, and only that", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a", role: "backend", criteria: ["tested"], files: { write: ["a.md"] }, retry: { max_attempts: 7 } },
      { key: "b", needs: ["a"], prompt: "use ${{ steps.a.output.ok }}" },
    ]);
    await modify(team, run.id, [
      { op: "update_task", task: "a", set: { prompt: "otherwise", role: "docs", priority: "high", estimate_ms: 1000 } },
      { op: "update_task", task: "b", set: { prompt: "see ${{ steps.a.output.ok }}, please" } },
    ]);
    expect(await team.claim("ann", { run: run.id, roles: ["backend"] })).toMatchObject({ outcome: "none" });
    const a = await team.claim("ann", { run: run.id, roles: ["docs"] });
    expect(a).toMatchObject({
      task: { key: "a", prompt: "otherwise", criteria: ["tested"], priority: "high" },
      locks: [{ path: "a.md" }],
    });
    const { spec } = await team.app.call("get_task", { task: a.task!.id });
    expect(spec["retry"]).toMatchObject({ max_attempts: 7 });
    await team.complete({ id: a.task?.id ?? "", token: a.lease?.token ?? 0 }, { ok: "fine" });
    expect((await team.claim("ann", { run: run.id })).task?.prompt).toBe("see fine, please");
  });

  it.each([
    [{ kind: "command", run: "ls ${{ inputs.at }}", env: { A: "1" } }, { command: { env: { A: "1" } } }],
    [
      { kind: "tool", server: "files", tool: "read", arguments: { path: "x" } },
      { tool: { server: "files", tool: "read", arguments: { path: "x" } } },
    ],
    [
      { prompt: "p", compensate: { prompt: "undo" }, output: { type: "object" } },
      { compensate: { prompt: "undo" }, output: { type: "object" } },
    ],
  ])("keeps of a task what a change does not say: %j", async (step, kept) => {
    const team = await crew();
    await team.app.call("create_project", { name: "rooted", root: team.app.cwd });
    const head = { inputs: { at: { type: "string", default: "here" } }, project: "rooted" };
    const { run } = await team.start([{ key: "first" }, { key: "a", needs: ["first"], ...step }], head);
    await modify(team, run.id, [{ op: "update_task", task: "a", set: { title: "Renamed" } }]);
    const { task, spec } = await team.app.call("get_task", { task: `${run.id}/a` });
    expect(task).toMatchObject({ title: "Renamed" });
    expect(spec).toMatchObject(kept);
  });

  it("ties and unties tasks: a ready one waits again, a waiting one becomes ready", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "b" }, { key: "c", needs: ["a"] }]);
    const done = await modify(team, run.id, [
      { op: "add_dependency", task: "b", on: "a" },
      { op: "remove_dependency", task: "c", on: "a" },
    ]);
    expect(done.ready.map(({ key }) => key)).toEqual(["c"]);
    expect(await team.statuses(run.id)).toEqual({ a: "ready", b: "pending", c: "ready" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ task: { key: "a" } });
  });

  it("unblocks what no longer waits for a failure", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a", retry: { max_attempts: 1 } },
      { key: "b", needs: ["a"] },
      { key: "c", needs: ["b"] },
      { key: "other" },
    ]);
    await team.fail(await team.take("ann", { run: run.id }));
    expect(await team.statuses(run.id)).toMatchObject({ b: "blocked", c: "blocked" });
    await modify(team, run.id, [{ op: "remove_dependency", task: "b", on: "a" }]);
    expect(await team.statuses(run.id)).toMatchObject({ b: "ready", c: "pending" });
  });

  it.each([
    [true, ["a", "yes", "yes2", "end"], { no: "skipped" }],
    [false, ["a", "no", "end"], { yes: "skipped", yes2: "skipped" }],
  ])("a branch takes one side (%s), skips the other, and what waits for both goes on", async (ok, keys, skipped) => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "end", needs: ["a"] }]);
    await modify(team, run.id, [
      {
        op: "create_branch",
        after: "a",
        if: "${{ steps.a.output.ok }}",
        // oxlint-disable-next-line unicorn/no-thenable -- the sides of a branch are called so, and nothing awaits it
        then: [
          { key: "yes", prompt: "y" },
          { key: "yes2", prompt: "y2", needs: ["yes"] },
        ],
        else: [{ key: "no", prompt: "n" }],
        before: ["end"],
      },
    ]);
    const a = await team.take("ann", { run: run.id });
    await team.complete(a, { ok });
    expect(["a", ...(await work(team, run.id))]).toEqual(keys);
    expect(await team.statuses(run.id)).toMatchObject(skipped);
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("a gate after a task holds everything behind it, also what was ready already", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "b", needs: ["a"] }, { key: "c", needs: ["a"] }]);
    await team.complete(await team.take("ann", { run: run.id }), { ok: false });
    expect(await team.statuses(run.id)).toEqual({ a: "succeeded", b: "ready", c: "ready" });
    await modify(team, run.id, [{ op: "insert_gate", after: "a", key: "sure", ask: "Go on?" }]);
    expect(await team.statuses(run.id)).toEqual({ a: "succeeded", b: "pending", c: "pending", sure: "waiting" });
    expect(await team.claim("ann", { run: run.id })).toMatchObject({ outcome: "none" });

    const checked = await team.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    await modify(team, checked.run.id, [{ op: "insert_gate", after: "a", checks: ["steps.a.output.ok"] }]);
    await team.complete(await team.take("ann", { run: checked.run.id }), { ok: false });
    expect(await team.statuses(checked.run.id)).toEqual({ a: "succeeded", "gate-a": "dead_letter", b: "blocked" });

    const twice = await team.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const gate = { op: "insert_gate", after: "a", checks: ["steps.a.output.ok"] };
    expect((await modify(team, twice.run.id, [gate, gate])).added.map(({ key }) => key)).toEqual([
      "gate-a",
      "gate-a-2",
    ]);
  });

  it("lets tasks run side by side, and keeps their order with all others", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "before" },
      { key: "a", needs: ["before"] },
      { key: "b", needs: ["a"] },
      { key: "c", needs: ["b"] },
      { key: "beside-a", needs: ["a"] },
      { key: "after", needs: ["c"] },
    ]);
    await modify(team, run.id, [{ op: "parallelize", tasks: ["a", "b", "c"] }]);
    await team.complete(await team.take("ann", { run: run.id }));
    expect(await team.statuses(run.id)).toMatchObject({ a: "ready", b: "ready", c: "ready", after: "pending" });
    const order = await work(team, run.id);
    expect(order.indexOf("after")).toBeGreaterThan(Math.max(...["a", "b", "c"].map((key) => order.indexOf(key))));
  });

  it("serves what has a higher priority first, from then on", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "a" }, { key: "b" }, { key: "c" }]);
    await modify(team, run.id, [{ op: "reprioritize", tasks: ["c"], priority: "critical" }]);
    expect(await work(team, run.id)).toEqual(["c", "a", "b"]);
  });

  it("holds back what waits for its retry too, and gives it what it says then", async () => {
    const team = await crew();
    const retry = { max_attempts: 3, initial_interval_ms: 60_000, max_interval_ms: 60_000 };
    const { run } = await team.start([
      { key: "a" },
      { key: "b", needs: ["a"], prompt: "use ${{ steps.a.output.x }}", files: { write: ["b.md"] }, retry },
    ]);
    await team.complete(await team.take("ann", { run: run.id }), { x: "this" });
    await team.fail(await team.take("ann", { run: run.id }));
    expect((await team.statuses(run.id))["b"]).toBe("pending");
    await modify(team, run.id, [{ op: "insert_gate", after: "a", key: "sure", ask: "Sure?" }]);
    await team.app.advance(60_000);
    expect(await team.statuses(run.id)).toEqual({ a: "succeeded", b: "pending", sure: "waiting" });
    await modify(team, run.id, [
      { op: "add_dependency", task: "b", on: "a" },
      { op: "remove_dependency", task: "b", on: "sure" },
      { op: "update_task", task: "b", set: { criteria: ["tidy"] } },
    ]);
    expect(await team.claim("ann", { run: run.id })).toMatchObject({
      task: { key: "b", prompt: "use this", criteria: ["tidy"] },
      locks: [{ path: "b.md" }],
    });
  });

  it("judges a task by the trigger it is given, and keeps a priority and a trigger that no change names", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "a" },
      { key: "late", kind: "wait", for: "1h" },
      { key: "z", needs: ["a", "late"] },
      { key: "end", needs: ["a"], trigger: "all_done", prompt: "${{ steps.a.status }}", priority: "low" },
    ]);
    await modify(team, run.id, [
      { op: "reprioritize", tasks: ["end"], priority: "critical" },
      // oxlint-disable-next-line unicorn/no-thenable -- the sides of a branch are called so, and nothing awaits it
      { op: "create_branch", after: "a", if: "true", then: [{ key: "yes", prompt: "y" }], before: ["end"] },
    ]);
    await modify(team, run.id, [{ op: "update_task", task: "end", set: { criteria: ["all"] } }]);
    expect(await team.app.call("get_task", { task: `${run.id}/end` })).toMatchObject({
      task: { priority: "critical", trigger: "all_done" },
    });
    await team.complete(await team.take("ann", { run: run.id }));
    await modify(team, run.id, [{ op: "update_task", task: "z", set: { trigger: "one_succeeded" } }]);
    expect((await team.statuses(run.id))["z"]).toBe("ready");
  });

  describe("is refused whole, with every problem at its change", () => {
    it.each([
      [
        "files outside the root",
        [{ op: "add_task", step: { key: "x", prompt: "x", files: { write: ["../x"] } } }],
        /changes\[0\]\.step\.files\.write\[0\], step "x": The path "\.\.\/x" leads outside/,
      ],
      ["a cycle", [{ op: "add_dependency", task: "a", on: "c" }], /cycle: .*a/],
      [
        "a task that is none",
        [{ op: "remove_task", task: "bb" }],
        /changes\[0\]\.task: the run has no task "bb" \(did you mean "b"\?\)/,
      ],
      [
        "a key that is taken",
        [{ op: "add_task", step: { key: "a", prompt: "p" } }],
        /changes\[0\]\.step\.key: the run has a task "a" already/,
      ],
      ["a step that is none", [{ op: "add_task", step: { key: "n", promt: "p" } }], /changes\[0\]\.step.*promt/],
      ["a need that is none", [{ op: "add_task", step: { key: "n", prompt: "p", needs: ["zz"] } }], /needs "zz"/],
      [
        "an expression that reads what does not come before",
        [{ op: "update_task", task: "b", set: { prompt: "${{ steps.c.output }}" } }],
        /changes\[0\]\.set\.prompt.*step "c"/,
      ],
      [
        "a dependency whose result is read",
        [{ op: "remove_dependency", task: "d", on: "a" }],
        /"d" reads the result of "a"/,
      ],
      [
        "a removal of what is read",
        [{ op: "remove_task", task: "b" }],
        /"c" reads the result of "b", which would be gone/,
      ],
      ["an unknown change", [{ op: "rename" }], /changes\[0\]\.op: must be one of add_task/],
      ["a change without its step", [{ op: "add_task" }], /changes\[0\]\.step: is required \(object\)/],
      ["a change with a wrong key", [{ op: "remove_task", tsk: "a" }], /tsk/],
      ["a gate without anything to hold it", [{ op: "insert_gate", after: "a" }], /a gate has checks/],
      [
        "needs that are no list",
        [{ op: "add_task", step: { key: "n", prompt: "p", needs: 1 } }],
        /changes\[0\]\.step\.needs: must be a list of keys/,
      ],
      [
        "what an earlier change has taken away",
        [
          { op: "remove_task", task: "d" },
          { op: "update_task", task: "d", set: { prompt: "p" } },
        ],
        /changes\[1\]\.task: changes\[0\] has removed task "d"/,
      ],
      [
        "a branch without steps",
        // oxlint-disable-next-line unicorn/no-thenable -- the sides of a branch are called so, and nothing awaits it
        [{ op: "create_branch", after: "a", if: "steps.a.output.x", then: [] }],
        /changes\[0\]: a branch has steps in then/,
      ],
    ])("%s", async (_, changes, message) => {
      const team = await crew();
      const { run } = await team.start([
        { key: "a" },
        { key: "b", needs: ["a"] },
        { key: "c", needs: ["b"], prompt: "${{ steps.b.output }}" },
        { key: "d", needs: ["a"], prompt: "${{ steps.a.output }}" },
      ]);
      const good = { op: "add_task", step: { key: "good", prompt: "g" } };
      await expect(modify(team, run.id, [...changes, good])).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(message),
      });
      expect(await team.statuses(run.id)).toEqual({ a: "ready", b: "pending", c: "pending", d: "pending" });
      expect(await team.run(run.id)).toMatchObject({ revision: 1 });
    });

    it("tasks that are held, and tasks that have ended", async () => {
      const team = await crew();
      const { run } = await team.start([...line, { key: "held" }]);
      await team.complete(await team.take("ann", { run: run.id }));
      const b = await team.take("ben", { run: run.id });
      const failure = await modify(team, run.id, [
        { op: "remove_task", task: "a" },
        { op: "update_task", task: b.key, set: { prompt: "else" } },
        { op: "add_dependency", task: b.key, on: "c" },
      ]).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "invalid_input",
        details: {
          problems: [
            { path: "changes[0].task", message: 'task "a" is succeeded: it has ended' },
            { path: "changes[1].task", message: expect.stringContaining("is running") },
            { path: "changes[2].task", message: expect.stringContaining("is running") },
          ],
        },
      });
    });

    it("tasks that wait for a person, a time or an event, each in words of its own", async () => {
      const team = await crew();
      const { run } = await team.start([{ key: "ask", kind: "human", ask: "Go?" }, { key: "a" }]);
      await expect(modify(team, run.id, [{ op: "remove_task", task: "ask" }])).rejects.toMatchObject({
        message: expect.stringContaining('task "ask" is waiting: it has begun to wait, and its wait cannot be changed'),
      });
    });

    it("another revision than was expected, and a run that is over", async () => {
      const team = await crew();
      const { run } = await team.start(line);
      const change = [{ op: "reprioritize", priority: "low" }];
      await modify(team, { run: run.id, expected_revision: 1 }, change);
      await expect(modify(team, { run: run.id, expected_revision: 1 }, change)).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining("revision 2"),
      });
      await work(team, run.id);
      await expect(modify(team, run.id, change)).rejects.toMatchObject({ code: "invalid_transition" });
    });
  });
});
