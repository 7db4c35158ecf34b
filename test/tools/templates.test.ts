import { execFile } from "node:child_process";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { startApp, type TestApp, type TestAppOptions } from "../support/servers/app.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { Crew, type RunAnswer } from "../support/fixtures/plan.js";
import { sampleOf } from "../support/sample.js";

const SHIPPED = path.resolve(import.meta.dirname, "../../templates");

const shipped = readdirSync(SHIPPED);
const ofKind = (kind: string) =>
  shipped.filter((name) => readFileSync(path.join(SHIPPED, name, "template.yaml"), "utf8").includes(`kind: ${kind}\n`));

async function start(options: TestAppOptions = {}): Promise<TestApp & { root: string }> {
  const root = realpathSync(temporaryDirectory());
  const env = {
    BATON_ALLOW_COMMANDS: "true",
    BATON_OUTPUT_DIRECTORY: path.join(temporaryDirectory(), "output"),
    BATON_TEMPLATES_DIRECTORY: path.join(temporaryDirectory(), "none"),
    ...options.env,
  };
  return { ...(await startApp({ cwd: root, ...options, env })), root };
}

async function create(
  app: TestApp & { root: string },
  rest: Partial<InputOf<"create_project">>,
): Promise<ResultOf<"create_project">> {
  return app.call("create_project", { name: "demo", root: app.root, ...rest });
}

/** Carries out what agents have to do of a run, each task with the least that its schema asks, until the run has ended. */
async function carryOut(app: TestApp, run: string): Promise<RunAnswer> {
  const crew = new Crew(app);
  for (;;) {
    const claim = await crew.claim("ann", { run, roles: ["reviewer"], wait_seconds: 50 });
    if (claim.outcome === "none" && claim.reason === "run_finished") break;
    // Its commands are still at work.
    if (claim.outcome === "none") continue;
    const task = claim.task!;
    await crew.complete({ id: task.id, token: claim.lease!.token }, sampleOf(task.output));
  }
  return crew.run(run);
}

describe("every shipped template", () => {
  test("is one of those that the product promises, and sound", async () => {
    const app = await start();
    const { templates } = await app.call("list_templates");
    expect(templates.flatMap(({ problems = [] }) => problems)).toEqual([]);
    const names = (kind: string) => templates.filter((line) => line.kind === kind).map(({ name }) => name);
    expect(names("project")).toEqual(["ai_analysis", "data_pipeline", "library", "web_application"]);
    expect(names("workflow").join(" ")).toBe(
      "bug_fix code_review fan_out_fan_in linear_pipeline map_reduce review_loop",
    );
  });

  test.each(ofKind("project"))(
    "%s makes a project whose tests pass, and whose workflows run to the end and complete its milestones",
    { timeout: 300_000 },
    async (template) => {
      const app = await start();
      const made = await create(app, { template });
      expect(made).toMatchObject({ created: true, scaffolded: { overwritten: [], unchanged: [] } });
      const { stdout } = await promisify(execFile)(process.execPath, ["--test"], { cwd: app.root });
      expect(stdout).toMatch(/# pass [1-9]|ℹ pass [1-9]/);

      const { workflows } = await app.call("list_workflows", { project: "demo" });
      expect(workflows).not.toEqual([]);
      for (const { name } of workflows) {
        const { run } = await app.call("execute_workflow", { project: "demo", workflow: name });
        expect(await carryOut(app, run.id)).toMatchObject({ status: "succeeded" });
      }
      const { milestones } = await app.call("get_project_status", { project: "demo" });
      expect(milestones).toEqual(
        made.scaffolded!.milestones.map((name) => expect.objectContaining({ name, status: "completed" })),
      );
      expect(milestones).not.toEqual([]);
    },
  );

  test.each(ofKind("workflow"))("%s runs to the end with a goal alone", async (template) => {
    const app = await start();
    const inputs = { goal: "Make it work" };
    const { run } = await app.call("execute_workflow", { workflow: `template:${template}`, inputs });
    const ended = await carryOut(app, run.id);
    expect(ended).toMatchObject({ status: "succeeded", name: template });
    expect(ended.counts.succeeded).toBeGreaterThan(2);
  });
});

test("the review loop goes round where something is found, and fails where it stays", async () => {
  const app = await start();
  const crew = new Crew(app);
  const begin = async () => {
    const inputs = { goal: "Write it" };
    const { run } = await app.call("execute_workflow", { workflow: "template:review_loop", inputs });
    const { id } = run;
    await crew.complete(await crew.take("ann", { run: id }), "done");
    await crew.complete(await crew.take("rob", { run: id, roles: ["reviewer"] }), { approved: false, remarks: ["no"] });
    await crew.complete(await crew.take("ann", { run: id }), "mended");
    return id;
  };
  const verdict = async (run: string, approved: boolean) => {
    await crew.complete(await crew.take("rob", { run, roles: ["reviewer"] }), { approved, remarks: [] });
    return (await crew.run(run)).status;
  };
  expect(await verdict(await begin(), true)).toBe("succeeded");
  const hopeless = await begin();
  expect(await verdict(hopeless, false)).toBe("failed");
});

describe("create_project with a template", () => {
  test("fills in names and contents, and gives the workflows what the template was given", async () => {
    const app = await start();
    const inputs = { module: "words", description: 'Says "it\'s".' };
    const { scaffolded } = await create(app, { template: "library", inputs });
    expect(scaffolded!.written).toEqual([
      ".gitignore",
      "README.md",
      "package.json",
      "src/words.js",
      "test/words.test.js",
    ]);
    expect(readFileSync(path.join(app.root, "README.md"), "utf8")).toContain('# demo\n\nSays "it\'s".');
    expect(readdirSync(app.root).toSorted()).toEqual([".gitignore", "README.md", "package.json", "src", "test"]);
    expect(statSync(path.join(app.root, "package.json")).mode & 0o133).toBe(0);
    const { inputs: own } = await app.call("get_workflow", { project: "demo", name: "add-function" });
    expect(own).toMatchObject({ module: { default: "words" }, purpose: { default: "The sentences of a text." } });
    expect(await app.call("get_project_status", { project: "demo" })).toMatchObject({
      project: { config: { max_parallel: 8 } },
      milestones: [{ name: "first-function", waits_for: [{ kind: "workflow", name: "add-function" }] }],
    });
    const { events } = await app.call("list_events", { project: "demo", types: ["project.scaffolded"] });
    expect(events).toMatchObject([{ data: { template: "library", files: 5 } }]);
  });

  test("writes inputs into JSON and JavaScript as data, whatever they hold", async () => {
    const app = await start();
    const module = 'a", "b';
    await create(app, { template: "library", inputs: { module } });
    const file = (name: string) => readFileSync(path.join(app.root, name), "utf8");
    expect(JSON.parse(file("package.json"))).toMatchObject({
      exports: `./src/${module}.js`,
      scripts: { test: "node --test" },
    });
    expect(file(`test/${module}.test.js`)).toContain(`from ${JSON.stringify(`../src/${module}.js`)};`);
  });

  test("again finds its own files, changes nothing, and keeps what the project was told since", async () => {
    const app = await start();
    const first = await create(app, { template: "library", config: { max_parallel: 3 } });
    const again = await create(app, { template: "library", config: { max_parallel: 3 } });
    expect(again).toMatchObject({ created: false, scaffolded: { written: [], unchanged: first.scaffolded!.written } });
    await app.call("update_project", { project: "demo", config: { max_parallel: 2 } });
    expect(await create(app, { template: "library" })).toMatchObject({ project: { config: { max_parallel: 2 } } });
    expect((await app.call("get_workflow", { project: "demo", name: "add-function" })).workflow).toMatchObject({
      version: 1,
    });
  });

  test("takes the git root around the caller, and without a root says so", async () => {
    const app = await start();
    const creating = app.call("create_project", { name: "demo", template: "library" });
    await expect(creating).rejects.toThrow(/give root/);
    await promisify(execFile)("git", ["init", "--quiet", app.root]);
    const inRepository = await startApp({ cwd: app.root });
    expect(await inRepository.call("create_project", { name: "demo", template: "library" })).toMatchObject({
      project: { root: app.root },
    });
    expect(existsSync(path.join(app.root, "src/index.js"))).toBe(true);
  });

  test.each([
    [{ template: "libary" }, "not_found", /did you mean "library"/],
    [{ template: "bug_fix" }, "invalid_input", /is a workflow template: it is for execute_workflow/],
    [{ template: "library", inputs: { modul: "x" } }, "invalid_input", /not an input.*did you mean "module"/],
    [{ template: "web_application", inputs: { port: "80" } }, "invalid_input", /inputs\.port: must be an integer/],
    [{ inputs: { module: "x" } }, "invalid_input", /pass template too/],
    [{ template: "library", config: { speed: 1 } }, "invalid_input", /unknown key "speed"/],
  ])("refuses %j and writes nothing", async (wrong, code, message) => {
    const app = await start();
    const creating = create(app, wrong);
    await expect(creating).rejects.toMatchObject({ code });
    await expect(creating).rejects.toThrow(message);
    expect(readdirSync(app.root)).toEqual([]);
    expect(await app.call("list_projects")).toEqual({ projects: [] });
  });

  test("lets an agent make files only where it works, and a person anywhere", async () => {
    const elsewhere = realpathSync(temporaryDirectory());
    const wanted = { template: "library", root: elsewhere };
    await expect(create(await start(), wanted)).rejects.toMatchObject({ code: "not_permitted" });
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(await create(await start({ channel: "human" }), wanted)).toMatchObject({ created: true });
  });
});
