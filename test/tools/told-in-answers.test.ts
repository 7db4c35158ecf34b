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
  it("says until when files are locked without a task, and what a release gave free", () => {
    const locks = [{ path: "a.ts", mode: "exclusive", token: 1, expires_at: "2026-01-01T00:30:00.000Z" }];
    expect(renderResult({ outcome: "granted", locks, conflicts: [] }).text).toMatch(
      /^Locked until 2026-01-01T00:30:00.000Z: edit these files now/,
    );
    const released = {
      released: ["a.ts"],
      withdrawn: [],
      not_held: ["b.ts"],
      granted: [{ agent: "bob", paths: ["a.ts"] }],
    };
    expect(renderResult(released).text).toMatch(/^Released a\.ts; not yours: b\.ts; granted to 1 in line\./);
  });
});
