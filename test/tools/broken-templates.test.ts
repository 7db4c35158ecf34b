import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startApp, type TestApp } from "../support/servers/app.js";
import { createDatabase, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import type { StorePoint } from "../../src/store/driver/faults.js";
import { Gate } from "../support/fixtures/gate.js";
import { type Files, FLOW, MANIFEST, mine, start, templates, write } from "../support/fixtures/own-templates.js";

// Templates of one's own: what is wrong with them is said of them, and what they would do to others is not done.

const nothingMade = async (app: TestApp & { root: string }) => {
  expect(readdirSync(app.root)).toEqual([]);
  expect(await app.call("list_projects")).toEqual({ projects: [] });
};

describe("a template of one's own", () => {
  test("may name a setting by its former name, which the caller's own value replaces under either", async () => {
    const own = { "template.yaml": `${MANIFEST}config: { letter_replays: 2 }\n` };
    const create = async (rest: Record<string, unknown>) => (await start(mine(own))).create(rest);
    expect(await create({})).toMatchObject({ project: { config: { dead_letter_replays: 2 } } });
    const config = { letter_replays: 3 };
    expect(await create({ config })).toMatchObject({ project: { config: { dead_letter_replays: 3 } } });
  });

  test("stands beside the shipped ones, or in place of one, and says so", async () => {
    const own = { "template.yaml": MANIFEST, "files/a.txt": "a" };
    const app = await start(templates({ mine: own, library: own }));
    const { templates: list, directory } = await app.call("list_templates");
    const of = (name: string) => list.filter((line) => line.name === name);
    expect(of("mine")).toMatchObject([{ origin: "user", directory: path.join(directory, "mine") }]);
    expect(of("library")).toMatchObject([{ origin: "user", overrides_shipped: true, title: "Mine" }]);
    expect(of("web_application")).toMatchObject([{ origin: "shipped" }]);
    await expect(app.call("list_templates", { name: "bugfix" })).rejects.toThrow(
      'There is no template "bugfix" (did you mean "bug_fix"?).',
    );
    await app.create({ template: "library" });
    expect(readdirSync(app.root)).toEqual(["a.txt"]);
  });

  test("copies what is no text and what is to be left alone byte by byte, and keeps what can be run so", async () => {
    const binary = Buffer.from([0, 1, 255, ...Buffer.from("${{ project.name }}")]);
    const directory = mine({
      "template.yaml": `${MANIFEST}verbatim: [".github/**"]\n`,
      "files/logo.png": binary,
      "files/.github/ci.yml": "on: ${{ github.ref }}",
      "files/run.sh": "echo ${{ project.name }} ${HOME} $(date) {{ x }}",
    });
    execFileSync("chmod", ["+x", path.join(directory, "mine/files/run.sh")]);
    const app = await start(directory);
    await app.create();
    expect(readFileSync(path.join(app.root, "logo.png"))).toEqual(binary);
    expect(readFileSync(path.join(app.root, ".github/ci.yml"), "utf8")).toBe("on: ${{ github.ref }}");
    expect(readFileSync(path.join(app.root, "run.sh"), "utf8")).toBe("echo demo ${HOME} $(date) {{ x }}");
    expect(execFileSync("stat", ["-c", "%a", "run.sh", ".github/ci.yml"], { cwd: app.root }).toString()).toBe(
      "755\n644\n",
    );
  });
});

describe("a broken template is listed with its problem, harms no other, and makes nothing", () => {
  test.each<[string, Files, RegExp]>([
    ["broken YAML", { "template.yaml": "kind: [project\ntitle" }, /template\.yaml: Flow sequence/],
    ["a key twice", { "template.yaml": `${MANIFEST}title: again\n` }, /template\.yaml: the key "title" stands twice/],
    [
      "an unknown key",
      { "template.yaml": `${MANIFEST}milestone: []\n` },
      /unknown key "milestone" \(did you mean "milestones"/,
    ],
    ["no kind", { "template.yaml": "title: x\ndescription: y\n" }, /kind/],
    ["a list", { "template.yaml": "- a\n" }, /a template is a map/],
    ["a name of another", { "template.yaml": `${MANIFEST}name: other\n` }, /the folder is called "mine"/],
    [
      "a default of another type",
      { "template.yaml": `${MANIFEST}inputs: { n: { type: integer, default: x } }\n` },
      /must be an integer/,
    ],
    ["an unknown setting", { "template.yaml": `${MANIFEST}config: { speed: 1 }\n` }, /unknown key "speed"/],
    [
      "a milestone of no workflow",
      { "template.yaml": `${MANIFEST}milestones: [{ name: m, workflows: [flwo] }]\n`, "workflows/flow.yaml": FLOW },
      /no workflow "flwo" \(did you mean "flow"/,
    ],
    [
      "a workflow that is none",
      { "workflows/flow.yaml": "name: flow\nsteps: [{ key: a, prompt: a, needs: [b] }]\n" },
      /workflows\/flow\.yaml: steps/,
    ],
    ["two workflows of one name", { "workflows/a.yaml": FLOW, "workflows/b.yaml": FLOW }, /second workflow "flow"/],
    ["an input that is not declared", { "files/a.txt": "x\n\n${{ inputs.nme }}" }, /files\/a\.txt.*no input "nme"/],
    ["a name with an input that is not declared", { "files/${{ inputs.nme }}.txt": "x" }, /no input "nme"/],
    ["an expression without an end", { "files/a.txt": "${{ project.name" }, /has no end/],
    ["an expression of another system", { "files/ci.yml": "${{ github.ref }}" }, /unknown name "github"/],
    [
      "a workflow beside files",
      { "template.yaml": MANIFEST.replace("project", "workflow"), "workflow.yaml": FLOW, "files/a": "" },
      /files: are made by a project template only/,
    ],
    [
      "a workflow template without one",
      { "template.yaml": MANIFEST.replace("project", "workflow") },
      /workflow\.yaml: is not there/,
    ],
    ["a file that is huge", { "files/big": Buffer.alloc(5_000_000) }, /5000000 bytes; the limit is/],
    ["a manifest that is huge", { "template.yaml": `${MANIFEST}#${"x".repeat(300_000)}` }, /the limit is/],
  ])("%s", async (_, files, message) => {
    const app = await start(mine(files));
    const { templates: list } = await app.call("list_templates", { name: "mine" });
    const [line] = list;
    expect(
      JSON.stringify(line?.problems?.map((problem) => `${problem.path}: ${problem.message}`) ?? []).replaceAll(
        "\\",
        "",
      ),
    ).toMatch(message);
    await expect(app.create()).rejects.toThrow(/cannot be used/);
    await nothingMade(app);
    expect((await app.call("list_templates", { kind: "workflow" })).templates).toContainEqual(
      expect.objectContaining({ name: "bug_fix", origin: "shipped" }),
    );
    expect(await app.call("orchestrate", { goal: "Fix a bug", decompose: "auto" })).toMatchObject({
      outcome: "started",
    });
  });

  test("too many files", async () => {
    const files = Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`files/${at}`, ""]));
    await expect((await start(mine(files))).create()).rejects.toMatchObject({ code: "limit_exceeded" });
  });

  test("a symbolic link among its files, wherever it leads", async () => {
    const secret = path.join(temporaryDirectory(), "secret");
    writeFileSync(secret, "secret");
    for (const target of [secret, "a.txt", path.dirname(secret)]) {
      const directory = mine({ "files/a.txt": "a" });
      symlinkSync(target, path.join(directory, "mine/files/link"));
      const app = await start(directory);
      await expect(app.create()).rejects.toThrow(/files\/link: is a symbolic link/);
      await nothingMade(app);
    }
  });

  test("a special file, which is never read", async () => {
    const directory = mine({ "files/a.txt": "a" });
    execFileSync("mkfifo", [path.join(directory, "mine/files/pipe")]);
    await expect((await start(directory)).create()).rejects.toThrow(/files\/pipe: is a special file/);
  });
});

describe("a file outside of the root, or over an existing one, is not made", () => {
  const NAMED = `${MANIFEST}inputs: { name: { type: string } }\n`;

  test.each([
    "../outside",
    "..",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:x",
    ".git",
    ".GIT",
    "",
    ".",
    "a\nb",
    "a\u200db",
    ".g\u200cit",
    "CON",
    "nul.tar.gz",
    "Com1 .txt",
    "end. ",
    "x".repeat(300),
  ])("at a name of an input that is %j", async (name) => {
    const files = { "template.yaml": NAMED, "files/first.txt": "1", "files/${{ inputs.name }}/x.txt": "2" };
    const app = await start(mine(files));
    await expect(app.create({ inputs: { name } })).rejects.toMatchObject({ code: "invalid_input" });
    await nothingMade(app);
    expect(existsSync(path.join(app.root, "../outside"))).toBe(false);
  });

  test("two files at one place", async () => {
    const files = { "template.yaml": NAMED, "files/a.txt": "1", "files/${{ inputs.name }}.txt": "2" };
    const app = await start(mine(files));
    await expect(app.create({ inputs: { name: "a" } })).rejects.toThrow(
      /becomes "a\.txt", as files\/a\.txt does|becomes/,
    );
    await nothingMade(app);
  });

  test("below a link of the root that leads out of it", async () => {
    const app = await start(mine({ "files/out/a.txt": "a", "files/b.txt": "b" }));
    const outside = temporaryDirectory();
    symlinkSync(outside, path.join(app.root, "out"));
    await expect(app.create({ overwrite: true })).rejects.toThrow(
      /out\/a\.txt: a symbolic link on the way leads outside/,
    );
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(app.root)).toEqual(["out"]);
  });

  test("in .git, whether the root lies there or a link of the root leads there", async () => {
    const app = await start(mine({ "files/src/post-commit": "echo" }));
    for (const own of [".git/hooks", "sub/.GIT"]) {
      const root = path.join(app.root, own);
      mkdirSync(root, { recursive: true });
      await expect(app.create({ root, overwrite: true })).rejects.toThrow(/src\/post-commit: would lie in \.git/);
      expect(readdirSync(root)).toEqual([]);
    }
    symlinkSync(".git/hooks", path.join(app.root, "src"));
    await expect(app.create({ overwrite: true })).rejects.toThrow(/src\/post-commit: would lie in \.git/);
    expect(readdirSync(path.join(app.root, ".git/hooks"))).toEqual([]);
    expect(await app.call("list_projects")).toEqual({ projects: [] });
  });

  test("through a link that is the file itself, or to where a directory is", async () => {
    const app = await start(mine({ "files/a.txt": "a", "files/b.txt": "b" }));
    const outside = path.join(temporaryDirectory(), "target");
    symlinkSync(outside, path.join(app.root, "a.txt"));
    mkdirSync(path.join(app.root, "b.txt"));
    await expect(app.create({ overwrite: true })).rejects.toThrow(/a\.txt: a symbolic link.*b\.txt: is a directory/);
    expect(existsSync(outside)).toBe(false);
  });

  test("over a file, unless that is said; then which are", async () => {
    const app = await start(mine({ "files/a.txt": "new", "files/b.txt": "b", "files/c/d.txt": "d" }));
    write(app.root, { "a.txt": "old", "b.txt": "b" });
    const refused = app.create();
    await expect(refused).rejects.toMatchObject({ code: "conflict", details: { files: ["a.txt"] } });
    expect(readdirSync(app.root).toSorted()).toEqual(["a.txt", "b.txt"]);
    expect(readFileSync(path.join(app.root, "a.txt"), "utf8")).toBe("old");
    expect(await app.call("list_projects")).toEqual({ projects: [] });
    expect(await app.create({ overwrite: true })).toMatchObject({
      scaffolded: { written: ["c/d.txt"], overwritten: ["a.txt"], unchanged: ["b.txt"] },
    });
    expect(readFileSync(path.join(app.root, "a.txt"), "utf8")).toBe("new");
    expect(readdirSync(app.root).toSorted()).toEqual(["a.txt", "b.txt", "c"]);
  });
});

describe("files and project come together", () => {
  const directory = () => mine({ "files/a.txt": "a", "files/deep/er/b.txt": "b", "workflows/flow.yaml": FLOW });

  test("a call that comes again under its request id gives the first answer, whatever has become of the files", async () => {
    const app = await start(directory());
    const first = await app.create({ request_id: "once" });
    writeFileSync(path.join(app.root, "a.txt"), "mine now");
    expect(await app.create({ request_id: "once" })).toEqual(first);
    expect(readFileSync(path.join(app.root, "a.txt"), "utf8")).toBe("mine now");
    await expect(app.create({ request_id: "once", description: "other" })).rejects.toMatchObject({ code: "conflict" });
    await expect(app.create()).rejects.toMatchObject({ code: "conflict" });
  });

  test("a process that dies between the files and the commit leaves what the next call goes on from", async () => {
    const own = directory();
    const database = path.join(temporaryDirectory(), "baton.db");
    const dying = await start(own, {
      database,
      storeHooks: {
        observe: ({ statement }) => {
          if (statement !== "COMMIT" && statement[0].startsWith("INSERT INTO workflow_versions"))
            throw new Error("died");
        },
      },
    });
    await expect(dying.create({ request_id: "once" })).rejects.toThrow("Internal error: the call failed");
    expect(readFileSync(path.join(dying.root, "deep/er/b.txt"), "utf8")).toBe("b");
    const next = await start(own, { database, cwd: dying.root });
    expect(await next.call("list_projects")).toEqual({ projects: [] });
    expect(await next.create({ request_id: "once" })).toMatchObject({
      created: true,
      scaffolded: { written: [], unchanged: ["a.txt", "deep/er/b.txt"], workflows: [{ name: "flow", version: 1 }] },
    });
  });

  test("a project that cannot be made after all takes its files with it", async () => {
    const { location } = await createDatabase("postgres");
    const runtime = testRuntime();
    const gate = new Gate();
    const now = () => runtime.clock.now();
    const app = await start(directory(), { database: location, runtime, storeHooks: { ...gate.hooks, now } });
    const other = await startApp({ database: location, runtime, storeHooks: { now } });
    writeFileSync(path.join(app.root, "own.txt"), "stays");
    const stopped = gate.stopAt(/^INSERT INTO projects/);
    const creating = app.create();
    await Promise.race([stopped.reached, creating]);
    expect(readdirSync(app.root)).toContain("deep");
    await other.call("create_project", { name: "demo" });
    stopped.open();
    await expect(creating).rejects.toMatchObject({ code: "conflict" });
    expect(readdirSync(app.root)).toEqual(["own.txt"]);

    const again = gate.stopAt(/^INSERT INTO projects/);
    const second = app.create({ name: "second" });
    await Promise.race([again.reached, second]);
    writeFileSync(path.join(app.root, "a.txt"), "edited");
    await other.call("create_project", { name: "second" });
    again.open();
    await expect(second).rejects.toMatchObject({ code: "conflict" });
    await expect(second).rejects.toThrow(
      /The name "second" belongs .* taken back: a\.txt \(was changed since, and stays\)/,
    );
    expect(readFileSync(path.join(app.root, "a.txt"), "utf8")).toBe("edited");
    expect(existsSync(path.join(app.root, "deep"))).toBe(false);
  });

  test.each([
    ["begins", /^/],
    ["makes the project", /^INSERT INTO projects/],
  ])("a git root that becomes another project's before the commit %s is not shared", async (_, at) => {
    const { location: database } = await createDatabase("postgres");
    const cwd = realpathSync(temporaryDirectory());
    execFileSync("git", ["init", "--quiet", cwd]);
    const runtime = testRuntime();
    const now = () => runtime.clock.now();
    const other = await startApp({ cwd, database, runtime, storeHooks: { now } });
    let lock: Promise<void> | undefined;
    const hold = ({ statement }: StorePoint) => {
      if (lock !== undefined || !existsSync(path.join(cwd, "deep/er/b.txt")) || !at.test(statement[0]))
        return undefined;
      lock = other.call("acquire_file_lock", { agent: "ben", paths: ["x"] }).then(() => undefined);
      return lock;
    };
    const app = await start(directory(), { cwd, database, runtime, storeHooks: { now, hold } });
    const creating = app.call("create_project", { name: "demo", template: "mine" });
    await expect(creating).rejects.toThrow(/^The root .* belongs to the project/);
    expect(readdirSync(cwd)).toEqual([".git"]);
    const { projects } = await app.call("list_projects");
    expect(projects).toEqual([expect.objectContaining({ root: cwd })]);
    expect(projects).not.toMatchObject([{ name: "demo" }]);
  });

  test("a project that was made without a root gets no files in the git root around the caller", async () => {
    const cwd = realpathSync(temporaryDirectory());
    const database = path.join(temporaryDirectory(), "baton.db");
    await (await startApp({ cwd, database })).call("create_project", { name: "demo" });
    execFileSync("git", ["init", "--quiet", cwd]);
    const app = await start(directory(), { cwd, database });
    const creating = app.call("create_project", { name: "demo", template: "mine" });
    await expect(creating).rejects.toThrow(/the project "demo" has no root/);
    expect(readdirSync(cwd)).toEqual([".git"]);
  });
});
