import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import {
  baton as batonProcess,
  type CommandLineFixture,
  startCommandLineFixture,
} from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { temporaryDirectory } from "../support/databases/databases.js";

function repository(): CommandLineFixture {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  return startCommandLineFixture({ cwd });
}

test("a project is made from a template and its pipeline carried out, by what is typed", async () => {
  const fixture = repository();
  const listed = await baton(fixture, ["project", "templates", "--kind", "project"]);
  expect(listed.stdout).toMatch(/data_pipeline +project +A data pipeline +description, group_by +shipped/);
  const make = ["project", "create", "figures", "--template", "data_pipeline", "--input", "group_by=date"];
  const made = await batonProcess(fixture, make);
  expect(made.stdout).toMatch(
    /figures created: [\s\S]*written: .*src\/run\.js[\s\S]*run: baton workflow run run-pipeline/,
  );
  const { code } = await batonProcess(fixture, ["workflow", "run", "run-pipeline", "--allow-commands"]);
  expect(code).toBe(0);
  expect(existsSync(path.join(fixture.cwd, "out/summary.json"))).toBe(true);
  expect((await baton(fixture, ["project", "list"])).stdout).toMatch(/figures +active +0 +- +1 of 1/);
  // Files made by the pipeline are its own: the template's files are unchanged.
  expect((await baton(fixture, make)).stdout).toContain("unchanged: .gitignore");
});

test("a mistyped argument is answered with the right one", async () => {
  const fixture = repository();
  const unknown = await baton(fixture, ["project", "create", "x", "--template", "libary"]);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('did you mean "library"')]);
  const stray = await baton(fixture, ["project", "create", "x", "--input", "a=b"]);
  expect([stray.code, stray.stderr]).toEqual([2, expect.stringContaining("pass --template too")]);
});

test("a run of a workflow template takes its inputs from what is typed", async () => {
  const run = ["workflow", "run", "template:bug_fix", "--input", "goal=The list is empty", "--detach"];
  expect(await batonJson(repository(), run)).toMatchObject({
    run: { name: "bug_fix", inputs: { goal: "The list is empty" } },
  });
});
