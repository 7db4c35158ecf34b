import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startApp } from "../support/app.js";
import { Crew } from "../support/plan.js";

const own = new URL("../data/wfinstances/", import.meta.url);
const shared = new URL("../../../shared/data/wfinstances/", import.meta.url);
const reference = JSON.parse(readFileSync(new URL("reference.json", own), "utf8")) as Record<string, object>;
const present = Object.entries(reference).flatMap(([name, figures]) => {
  const file = [own, shared].map((folder) => new URL(name, folder)).find((candidate) => existsSync(candidate));
  return file === undefined ? [] : [{ name, figures, file }];
});

test.each(present)("$name has exactly the graph that was recorded, and runs", async ({ figures, file }) => {
  const crew = new Crew(await startApp());
  const made = (await crew.app.call("import_workflow", { document: readFileSync(file, "utf8"), name: "trace" })) as {
    workflow: { steps: number };
    figures: { tasks: number };
  };
  expect(made).toMatchObject({ created: true, figures });
  expect(made.workflow.steps).toBe(made.figures.tasks);
  const started = (await crew.app.call("execute_workflow", { workflow: "trace" })) as { run: { id: string } };
  const { id } = started.run;
  for (let done = 0; done < made.figures.tasks; done++) await crew.complete(await crew.take("ann", { run: id }));
  expect((await crew.run(id)).status).toBe("succeeded");
});

const task = (id: string, rest: object = {}) => ({ id, name: id, ...rest });
const wfFormat = (tasks: object[], rest: object = {}) =>
  JSON.stringify({ name: "w", schemaVersion: "1.5", workflow: { specification: { tasks } }, ...rest });

test("edges said by one end count, and what a file says is no path out, no pattern and no expression", async () => {
  const { call } = await startApp();
  const tasks = [
    task("ns:a b", {
      children: ["ns:a/b"],
      outputFiles: ["/abs/../../x*.txt", "https://h/y"],
      name: "${{ inputs.x }}",
    }),
    task("ns:a/b", { inputFiles: ["/abs/../../x*.txt"] }),
  ];
  expect(await call("import_workflow", { document: wfFormat(tasks) })).toMatchObject({
    figures: { edges: 1, depth: 2 },
  });
  const { definition } = (await call("get_workflow", { name: "w" })) as { definition: { steps: object[] } };
  expect(definition.steps).toMatchObject([
    { key: "ns-a-b", title: "$ {{ inputs.x }}", files: { write: ["abs/x_.txt", "h/y"] } },
    { key: "ns-a-b-2", needs: ["ns-a-b"], files: { read: ["abs/x_.txt"] } },
  ]);
});

test.each([
  ["a truncated file", wfFormat([task("a")]).slice(0, 40), /no JSON, or not all of it/],
  ["another format", JSON.stringify({ steps: [] }), /no workflow in WfFormat 1.5[^]*name/],
  ["another version", wfFormat([task("a")], { schemaVersion: "1.3" }), /schemaVersion: is not WfFormat 1.5/],
  ["a cycle", wfFormat([task("a", { parents: ["b"] }), task("b", { parents: ["a"] })]), /a → b → a|b → a → b/],
  [
    "a parent that is none",
    wfFormat([task("split"), task("b", { parents: ["splt"] })]),
    /needs "splt"[^]*did you mean "split"/,
  ],
  ["a child that is none", wfFormat([task("a", { children: ["zz"] })]), /"zz" is no task/],
  ["a task twice", wfFormat([task("a"), task("a")]), /has this key already/],
  ["no task", wfFormat([]), /specification.tasks/],
])("%s is refused, and nothing is stored", async (_, document, message) => {
  const { call } = await startApp();
  await expect(call("import_workflow", { document })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringMatching(message),
  });
  expect(await call("list_workflows")).toMatchObject({ workflows: [] });
});
