import { writeFileSync } from "node:fs";
import path from "node:path";
import { HABITS } from "../../src/cli/usage.js";
import { catalogue } from "../../src/tools/registry.js";
import { describe, expect, test } from "vitest";
import { baton as batonProcess, startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

describe("invalid arguments", () => {
  test.each([
    [["statu"], "Did you mean status?"],
    [["run"], "missing required argument 'target'"],
    [["run", "--wach", "x.yaml"], "Did you mean --watch?"],
    [["help", "rn"], 'Unknown command rn (did you mean "run"?)'],
    [["run", "nowhere.yaml"], "There is no file nowhere.yaml"],
    [["run", "x.yaml", "--max-parallel", "many"], "Expected a whole number above 0."],
    [["run", "x.yaml", "--budget", "-1"], "Expected an amount above 0"],
    [["run", "x.yaml", "--priority", "urgent"], "critical, high, normal, low"],
    [["workflow", "lst"], "Did you mean list?"],
    [["start", "w.yaml"], "There is no command start: `baton run FILE.yaml` runs a workflow."],
    [["project", "show", "p"], "`baton call get_project_status --project NAME` shows it."],
    [["failed", "retry", "x"], "`baton failed replay ID` retries a failed task"],
    [["claim_task"], "claim_task is an operation: `baton call claim_task` calls it."],
    [["help", "setup"], "`baton init` sets up the clients"],
    [["validate"], "missing required argument 'file'. Usage: `baton validate [options] <file>`."],
    [["run", "x.yaml", "--wacth"], "Run `baton run --help` for usage."],
    [["call", "create_task", "title=Fix login"], "write parameters as --name value: --title 'Fix login'."],
    [["serve", "--tolsets", "all"], "Did you mean --toolsets?"],
    [["--bogus"], "unknown option '--bogus'"],
    [["status", "--db", "a", "--database-url", "postgres://b/c"], "cannot be used with"],
    [["call", "get_rum"], 'did you mean "get_run"?'],
    [["call", "get_run", "--rn", "x"], 'did you mean "--run"?'],
    [["call", "get_run", "run_x"], "write parameters as --name value: --run run_x."],
    [["call", "get_run", "--run"], "--run needs a value"],
    [["call", "get_run"], '"run" is missing'],
    [["call", "fail_task", "--error", "{oops"], "--error takes JSON"],
    [["reset"], "--yes"],
  ])("%j ends with 2 and a sentence that helps", async (args, said) => {
    const { code, stdout, stderr } = await baton(startCommandLineFixture(), args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("is one JSON document under --json", async () => {
    const { code, stdout, stderr } = await batonProcess(startCommandLineFixture(), ["statu", "--json"]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "invalid_input" } });
  });

  test("a group without a command shows which there are", async () => {
    const { code, stderr } = await baton(startCommandLineFixture(), ["workflow"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/list[\s\S]*create[\s\S]*run[\s\S]*validate/);
  });
});

test.each([
  [["--help"]],
  [["run", "--help"]],
  [["serve", "--help"]],
  [["call", "--help"]],
  [["call", "claim_task", "--help"]],
])("%j helps on stdout", async (args) => {
  const { code, stdout, stderr } = await baton(startCommandLineFixture(), args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Usage: baton/);
});

test("the operations that a habit is answered with exist", () => {
  const named = Object.values(HABITS).flatMap((text) =>
    [...text.matchAll(/baton call (\w+)/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => catalogue.find(name ?? "") === undefined)).toEqual([]);
});

test("--version says the version of the package", async () => {
  const { code, stdout, stderr } = await batonProcess(startCommandLineFixture(), ["--version"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [["status"], "system"],
  [["orchestration", "status"], "version"],
  [["orchestration", "health"], "components"],
  [["workflow", "list"], "workflows"],
  [["project", "list"], "projects"],
  [["call", "list_agents"], "agents"],
  [["call"], "operations"],
  [["doctor"], "findings"],
])("%j --json is one document", async (args, key) => {
  expect(await batonJson(startCommandLineFixture(), args)).toHaveProperty(key);
});

test("help, version and list are understood as people type them", async () => {
  const fixture = startCommandLineFixture();
  expect((await baton(fixture, ["help", "runs"])).stdout).toMatch(/^Usage: baton runs/);
  expect((await baton(fixture, ["version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await baton(fixture, ["list"])).stdout).toContain("No runs.");
  // The help of a command is about that command.
  expect((await baton(fixture, ["run", "--help"])).stdout).not.toMatch(/--database-url|\(default: \[\]\)/);
});

test("the next calls of an answer are shell lines", async () => {
  const fixture = startCommandLineFixture();
  await baton(fixture, ["call", "create_task", "--title", "x", "--prompt", "y"]);
  const { stdout, stderr } = await baton(fixture, ["call", "claim_task", "--project", "personal"]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^next:\n {2}baton call complete_task --task task_\w+ --token \d+ --result '…'$/m);
});

test("a refused input points to the help of its operation", async () => {
  const { stderr } = await baton(startCommandLineFixture(), ["call", "create_task", "--title", "x"]);
  expect(stderr).toContain("next: baton call create_task --help");
});

test("only files that may be workflows are offered for a missing one", async () => {
  const fixture = startCommandLineFixture();
  writeFileSync(path.join(fixture.cwd, "package.json"), '{"name": "x"}');
  writeFileSync(path.join(fixture.cwd, "plan.yaml"), "name: x\nsteps: []\n");
  expect((await baton(fixture, ["run", "pln.yaml"])).stderr).toBe(
    "baton: There is no file pln.yaml; there is plan.yaml.\n",
  );
});

test("an operation's refusal shows the state and the next call as a shell line, and exits with 1", async () => {
  const fixture = startCommandLineFixture();
  const { code, stderr } = await baton(fixture, ["call", "get_run", "--run", "run_x"]);
  expect(code).toBe(1);
  expect(stderr).toBe("baton: There is no run run_x.\n  run: run_x\n  next: baton call list_runs\n");
  expect((await batonJson(fixture, ["call", "get_run", "--run", "run_x"]))["error"]).toMatchObject({
    code: "not_found",
  });
});

test("import stores a recorded workflow and says what it amounts to", async () => {
  const fixture = startCommandLineFixture();
  const file = path.resolve(import.meta.dirname, "../data/wfinstances/1000genome-chameleon-2ch-100k-001.json");
  const { code, stdout } = await baton(fixture, ["import", file, "--name", "genome"]);
  expect(stdout).toContain("genome version 1 imported: 52 tasks, 76 dependencies, 3 levels, at most 28 at once");
  expect(stdout).toMatch(/critical path .*, as recorded\n  run:/);
  expect(code).toBe(0);
  const recorded = (tasks: object[]) =>
    JSON.stringify({
      name: "few",
      schemaVersion: "1.5",
      workflow: { specification: { tasks: [{ id: "a" }, { id: "b" }] }, execution: { tasks } },
    });
  const some = [
    { id: "a", runtimeInSeconds: 2 },
    { id: "z", runtimeInSeconds: 9 },
  ];
  expect((await batonProcess(fixture, ["import", "-"], recorded(some))).stdout).toMatch(
    /all work 2.0 s, as recorded\n.*: 1 tasks have no recorded runtime\n.*: 1 recorded tasks do not belong to the workflow/,
  );
  expect((await batonProcess(fixture, ["import", "-"], recorded([]))).stdout).toMatch(
    /\n  no runtimes are recorded:.*\n  run:/,
  );
  expect((await batonProcess(fixture, ["import", "-"], "{")).stderr).toContain("Invalid JSON: ");
});

test("--db goes before the environment", async () => {
  const fixture = startCommandLineFixture({ env: { BATON_DATABASE_URL: "postgres://nobody@127.0.0.1:1/nothing" } });
  const { system } = (await batonJson(fixture, ["status", "--db", "own.db"])) as { system: { database: unknown } };
  expect(system.database).toMatchObject({ backend: "sqlite" });
});
