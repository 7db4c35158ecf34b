import { describe, expect, it, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { startApp, startAppOn } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

const SECRET = `ghp_${"a1B2c3D4".repeat(5)}`;
const STEPS = [
  { key: "api", title: "Build *the* API [v2]", prompt: "Line one\n- [ ] no task of the list\n# no heading" },
  {
    key: "docs",
    title: '=HYPERLINK("http://evil","x")',
    prompt: `The key is ${SECRET}`,
    needs: ["api"],
    files: { write: ["docs/a.md"] },
    priority: "high",
  },
  { key: "test", title: "Test \u202Eit -->", needs: ["api", "docs"], criteria: ["all green"] },
];

async function startExample(backend: (typeof BACKENDS)[number]) {
  const crew = new Crew(await startAppOn(backend));
  const { run } = await crew.start(STEPS, { name: "release-2" });
  const held = await crew.take("ann", { run: run.id });
  await crew.app.call("complete_task", {
    task: held.id,
    token: held.token,
    agent: "ann",
    result: { password: "hunter2hunter2", note: "-1+2" },
  });
  return { crew, run };
}

describe.each(BACKENDS)("export_run on %s", (backend) => {
  it("writes JSON with the states, agents, needs and results of all tasks, without secrets", async () => {
    const { crew, run } = await startExample(backend);
    const { document, tasks } = await crew.app.call("export_run", { run: run.id, format: "json" });
    expect(tasks).toBe(3);
    expect(document).not.toMatch(/\u202E|hunter2|ghp_/);
    expect(JSON.parse(document)).toMatchObject({
      baton: "run",
      format: 1,
      run: { id: run.id, name: "release-2", status: "running" },
      tasks: [
        { key: "api", status: "succeeded", agent: "ann", result: { password: "[redacted]", note: "-1+2" } },
        { key: "docs", status: "ready", needs: ["api"], files: { write: ["docs/a.md"] }, priority: "high" },
        { key: "test", title: "Test \u202Eit -->", status: "pending", needs: ["api", "docs"], criteria: ["all green"] },
      ],
    });
  });
});

describe("export_run", () => {
  it("writes a check list in which no text of a task can be a box, a heading or the end of a comment", async () => {
    const { crew, run } = await startExample("sqlite");
    const { document } = await crew.app.call("export_run", { run: run.id });
    const lines = document.split("\n");
    expect(lines.filter((line) => line.startsWith("#"))).toEqual(["# release-2"]);
    expect(lines.filter((line) => /^\s*[-*+] \[/.test(line))).toEqual([
      String.raw`- [x] Build \*the\* API \[v2\] <!-- baton {"key":"api"} -->`,
      String.raw`- [ ] =HYPERLINK("http://evil","x") <!-- baton {"key":"docs","needs":["api"],"files":["docs/a.md"],"status":"ready","priority":"high"} -->`,
      String.raw`- [ ] Test \\u202Eit --\> <!-- baton {"key":"test","needs":["api","docs"],"status":"pending"} -->`.replace(
        "202E",
        "202e",
      ),
    ]);
    expect(document).toContain("  > - [ ] no task of the list\n  > # no heading");
    expect(document).not.toMatch(/\u202E|hunter2|ghp_/);
  });

  it("writes CSV in which no cell is a formula and every text stays in its cell", async () => {
    const { crew, run } = await startExample("sqlite");
    const { document } = await crew.app.call("export_run", { run: run.id, format: "csv" });
    expect(document.endsWith("\r\n")).toBe(true);
    const [names, ...rows] = cellsOf(document);
    expect(rows.map((row) => row.length)).toEqual(rows.map(() => names?.length));
    const column = (name: string) => rows.map((row) => row[names?.indexOf(name) ?? -1]);
    expect(column("title")).toEqual(["Build *the* API [v2]", `'${STEPS[1]?.title}`, String.raw`Test \u202eit -->`]);
    expect(column("needs")).toEqual(["", "api", "api docs"]);
    expect(column("prompt")[0]).toBe(STEPS[0]?.prompt);
    expect(document).not.toMatch(/hunter2|ghp_/);
  });

  it("goes on where a page ends, and the pages are the whole", async () => {
    const { crew, run } = await startExample("sqlite");
    const read = (more: { limit?: number; cursor?: string | undefined }) =>
      crew.app.call("export_run", { run: run.id, format: "csv", ...more });
    let pages = "";
    for (let cursor: string | undefined, at = 0; at === 0 || cursor !== undefined; at++) {
      const page = await read({ limit: 1, cursor });
      pages += page.document;
      cursor = page.next_cursor;
    }
    expect(pages).toBe((await read({})).document);
  });

  it("refuses a run that does not exist", async () => {
    const app = await startApp();
    await expect(app.call("export_run", { run: "run_none" })).rejects.toMatchObject({ code: "not_found" });
  });
});

test("a cell of CSV that a spreadsheet would take for a formula is a text", async () => {
  const crew = new Crew(await startApp());
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uFF1D1"];
  const { run } = await crew.start(formulas.map((prompt, at) => ({ key: `k${at}`, prompt })));
  const { document } = await crew.app.call("export_run", { run: run.id, format: "csv" });
  const [names = [], ...rows] = cellsOf(document);
  expect(rows.map((row) => row[names.indexOf("prompt")])).toEqual(formulas.map((formula) => `'${formula}`));
});

/** The cells of a document in the form of RFC 4180. */
function cellsOf(document: string): string[][] {
  return [...document.matchAll(/((?:(?:"(?:[^"]|"")*"|[^",\r\n]*),?)*)\r\n/g)].map(([, row = ""]) =>
    [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
      ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
    ),
  );
}

const FORMS = ["markdown", "json"] as const;
const BOX = "- [ ] ";

describe.each(BACKENDS)("the export of a run on %s", (backend) => {
  test.each(FORMS)("comes back as %s without a change", async (format) => {
    const { crew, run } = await startExample(backend);
    const { document } = await crew.app.call("export_run", { run: run.id, format });
    const before = await crew.app.call("get_run", { run: run.id });
    const { plans = [] } = await crew.app.call("import_workflow", { document, path: "plan", apply: true });
    expect(plans).toMatchObject([
      {
        format: "baton",
        run: { id: run.id },
        counts: { create: 0, update: 0, complete: 0, gone: 0, left: 0, unmapped: 0 },
      },
    ]);
    expect(await crew.app.call("get_run", { run: run.id })).toEqual(before);
  });
});

test.each(BACKENDS)(
  "an export whose run and plan have names that no database takes is read all the same, on %s",
  async (backend) => {
    const { call } = await startAppOn(backend);
    const task = { key: "a", ref: "\0", title: "A", status: "ready" };
    const tags = { "a\0b": { tasks: [{ id: 1, title: "B" }] } };
    for (const document of [
      JSON.stringify({ baton: "run", run: { id: "run_\0", name: "n" }, tasks: [task] }),
      JSON.stringify({ baton: "run", run: { name: "n", imported_from: `\uD800${"x".repeat(5_000)}` }, tasks: [task] }),
      JSON.stringify(tags),
    ]) {
      const given = { document, path: "plan.json", apply: true };
      expect((await call("import_workflow", given)).plans).toMatchObject([{ counts: { create: 1 } }]);
      expect((await call("import_workflow", given)).plans).toMatchObject([{ counts: { create: 0, unchanged: 1 } }]);
    }
  },
);

describe("the export of a run", () => {
  test("completes the tasks that were ticked in it and adds the boxes that are new, once", async () => {
    const { crew, run } = await startExample("sqlite");
    const { document } = await crew.app.call("export_run", { run: run.id });
    const edited = `${document.replace(`${BOX}=HYPER`, "- [x] =HYPER")}- [ ] Tell everyone\n`;
    const { plans } = await crew.app.call("import_workflow", { document: edited, path: "plan.md", apply: true });
    expect(plans).toMatchObject([{ run: { id: run.id }, counts: { create: 1, complete: 1, update: 0 } }]);
    const { tasks } = await crew.app.call("list_tasks", { run: run.id });
    expect(tasks.map(({ key, status }) => `${key} ${status}`).toSorted()).toEqual([
      "api succeeded",
      "docs succeeded",
      "tell-everyone ready",
      "test ready",
    ]);
    const again = await crew.app.call("import_workflow", { document: edited, path: "plan.md", apply: true });
    expect(again.plans).toMatchObject([{ counts: { create: 0, complete: 0, update: 0 } }]);
  });

  test.each(FORMS)("becomes a run of what is left where the run is not known, as %s", async (format) => {
    const { crew, run } = await startExample("sqlite");
    const { document } = await crew.app.call("export_run", { run: run.id, format });
    const elsewhere = new Crew(await startApp());
    const { plans = [] } = await elsewhere.app.call("import_workflow", { document, path: "plan", apply: true });
    expect(plans).toMatchObject([{ title: "release-2", counts: { create: 2, done: 1, unmapped: 0 } }]);
    const { tasks } = await elsewhere.app.call("list_tasks", { run: plans[0]?.run?.id ?? "" });
    expect(tasks.map(({ key, title, priority, status }) => ({ key, title, priority, status }))).toMatchObject([
      { key: "docs", title: '=HYPERLINK("http://evil","x")', priority: "high", status: "ready" },
      { key: "test", status: "pending" },
    ]);
    const taken = await elsewhere.take("bob", { run: plans[0]?.run?.id ?? "" });
    expect(taken).toMatchObject({ key: "docs" });
    const again = await elsewhere.app.call("import_workflow", { document, path: "moved", apply: true });
    expect(again.plans).toMatchObject([{ counts: { create: 0, update: 0, unchanged: 2 } }]);
  });

  describe("that was imported", () => {
    const items = (done: readonly number[]) => [
      { id: 1, title: "Plan", description: "Think.", status: done.includes(1) ? "done" : "pending" },
      { id: 2, title: "Build", dependencies: [1], status: done.includes(2) ? "done" : "pending" },
    ];
    const source = (done: readonly number[]) => ({
      document: JSON.stringify({ tasks: items(done) }),
      path: "tasks.json",
      apply: true,
    });

    test("names its plan and the ref of each task, by which another database goes on with that plan", async () => {
      const crew = new Crew(await startApp());
      const { plans = [] } = await crew.app.call("import_workflow", source([]));
      const run = plans[0]?.run?.id ?? "";
      const added = { key: "extra", title: "Extra", prompt: "More." };
      await crew.app.call("modify_run", { run, changes: [{ op: "add_task", step: added }] });
      const { document } = await crew.app.call("export_run", { run, format: "json" });
      expect(JSON.parse(document)).toMatchObject({
        run: { imported_from: "taskmaster/master" },
        tasks: [{ ref: "1" }, { ref: "2", needs: ["1"] }, { key: "extra" }],
      });
      const elsewhere = new Crew(await startApp());
      // Ids of tests begin with the time: at the same time its run would have the id of the exported one.
      elsewhere.app.clock.advance(1_000);
      const back = { document, path: "plan.json", apply: true };
      const { plans: made = [] } = await elsewhere.app.call("import_workflow", back);
      expect(made).toMatchObject([{ counts: { create: 3, unmapped: 0 } }]);
      const there = made[0]?.run?.id ?? "";
      const again = await elsewhere.app.call("import_workflow", back);
      expect(again.plans).toMatchObject([{ run: { id: there }, counts: { create: 0, update: 0, unchanged: 3 } }]);
      const { plans: later } = await elsewhere.app.call("import_workflow", source([1]));
      expect(later).toMatchObject([
        { run: { id: there }, counts: { create: 0, update: 0, complete: 1, unchanged: 1, gone: 1 } },
      ]);
      const { task } = await elsewhere.claim("ann", { run: there });
      expect(task).toMatchObject({ key: "2", prompt: "Build\n\nFrom taskmaster/master, 2." });
    });

    test("comes back to its run with the texts that the run has, and completes what the document says is done", async () => {
      const crew = new Crew(await startApp());
      const { plans = [] } = await crew.app.call("import_workflow", source([]));
      const run = plans[0]?.run?.id ?? "";
      const changes = [{ op: "update_task", task: "2", set: { title: "Build it well" } }];
      await crew.app.call("modify_run", { run, changes });
      const { document } = await crew.app.call("export_run", { run, format: "json" });
      const edited = document.replace("Build it well", "Other").replace('"status": "ready"', '"status": "succeeded"');
      const back = await crew.app.call("import_workflow", { document: edited, path: "plan.json", apply: true });
      expect(back.plans).toMatchObject([{ run: { id: run }, counts: { create: 0, update: 0, complete: 1, gone: 0 } }]);
      const { task } = await crew.claim("ann", { run });
      expect(task).toMatchObject({ key: "2", title: "Build it well" });
      const again = await crew.app.call("import_workflow", source([1]));
      expect(again.plans).toMatchObject([
        { run: { id: run }, counts: { create: 0, update: 0, unchanged: 2, gone: 0 } },
      ]);
    });
  });
});
