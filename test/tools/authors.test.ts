import { describe, expect, test } from "vitest";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

describe.each(BACKENDS)("from, the author of a task's texts, on %s", (backend) => {
  test("is who started the run, added or changed the task, wrote the plan, or asked for it", async () => {
    const app = await startAppOn(backend);
    const team = new Crew(app);
    await app.call("create_project", { name: "p" });
    const definition = {
      name: "w",
      inputs: { list: { type: "array" } },
      steps: [
        { key: "a", prompt: "a" },
        { key: "b", prompt: "b", needs: ["a"] },
        { key: "each", prompt: "${{ item }}", for_each: "${{ inputs.list }}" },
      ],
    };
    const inputs = { list: ["x"] };
    const { run } = await app.call("execute_workflow", { definition, inputs, project: "p", agent: "ann" });
    const step = { key: "c", prompt: "c" };
    const set = { prompt: "b, but otherwise" };
    const changes = [
      { op: "add_task", step },
      { op: "update_task", task: "b", set },
    ];
    await app.call("modify_run", { run: run.id, changes, agent: "ben" });
    await app.call("create_task", { run: run.id, title: "d", key: "d", prompt: "d", agent: "cat" });
    const { tasks } = await app.call("list_tasks", { run: run.id });
    expect(Object.fromEntries(tasks.map(({ key, from }) => [key, from]))).toEqual({
      a: "ann",
      b: "ben",
      c: "ben",
      d: "cat",
      each: "ann",
      "each[0]": "ann",
    });
    const claimed = await app.call("claim_task", { run: run.id, agent: "dan" });
    expect(claimed.task).toMatchObject({ key: "a", from: "ann" });
    expect((await app.call("get_task", { task: `${run.id}/d` })).task.from).toBe("cat");
    const { task: alone } = await app.call("create_task", { project: "p", title: "e", prompt: "e", agent: "eve" });
    expect(alone.from).toBe("eve");
    const goal = await app.call("execute_workflow", {
      definition: { name: "g", steps: [{ key: "plan", kind: "plan", prompt: "plan" }] },
      project: "p",
      agent: "ann",
    });
    const plan = await team.take("flo", { run: goal.run.id });
    await team.complete(plan, { steps: [{ key: "s", prompt: "s" }] });
    expect((await app.call("get_task", { task: `${goal.run.id}/s` })).task.from).toBe("flo");
  });
});
