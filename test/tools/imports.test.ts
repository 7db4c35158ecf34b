import { existsSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readWfFormat } from "../../src/engine/workflows/wfformat.js";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";
import { processorMs } from "../support/servers/processor-time.js";

const own = new URL("../data/wfinstances/", import.meta.url);
const shared = new URL("../../../shared/data/wfinstances/", import.meta.url);
const reference = JSON.parse(readFileSync(new URL("reference.json", own), "utf8")) as Record<string, object>;
const present = Object.entries(reference).flatMap(([name, figures]) => {
  const file = [own, shared].map((folder) => new URL(name, folder)).find((candidate) => existsSync(candidate));
  return file === undefined ? [] : [{ name, figures, file }];
});

test.each(present)("$name has exactly the graph that was recorded, and runs", async ({ figures, file }) => {
  const crew = new Crew(await startApp());
  const made = await crew.app.call("import_workflow", { document: readFileSync(file, "utf8"), name: "trace" });
  expect(made).toMatchObject({ created: true, figures });
  expect(made.workflow?.steps).toBe(made.figures?.tasks);
  const started = await crew.app.call("execute_workflow", { workflow: "trace" });
  const { id } = started.run;
  for (let done = 0; done < (made.figures?.tasks ?? 0); done++)
    await crew.complete(await crew.take("ann", { run: id }));
  expect((await crew.run(id)).status).toBe("succeeded");
});

const task = (id: string, rest: object = {}) => ({ id, name: id, ...rest });
const wfFormat = (tasks: object[], rest: object = {}) =>
  JSON.stringify({ name: "w", schemaVersion: "1.5", workflow: { specification: { tasks } }, ...rest });
const executed = (tasks: object[], runs: object[]) =>
  wfFormat(tasks, { workflow: { specification: { tasks }, execution: { tasks: runs } } });

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
  const { definition } = await call("get_workflow", { name: "w" });
  expect(definition["steps"]).toMatchObject([
    { key: "ns-a-b", title: "$ {{ inputs.x }}", files: { write: ["x_.txt", "h/y"] } },
    { key: "ns-a-b-2", needs: ["ns-a-b"], files: { read: ["x_.txt"] } },
  ]);
});

test.each([
  ["a truncated file", wfFormat([task("a")]).slice(0, 40), /Invalid JSON: /],
  ["another format", JSON.stringify({ steps: [] }), /Not a workflow in WfFormat 1.5: schemaVersion: is required/],
  ["a list", "[]", /schemaVersion: is required/],
  ["what is nested without end", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, /schemaVersion: is required/],
  ["an empty file", "", /Give either document, the text of one file/],
  ["an older version", wfFormat([task("a")], { schemaVersion: "1.4" }), /is "1.4": what is read[^]*migrate-instance/],
  ["a version to come", wfFormat([task("a")], { schemaVersion: "2.0" }), /is "2.0": what is read is the text "1.5"\./],
  [
    "a version that is a number",
    wfFormat([task("a")], { schemaVersion: 1.5 }),
    /is 1.5: what is read is the text "1.5"/,
  ],
  ["no name", wfFormat([task("a")], { name: undefined }), /name: is required/],
  ["a task without an id", wfFormat([{ name: "a" }]), /tasks\[0\].id: is required/],
  ["a task in its own way", wfFormat([task("a", { parents: ["a"] })]), /cannot need itself/],
  ["a runtime below zero", executed([task("a")], [{ id: "a", runtimeInSeconds: -1 }]), /runtimeInSeconds/],
  ["a runtime beyond all bounds", executed([task("a")], [{ id: "a", runtimeInSeconds: 1e300 }]), /more than ten years/],
  [
    "a name that two have",
    wfFormat([task("a", { name: "n" }), task("b", { name: "n" }), task("c", { parents: ["n"] })]),
    /"n" is not a task/,
  ],
  ["a cycle", wfFormat([task("a", { parents: ["b"] }), task("b", { parents: ["a"] })]), /a → b → a|b → a → b/],
  [
    "a parent that is none",
    wfFormat([task("split"), task("b", { parents: ["splt"] })]),
    /tasks\[1\].parents: "splt" is not a task \(did you mean "split"/,
  ],
  ["a child that is none", wfFormat([task("a", { children: ["zz"] })]), /"zz" is not a task/],
  ["a task twice", wfFormat([task("a"), task("a")]), /tasks\[1\].id: tasks\[0\] has the id "a" already/],
  ["no task", wfFormat([]), /specification.tasks/],
])("%s is refused, and nothing is stored", async (_, document, message) => {
  const { call } = await startApp();
  await expect(call("import_workflow", { document })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringMatching(message),
  });
  expect(await call("list_workflows")).toMatchObject({ workflows: [] });
});

describe("inputs that the format allows", () => {
  const importOf = (document: string) => readWfFormat(document, defaultSettings);
  const stepsOf = (document: string) => importOf(document).definition["steps"] as Record<string, unknown>[];
  const filesOf = (document: string) =>
    stepsOf(document).map(({ files }) => files as { write: string[]; read: string[] } | undefined);

  test("an optional field may be null, and an empty name names nothing", () => {
    const nothing = { parents: null, children: [""], inputFiles: null, outputFiles: null, name: null };
    const runs = [
      { id: "a", runtimeInSeconds: null, command: null },
      { id: "b", runtimeInSeconds: 0, command: { program: null, arguments: null } },
      { id: "c", command: { program: "x", arguments: ["1", 2, { y: 3 }] } },
      { id: "stranger", runtimeInSeconds: 5 },
    ];
    const document = executed([{ id: "a", ...nothing }, { id: "b" }, task("c"), task("d")], runs);
    const steps = stepsOf(`\uFEFF${document}`);
    expect(steps.map((step) => step["estimate_ms"])).toEqual([undefined, 0, undefined, undefined]);
    expect(steps[2]?.["prompt"]).toContain('x 1 2 {"y":3}');
    expect(importOf(document)).toMatchObject({ withoutRuntime: 3, strayRuntimes: 1 });
    expect(importOf(document).figures).toMatchObject({ edges: 0, depth: 1, max_width: 4, total_work_s: 0 });
    expect(importOf(executed([task("a")], []).replace('"tasks":[]', '"tasks":null')).figures.tasks).toBe(1);
  });

  test("a task may be referred to by a name that only it has; an id comes first", () => {
    const tasks = [
      task("1", { name: "split" }),
      task("2", { name: "3" }),
      task("3", { parents: ["split"] }),
      task("4", { parents: ["3"] }),
    ];
    expect(stepsOf(wfFormat(tasks)).map(({ needs }) => needs)).toEqual([undefined, undefined, ["1"], ["3"]]);
  });

  test("files stay apart that differ in case, in what is replaced, or in where they lie", () => {
    const outputFiles = ["A.txt", "a.txt", "x*", "x?", "C:\\data\\r.csv", "C/data/r.csv", "../up", "up", "/up"];
    const [files] = filesOf(wfFormat([task("a", { outputFiles })]));
    expect(new Set(files?.write).size).toBe(outputFiles.length);
    expect(files?.write.slice(0, 6)).toEqual([
      "A.txt",
      "a.txt",
      "x_",
      expect.stringMatching(/^x_-[0-9a-f]{16}$/),
      "C/data/r.csv",
      expect.stringMatching(/^C\/data\/r.csv-[0-9a-f]{16}$/),
    ]);
    const same = ["./d//b", "d/c/../b", "d\\b"];
    expect(filesOf(wfFormat([task("a", { outputFiles: same, inputFiles: ["d/b"] })]))).toEqual([
      { write: ["d/b"], read: [] },
    ]);
  });

  test("names of any kind become a workflow that can be started", async () => {
    const odd = [
      "\u0001\u202E",
      "~",
      "é".repeat(300),
      "深/".repeat(100),
      "a/".repeat(600),
      "\r\n\t",
      "..",
      "/",
      "${{ x }}",
    ];
    const tasks = odd.map((name, n) => ({ id: `${name}${n}`, name, outputFiles: [name, `${name}/f`] }));
    const long = task("long", { name: "n".repeat(4_000), description: "${{".repeat(400) });
    const { call } = await startApp();
    await call("import_workflow", { document: wfFormat([...tasks, long, task("t", { name: "${{".repeat(400) })]) });
    expect(await call("execute_workflow", { workflow: "w" })).toMatchObject({ run: { counts: { ready: 11 } } });
  });

  test("of more files than a step may declare those stay that others write, and it says how many do not", () => {
    const read = Array.from({ length: 1_500 }, (_, n) => `in/${n}`);
    const tasks = [task("a", { outputFiles: ["in/1499"] }), task("b", { parents: ["a"], inputFiles: read })];
    const files = filesOf(wfFormat(tasks))[1];
    expect(files?.read).toHaveLength(defaultSettings.patterns_max);
    expect(files?.read).toContain("in/1499");
    expect(readWfFormat(wfFormat(tasks), defaultSettings).filesLeftOut).toBe(500);
  });

  test("10,000 tasks whose ids leave nothing for a key are read at once, and one more is too many", async () => {
    const tasks = Array.from({ length: 10_001 }, (_, n) => ({ id: "深".repeat(1 + (n % 100)) + "浅".repeat(n / 100) }));
    const tookMs = await processorMs(() => {
      const { figures } = importOf(wfFormat(tasks.slice(1)));
      expect(figures).toMatchObject({ tasks: 10_000, max_width: 10_000 });
    });
    // A tenth of a second; quadratic work would take ten.
    expect(tookMs).toBeLessThan(5_000);
    expect(() => importOf(wfFormat(tasks))).toThrow(/10001 tasks, the limit is 10000/);
  });

  test("10,000 unknown parents are told in bounded time and length", () => {
    const tasks = Array.from({ length: 10_000 }, (_, n) => ({ id: `t${n}`, parents: [`u${n}`] }));
    expect(() => importOf(wfFormat(tasks))).toThrow(/and 96 more/);
  });
});

describe("the figures of any graph", () => {
  interface Drawn {
    readonly id: string;
    readonly needs: readonly string[];
    readonly seconds: number | undefined;
  }

  const graphs: fc.Arbitrary<Drawn[]> = fc
    .array(
      fc.record({
        above: fc.array(fc.nat(), { maxLength: 5 }),
        ms: fc.option(fc.nat(100_000), { nil: undefined }),
        odd: fc.constantFrom("t", "ns:t", "深", "t/", "T "),
      }),
      { minLength: 1, maxLength: 60 },
    )
    .map((drawn) => {
      const ids = drawn.map(({ odd }, n) => `${odd}${n}`);
      return drawn.map(({ above, ms }, n) => ({
        id: ids[n] ?? "",
        needs: n === 0 ? [] : [...new Set(above.map((at) => ids[at % n] ?? ""))],
        seconds: ms === undefined ? undefined : ms / 1_000,
      }));
    });

  /** By definition, and without a graph library: levels and lengths of a task after those of what it needs. */
  function figuresOf(drawn: readonly Drawn[]) {
    const level = new Map<string, number>();
    const length = new Map<string, number>();
    const widths = new Map<number, number>();
    for (const { id, needs, seconds = 0 } of drawn) {
      const at = 1 + Math.max(0, ...needs.map((need) => level.get(need) ?? 0));
      level.set(id, at);
      widths.set(at, (widths.get(at) ?? 0) + 1);
      length.set(id, seconds + Math.max(0, ...needs.map((need) => length.get(need) ?? 0)));
    }
    return {
      tasks: drawn.length,
      edges: drawn.reduce((sum, { needs }) => sum + needs.length, 0),
      depth: Math.max(...level.values()),
      max_width: Math.max(...widths.values()),
      critical_path_s: expect.closeTo(Math.max(...length.values()), 3),
      total_work_s: expect.closeTo(
        drawn.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
        3,
      ),
    };
  }

  test("are those of an independent calculation, whichever end says an edge and in whatever order tasks stand", () => {
    fc.assert(
      fc.property(graphs, fc.infiniteStream(fc.nat(2)), (drawn, ends) => {
        const said = ends[Symbol.iterator]();
        const end = () => Number(said.next().value);
        const parents = new Map(drawn.map(({ id }) => [id, [] as string[]]));
        const children = new Map(drawn.map(({ id }) => [id, [] as string[]]));
        for (const { id, needs } of drawn) {
          for (const need of needs) {
            const by = end();
            if (by !== 1) parents.get(id)?.push(need);
            if (by !== 0) children.get(need)?.push(id);
          }
        }
        const tasks = drawn
          .map(({ id }) => task(id, { parents: parents.get(id), children: children.get(id) }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
        const runs = drawn.flatMap(({ id, seconds }) =>
          seconds === undefined ? [] : [{ id, runtimeInSeconds: seconds }],
        );
        const { figures, definition } = readWfFormat(executed(tasks, runs), defaultSettings);
        expect(figures).toEqual(figuresOf(drawn));
        const steps = definition["steps"] as { key: string; needs?: string[] }[];
        expect(new Set(steps.map(({ key }) => key)).size).toBe(drawn.length);
        expect(steps.flatMap(({ needs = [] }) => needs)).toHaveLength(figures.edges);
      }),
    );
  });
});
