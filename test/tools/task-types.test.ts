import { expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

test("the type of a task is that of its step, else its role, else the key of its step", async () => {
  const crew = new Crew(await startApp());
  await crew.app.call("create_project", { name: "demo" });
  const { run } = await crew.start(
    [
      { key: "named", type: "migration", role: "backend" },
      { key: "role", role: "backend" },
      { key: "list", for_each: [1] },
    ],
    { project: "demo" },
  );
  const { tasks } = await crew.app.call("list_tasks", { run: run.id });
  const adHoc = await crew.app.call("create_task", { project: "demo", title: "t", prompt: "p" });
  const given = await crew.app.call("create_task", { project: "demo", title: "t", prompt: "p", type: "docs" });
  const typeOf = async (task: string) => (await crew.app.call("get_task", { task })).spec["type"];
  expect(await Promise.all(tasks.map(async ({ id, key }) => [key, await typeOf(id)]))).toEqual([
    ["named", "migration"],
    ["role", "backend"],
    ["list", "list"],
    ["list[0]", "list"],
  ]);
  expect([await typeOf(adHoc.task.id), await typeOf(given.task.id)]).toEqual(["task", "docs"]);
});

test("a task keeps its type when it is changed, and takes another", async () => {
  const crew = new Crew(await startApp());
  await crew.app.call("create_project", { name: "demo" });
  const { run } = await crew.start([{ key: "a", type: "migration" }, { key: "b" }], { project: "demo" });
  const change = async (task: string, step: Record<string, unknown>) =>
    crew.app.call("modify_run", { run: run.id, changes: [{ op: "update_task", task, set: step }] });
  await change("a", { prompt: "another" });
  await change("b", { type: "docs" });
  const { tasks } = await crew.app.call("list_tasks", { run: run.id });
  const specs = await Promise.all(tasks.map(async ({ id: task }) => (await crew.app.call("get_task", { task })).spec));
  expect(specs.map(({ type, prompt }) => [type, prompt])).toEqual([
    ["migration", "another"],
    ["docs", "do b"],
  ]);
});
