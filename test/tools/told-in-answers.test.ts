import { describe, expect, it } from "vitest";
import { renderResult } from "../../src/dispatch/render.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

describe.each(BACKENDS)("an answer on %s", (backend) => {
  it("to a claim names the keys that the result is asked for, and who did what it depends on", async () => {
    const team = new Crew(await startAppOn(backend));
    const { call } = team.app;
    const output = {
      type: "object",
      required: ["files"],
      properties: { files: { type: "array", items: { type: "string" } } },
    };
    const { run } = await team.start([
      { key: "a", prompt: "x", output },
      { key: "b", prompt: "y", needs: ["a"] },
    ]);
    const first = await call("claim_task", { run: run.id, agent: "ann" });
    const [ending] = first.next!;
    expect(ending).toMatchObject({ tool: "complete_task", arguments: { result: { files: ["…"] } } });
    await call("complete_task", { ...(ending!.arguments as { task: string; token: number }), agent: "ann" });
    const second = await call("claim_task", { run: run.id, agent: "bob" });
    expect(await call("list_tasks", { run: run.id })).toMatchObject({ tasks: [{ agent: "ann" }, { agent: "bob" }] });
    expect(await call("get_task", { task: `${run.id}/a` })).toMatchObject({
      task: { agent: "ann", status: "succeeded" },
    });
    expect(second.task!.dependencies).toMatchObject([{ key: "a", agent: "ann", status: "succeeded" }]);
  });

  it("to a claim has a long goal whole once for each agent and run, then its start, and whole again to one that resumes", async () => {
    const team = new Crew(await startAppOn(backend));
    const { call } = team.app;
    const goal = `Build ${"all of it ".repeat(100)}`;
    const keys = ["a", "b", "c"];
    const inputs = { goal: { type: "string" }, lang: { type: "string" } };
    const { run } = await team.start(
      keys.map((key) => ({ key, prompt: "x" })),
      { inputs, given: { goal, lang: "de" } },
    );
    let held = { task: "", token: 0 };
    const inputsFor = async (agent: string) => {
      const { task, lease } = await call("claim_task", { run: run.id, agent });
      held = { task: task!.id, token: lease!.token };
      return task?.inputs as { goal: string; lang: string };
    };
    expect(await inputsFor("ann")).toEqual({ goal, lang: "de" });
    await team.app.call("release_task", { ...held, agent: "ann" });
    const again = await inputsFor("ann");
    expect(again.lang).toBe("de");
    expect(again.goal).toMatch(/^Build .*as in your first brief of this run; whole: get_run \{"run":"run_/);
    expect(again.goal.length).toBeLessThan(goal.length);
    expect(await inputsFor("ann")).toEqual({ goal, lang: "de" });
    expect(await inputsFor("bob")).toEqual({ goal, lang: "de" });
    expect((await call("get_run", { run: run.id })).run.inputs).toEqual({ goal, lang: "de" });
  });

  it("to a claim outside git is about the project that create_task uses there, before either has made it", async () => {
    const team = new Crew(await startAppOn(backend));
    const { call } = team.app;
    expect(await call("claim_task", { agent: "early" })).toMatchObject({ outcome: "none", reason: "no_plan_yet" });
    const waiting = call("claim_task", { agent: "early", wait_seconds: 600 });
    const { task } = await call("create_task", { title: "T", prompt: "p" });
    expect(await waiting).toMatchObject({ outcome: "claimed", task: { id: task.id } });
  });

  it("to a wrong result names the call with one of the form that is asked for", async () => {
    const team = new Crew(await startAppOn(backend));
    const output = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
    const { run } = await team.start([{ key: "a", output }]);
    const { id, token } = await team.take("ann", { run: run.id });
    await expect(team.complete({ id, token }, { n: "1" })).rejects.toMatchObject({
      code: "invalid_input",
      next: [{ tool: "complete_task", arguments: { task: id, token, result: { n: 1 } } }],
    });
  });

  it("about a project names the author of its description", async () => {
    const { call } = await startAppOn(backend);
    const made = await call("create_project", { name: "q", description: "Ours", agent: "ann" });
    expect(made.project).toMatchObject({ description: "Ours", from: "ann" });
    expect(
      (await call("update_project", { project: "q", config: { max_parallel: 2 }, agent: "ben" })).project.from,
    ).toBe("ann");
    await call("update_project", { project: "q", description: "Mine", agent: "ben" });
    expect(await call("get_project_status", { project: "q" })).toMatchObject({ project: { from: "ben" } });
    await call("update_project", { project: "q", description: null, agent: "ann" });
    expect((await call("list_projects", {})).projects).toEqual([
      expect.not.objectContaining({ from: expect.anything() }),
    ]);
  });

  it("that lists events tells instants as every other does", async () => {
    const { call } = await startAppOn(backend);
    await call("acquire_file_lock", { paths: ["a.ts"], agent: "ann" });
    await call("add_milestone", { name: "m", due: "2030-01-01T00:00:00Z" });
    const { events } = await call("list_events", {});
    const data = Object.assign({}, ...events.map((event) => event.data)) as Record<string, unknown>;
    expect(data).toMatchObject({ due_at: "2030-01-01T00:00:00.000Z", expires_at: expect.stringMatching(/Z$/) });
  });

  it("that lists locks shows a token to its holder alone", async () => {
    const { call } = await startAppOn(backend);
    await call("acquire_file_lock", { paths: ["a.ts"], agent: "ann" });
    await call("acquire_file_lock", { paths: ["b.ts"] });
    const { locks } = await call("list_file_locks", {});
    expect(locks.map(({ path, token }) => [path, typeof token])).toEqual([
      ["a.ts", "undefined"],
      ["b.ts", "number"],
    ]);
  });

  it("to a signal that no step waits for says so, with the event that was probably meant", async () => {
    const team = new Crew(await startAppOn(backend));
    const { run } = await team.start([{ key: "hook", kind: "wait", event: "merged" }]);
    expect(await team.app.call("signal", { run: run.id, event: "mergd" })).toMatchObject({
      kept: true,
      note: 'No step waits for "mergd" (did you mean "merged"?): it is kept for the first that will. Steps wait now for: merged.',
    });
    const taken = await team.app.call("signal", { run: run.id, event: "merged" });
    expect(taken).toMatchObject({ kept: false });
    expect(taken).not.toHaveProperty("note");
  });
});

describe("the text of a lock's answer", () => {
  it("says of a denied one who holds the files and until when", () => {
    const conflicts = [
      { path: "a.ts", held_by: "ann", state: "held", expires_at: "2026-01-01T00:00:00.000Z" },
      { path: "b.ts", held_by: "ben", state: "held", task: "task_1", expires_at: null },
    ];
    const { text } = renderResult({ outcome: "denied", locks: [], conflicts, conflicts_total: 7 });
    expect(text.split("\n")[0]).toBe(
      "Not locked: a.ts is held by ann until 2026-01-01T00:00:00.000Z; b.ts is held by ben until its task task_1 ends (5 more conflicts). To wait in line for it: the same call with wait_seconds.",
    );
  });

  it("says until when files are locked without a task, and what a release gave free", () => {
    const locks = [{ path: "a.ts", mode: "exclusive", token: 1, expires_at: "2026-01-01T00:30:00.000Z" }];
    expect(renderResult({ outcome: "granted", locks, conflicts: [] }).text).toMatch(
      /^Locked until 2026-01-01T00:30:00.000Z: read these files again where you had read them before, edit them/,
    );
    const released = {
      released: ["a.ts"],
      withdrawn: [],
      not_held: ["b.ts"],
      granted: [{ agent: "bob", paths: ["a.ts"] }],
    };
    expect(renderResult(released).text).toMatch(/^Released a\.ts; not held by you: b\.ts; granted to 1 in line\./);
  });
});
