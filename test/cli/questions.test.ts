import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import {
  type CommandLineFixture,
  startCommandLineFixture,
  startOnTerminal,
  withSecret,
} from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { personAt } from "../support/servers/at-terminal.js";
import { resultOf } from "../support/servers/result-of.js";
import { until } from "../support/until.js";

const SIZE = { columns: 100, rows: 30 };
const FORM =
  "{ type: object, required: [version], properties: { version: { type: string }, count: { type: integer } } }";
const RELEASE = `
name: release
steps:
  - { key: build, kind: command, run: echo built }
  - { key: gate, kind: human, needs: [build], ask: Release what was built?, form: ${FORM} }
  - { key: ship, kind: command, needs: [gate], run: touch shipped }
`;
const ASK = "name: ask\nsteps:\n  - { key: ask, kind: human, ask: 'Go?' }\n";

function repository(): CommandLineFixture {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  writeFileSync(path.join(cwd, "release.yaml"), RELEASE);
  writeFileSync(path.join(cwd, "ask.yaml"), ASK);
  return startCommandLineFixture({ cwd });
}

async function detached(fixture: CommandLineFixture): Promise<string> {
  const { run } = (await batonJson(fixture, ["run", "ask.yaml", "--detach"])) as { run: { id: string } };
  return run.id;
}

async function statusOf(fixture: CommandLineFixture, run: string): Promise<string> {
  return resultOf("get_run", await batonJson(fixture, ["call", "get_run", "--run", run])).run.status;
}

describe.skipIf(!existsSync("/usr/bin/script") || process.platform !== "linux")("at a terminal", () => {
  test("baton run asks for leave to run commands and for the decision of a human step, and shows the result", async () => {
    const fixture = repository();
    const started = startOnTerminal(fixture, ["run", "release.yaml"], SIZE);
    const type = personAt(started);
    await type("build: echo built", "");
    started.child.stdin!.write("");
    const { code, stdout } = await started.ended;
    // An empty line is no: nothing has started.
    expect({ code, stdout }).toEqual({ code: 2, stdout: expect.stringContaining("Nothing was started") as string });

    const again = startOnTerminal(withSecret(fixture), ["run", "release.yaml"], SIZE);
    const answer = personAt(again);
    await answer("Run them?", "y");
    await answer("[a]pprove, [c]onditions, [r]eject, [l]ater:", "a");
    await answer("version (string, needed):", "");
    await answer("version (string, needed):", "1.2.0");
    await answer("count (integer, optional):", "many");
    await answer("[a]pprove, [c]onditions, [r]eject, [l]ater:", "a");
    await answer("version (string, needed):", "1.2.0");
    await answer("count (integer, optional):", "");
    const ended = await again.ended;
    const shown = stripVTControlCharacters(ended.stdout);
    expect({ code: ended.code, shown }).toMatchObject({ code: 0 });
    expect(shown).toContain("answers.count: must be integer, not string.");
    expect(shown).toContain("? gate: Release what was built?");
    expect(shown).toContain("gate approved: it is succeeded");
    expect(existsSync(path.join(fixture.cwd, "shipped"))).toBe(true);
  });

  test("a question that is answered elsewhere is withdrawn, and Ctrl-C leaves the run while one is asked", async () => {
    const fixture = withSecret(repository());
    const [elsewhere, left] = [await detached(fixture), await detached(fixture)];
    const first = startOnTerminal(fixture, ["run", elsewhere], SIZE);
    const second = startOnTerminal(fixture, ["run", left], SIZE);
    await until("both ask", () => [first, second].every(({ stdout }) => stdout().includes("[l]ater:")));
    second.child.stdin!.write("\u0003");
    const decided = await baton(fixture, ["reject", `${elsewhere}/ask`, "--note", "not today"]);
    expect(decided).toMatchObject({ code: 0, stdout: expect.stringContaining("ask rejected") as string });
    expect((await first.ended).code).toBe(1);
    expect((await second.ended).code).toBe(4);
    expect(await statusOf(fixture, left)).toBe("running");
  });

  test("baton approve asks each open question in turn", async () => {
    const fixture = withSecret(repository());
    const runs = [await detached(fixture), await detached(fixture)];
    const started = startOnTerminal(fixture, ["approve"], SIZE);
    const type = personAt(started);
    await type("[l]ater:", "l");
    await type("[l]ater:", "a");
    expect(await started.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("1 left open.") as string });
    const statuses: string[] = [];
    for (const run of runs) statuses.push(await statusOf(fixture, run));
    expect(statuses).toEqual(["running", "succeeded"]);
  });

  test("baton approve takes conditions, one after the other", async () => {
    const fixture = withSecret(repository());
    const run = await detached(fixture);
    const started = startOnTerminal(fixture, ["approve"], SIZE);
    const type = personAt(started);
    await type("[l]ater:", "c");
    await type("under the condition:", "");
    await type("under the condition:", "mask the tokens");
    await type("and (or nothing):", "");
    expect(await started.ended).toMatchObject({ code: 0 });
    expect((await baton(fixture, ["show", run, "ask"])).stdout).toContain("mask the tokens");
  });

  test("baton approve raises a budget by an amount as people write it, and asks again for another", async () => {
    const fixture = repository();
    const ben = { ...fixture, env: { ...fixture.env, BATON_AGENT: "ben" } };
    const run = await detached(fixture);
    await batonJson(fixture, ["call", "set_budget", "--run", run, "--limit", "2"]);
    const ask = ["call", "escalate", "--title", "More?", "--type", "budget_override", "--run", run];
    await batonJson(ben, ask);
    const started = startOnTerminal(withSecret(fixture), ["approve"], SIZE);
    const type = personAt(started);
    // The step of the run asks first.
    await type("[l]ater:", "l");
    await type("[l]ater:", "a");
    for (const typed of ["0x10", "1e3", "0", "3.5"]) await type("raise the budget by US$", typed);
    const { code, stdout } = await started.ended;
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout.match(/Type an amount above 0/g)).toHaveLength(3);
    expect(stdout).toContain("the limit is 5.5 US$ now");
  });

  test("an assistant's terminal is asked nothing", async () => {
    const fixture = repository();
    const run = await detached(fixture);
    const assistant = { ...fixture, env: { ...fixture.env, CLAUDECODE: "1" } };
    const started = startOnTerminal(assistant, ["run", run], SIZE);
    const hint = /ask asks: Go\?\s+answer: baton approve task_\w+/;
    await until("it says how to answer", () => hint.test(stripVTControlCharacters(started.stdout())));
    started.child.stdin!.write("\u0003");
    expect((await started.ended).stdout).not.toContain("[a]pprove");
  });
});

test("without a terminal approve lists the questions with the commands, and decides nothing", async () => {
  const fixture = repository();
  const run = await detached(fixture);
  const { stdout } = await baton(fixture, ["approve"]);
  expect(stdout).toMatch(/^\? ask: Go\?\n {2}baton approve task_\w+, or baton reject task_\w+\n$/);
  const { code, stderr } = await baton(fixture, ["approve", "ask"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/A person calls it at a terminal: baton approve task_\w+\./);
  expect((await baton(fixture, ["status"])).stdout).toMatch(/^ {2}ask asks: Go\? .*→ baton approve task_\w+$/m);
  expect(await statusOf(fixture, run)).toBe("running");
});
