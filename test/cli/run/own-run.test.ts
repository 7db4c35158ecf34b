import { existsSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import type { ResultOf } from "../../../src/tools/registry.js";
import {
  baton,
  batonJson,
  type CommandLineFixture,
  startCommandLineFixture,
} from "../../support/servers/command-line.js";
import * as inProcess from "../../support/servers/in-process.js";
import { temporaryDirectory } from "../../support/databases/databases.js";

const OTHERS = "name: others\nsteps:\n  - { key: a, kind: command, run: touch ran }\n";
const INNER = "name: inner\nsteps:\n  - { key: b, kind: command, run: touch inner }\n";
const OUTER = "name: outer\nsteps:\n  - { key: a, kind: workflow, workflow: inner }\n";

/** A repository of one person, on that person's database. */
function repository(database?: string): CommandLineFixture {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  return startCommandLineFixture({ cwd, ...(database !== undefined && { database }) });
}

/** Starts a run with a command and leaves it. */
async function leave(fixture: CommandLineFixture): Promise<string> {
  writeFileSync(path.join(fixture.cwd, "others.yaml"), OTHERS);
  const { run } = (await batonJson(fixture, ["run", "others.yaml", "--detach"])) as ResultOf<"execute_workflow">;
  return run.id;
}

test("baton run carries out commands of its own run and its child runs, and of no other", async () => {
  const others = repository();
  const elsewhere = await leave(others);
  const own = repository(others.database);
  const beside = await leave(own);
  writeFileSync(path.join(own.cwd, "outer.yaml"), OUTER);
  writeFileSync(path.join(own.cwd, "inner.yaml"), INNER);
  expect((await inProcess.baton(own, ["workflow", "create", "inner.yaml"])).code).toBe(0);

  const { code, stdout } = await baton(own, ["run", "outer.yaml", "--allow-commands"]);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.not.stringMatching(/command steps? waits?/) });
  expect(existsSync(path.join(own.cwd, "inner"))).toBe(true);
  for (const { fixture, run } of [
    { fixture: others, run: elsewhere },
    { fixture: own, run: beside },
  ]) {
    const events = (await inProcess.batonJson(fixture, [
      "call",
      "list_events",
      "--run",
      run,
    ])) as ResultOf<"list_events">;
    expect(events.events.map(({ type }) => type)).not.toContain("task.claimed");
    expect(existsSync(path.join(fixture.cwd, "ran"))).toBe(false);
  }
  // A run that was left goes on with the process that names it.
  expect((await baton(own, ["run", beside, "--allow-commands"])).code).toBe(0);
  expect(existsSync(path.join(own.cwd, "ran"))).toBe(true);
});
