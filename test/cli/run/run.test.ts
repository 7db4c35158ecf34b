import { existsSync, writeFileSync } from "node:fs";
import type { ResultOf } from "../../../src/tools/registry.js";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { connectClient, type TestClient } from "../../support/servers/client.js";
import {
  baton,
  batonJson,
  type CommandLineFixture,
  startBaton,
  startCommandLineFixture,
  startOnTerminal,
} from "../../support/servers/command-line.js";
import { resultOf } from "../../support/servers/result-of.js";
import * as inProcess from "../../support/servers/in-process.js";
import { until } from "../../support/until.js";

const PLAN = `
name: pair
inputs:
  topic: { type: string, default: none }
  depth: { type: integer, default: 1 }
steps:
  - { key: first, prompt: Do the first }
  - { key: second, prompt: Do the second, needs: [first] }
`;

/** A fixture with the plan beside it. */
function fixtureWithPlan(): CommandLineFixture {
  const fixture = startCommandLineFixture();
  writeFileSync(path.join(fixture.cwd, "pair.yaml"), PLAN);
  return fixture;
}

/** The same, and an agent's own process on the same database. */
async function office(): Promise<{ fixture: CommandLineFixture; agent: TestClient }> {
  const fixture = fixtureWithPlan();
  const agent = await connectClient({ database: fixture.database, cwd: fixture.cwd, clientName: "worker" });
  return { fixture, agent };
}

async function claim(agent: TestClient, run: string): Promise<ResultOf<"claim_task">> {
  return agent.call("claim_task", { run, wait_seconds: 50 });
}

async function complete(agent: TestClient, run: string): Promise<string> {
  const { task, lease } = await claim(agent, run);
  await agent.call("complete_task", { task: task!.id, token: lease!.token, result: { did: task!.key } });
  return task!.key;
}

async function fail(agent: TestClient, run: string): Promise<void> {
  const { task, lease } = await claim(agent, run);
  const error = { type: "broken", message: "no way\nat all" };
  await agent.call("fail_task", { task: task!.id, token: lease!.token, error, retryable: false });
}

function runIn(text: string): string | undefined {
  return /run_[0-9a-z]{16}/.exec(text)?.[0];
}

describe("baton run", () => {
  test("shows a line for each change and ends with 0 when an agent elsewhere has done it all", async () => {
    const { fixture, agent } = await office();
    const started = startBaton(fixture, ["run", "pair.yaml"]);
    const run = await until("the run says its id", () => runIn(started.stdout()));
    await until("it says whom it waits for", () => started.stdout().includes("waiting for an agent"));
    await complete(agent, run);
    await complete(agent, run);
    const { code, stdout, stderr } = await started.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/first started by worker-\w+\n/);
    expect(stdout).toMatch(/first succeeded after .* s\n/);
    expect(stdout).toMatch(/second succeeded/);
    expect(stdout).toMatch(/pair succeeded after .*: 2 succeeded/);
    expect(stdout).toBe(stripVTControlCharacters(stdout));
  });

  test("ends with 1 and says why when a step fails", async () => {
    const { fixture, agent } = await office();
    const started = startBaton(fixture, ["run", "pair.yaml"]);
    await fail(agent, await until("the run says its id", () => runIn(started.stdout())));
    const { code, stdout } = await started.ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/second blocked/);
    expect(stdout).toMatch(/pair failed[\s\S]*first by worker-\w+: broken: no way\n {4}at all/);
    expect(stdout).toContain("retry: baton retry run_");
  });

  test("--json answers with one document, and shows the changes on stderr", async () => {
    const { fixture, agent } = await office();
    const args = ["run", "pair.yaml", "--json", "--input", "topic=7", "--input", "depth=7"];
    const started = startBaton(fixture, args);
    const run = await until("the run says its id", () => runIn(started.stderr()));
    await complete(agent, run);
    await complete(agent, run);
    const { code, stdout } = await started.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      run: { id: run, status: "succeeded", inputs: { topic: "7", depth: 7 } },
      results: { first: { did: "first" }, second: { did: "second" } },
      failures: [],
    });
  });

  test("--budget says what it may cost", async () => {
    const { fixture } = await office();
    const { run } = await batonJson(fixture, ["run", "pair.yaml", "--detach", "--budget", "2.50"]);
    const { id } = run as { id: string };
    const report = await batonJson(fixture, ["call", "check_budget", "--run", id]);
    expect(report).toMatchObject({ state: "ok", budgets: [{ run: id, limit: 2.5, spent: 0 }] });
  });

  test("Ctrl-C leaves the run with 4; it goes on, and can be followed again by its id", async () => {
    const { fixture, agent } = await office();
    const started = startBaton(fixture, ["run", "pair.yaml"]);
    const run = await until("the run says its id", () => runIn(started.stdout()));
    await complete(agent, run);
    await until("it was seen", () => started.stdout().includes("first succeeded"));
    started.child.kill("SIGINT");
    const left = await started.ended;
    expect(left.code).toBe(4);
    expect(left.stdout).toContain(`follow: baton run ${run}`);

    const again = startBaton(fixture, ["run", run]);
    await until("its history is told", () => again.stdout().includes("first succeeded"));
    await complete(agent, run);
    expect((await again.ended).code).toBe(0);
  });

  test("--cancel-on-interrupt cancels it, which ends with 3", async () => {
    const fixture = fixtureWithPlan();
    const started = startBaton(fixture, ["run", "pair.yaml", "--cancel-on-interrupt"]);
    await until("it waits", () => started.stdout().includes("waiting for an agent"));
    started.child.kill("SIGINT");
    const { code, stdout } = await started.ended;
    expect(code).toBe(3);
    expect(stdout).toMatch(/pair cancelled/);
  });

  test("--timeout leaves it, --detach does not wait at all", async () => {
    const fixture = fixtureWithPlan();
    expect((await baton(fixture, ["run", "pair.yaml", "--timeout", "1"])).code).toBe(4);
    const { run } = (await batonJson(fixture, ["run", "pair.yaml", "--detach"])) as { run: { status: string } };
    expect(run.status).toBe("running");
  });

  test("a stored workflow runs by its name", async () => {
    const { fixture, agent } = await office();
    expect((await baton(fixture, ["workflow", "create", "pair.yaml"])).stdout).toMatch(
      /pair version 1, 2 steps, stored/,
    );
    const started = startBaton(fixture, ["workflow", "run", "pair", "-i", "depth=3"]);
    const run = await until("the run says its id", () => runIn(started.stdout()));
    await complete(agent, run);
    await complete(agent, run);
    expect((await started.ended).code).toBe(0);
    expect((await baton(fixture, ["workflow", "list"])).stdout).toMatch(/pair +1 +2 +1 +100%/);
  });
});

describe("problems of a workflow", () => {
  test.each([
    [
      "cycle.yaml",
      "name: c\nsteps:\n  - { key: a, prompt: x, needs: [b] }\n  - { key: b, prompt: y, needs: [a] }\n",
      "→",
    ],
    ["typo.yaml", "name: t\nsteps:\n  - { key: a, promt: x }\n", 'did you mean "prompt"'],
    ["syntax.yaml", "name: s\nsteps:\n  - { key: a\n", "syntax.yaml:"],
  ])("%s is told with its place, and nothing has started", async (file, text, said) => {
    const fixture = startCommandLineFixture();
    writeFileSync(path.join(fixture.cwd, file), text);
    const { code, stderr } = await inProcess.baton(fixture, ["run", file]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    const validated = await inProcess.baton(fixture, ["workflow", "validate", file]);
    expect(validated.code).toBe(2);
    expect(validated.stdout).toContain(said);
  });

  test.each([
    [["--input", "topik=x"], 'did you mean "topic"'],
    [["--input", "depth=deep"], "must be an integer"],
    [["--input", "topic"], "name=value"],
    [["--input", "topic=a", "--input", "topic=b"], "given twice"],
  ])("inputs %j are refused", async (args, said) => {
    const fixture = fixtureWithPlan();
    const { code, stderr } = await inProcess.baton(fixture, ["run", "pair.yaml", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });

  test("a missing file is told with those that are there", async () => {
    const fixture = fixtureWithPlan();
    expect((await inProcess.baton(fixture, ["run", "pear.yaml"])).stderr).toContain("there is pair.yaml");
  });
});

test("a task claimed by one call is completed by the next: a person's name stands for the process", async () => {
  const fixture = fixtureWithPlan();
  const { run } = (await batonJson(fixture, ["run", "pair.yaml", "--detach"])) as { run: { id: string } };
  const claimed = resultOf("claim_task", await batonJson(fixture, ["call", "claim_task", "--run", run.id]));
  expect(claimed).toMatchObject({ outcome: "claimed", task: { agent: "anna" } });
  const { task, lease } = claimed;
  const done = ["--task", task!.id, "--token", String(lease!.token), "--result", "fine"];
  expect(await batonJson(fixture, ["call", "complete_task", ...done])).toMatchObject({ task: { status: "succeeded" } });
  expect((await baton(fixture, ["status"])).stdout).toMatch(/1 succeeded|1 ready/);
});

describe.skipIf(!existsSync("/usr/bin/script") || process.platform !== "linux")("on a terminal", () => {
  const SIZE = { columns: 60, rows: 12 };

  test("draws the run in place, leaves its end and gives the cursor back", async () => {
    const { fixture, agent } = await office();
    const started = startOnTerminal(fixture, ["run", "pair.yaml", "--watch"], SIZE);
    await until("it draws", () => started.stdout().includes("first"));
    const { runs } = await agent.query("list_runs");
    const run = runs[0]!.id;
    await complete(agent, run);
    await complete(agent, run);
    const { code, stdout } = await started.ended;
    expect(code).toBe(0);
    expect(stdout.startsWith("\u001B[?25l")).toBe(true);
    expect(stdout).toContain("F\u001B[0J");
    expect(stdout.lastIndexOf("\u001B[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001B[?25l"));
    expect(stdout).toContain("\u001B[32m");
    expect(stripVTControlCharacters(stdout)).toMatch(/pair succeeded after .*: 2 succeeded/);
    const bars = stripVTControlCharacters(stdout)
      .split(/\r?\n/)
      .filter((line) => /[━─]/.test(line));
    expect(Math.max(...bars.map((line) => line.length))).toBeLessThan(SIZE.columns);
  });

  test("Ctrl-C gives the cursor back too, and NO_COLOR keeps colours away", async () => {
    const fixture = fixtureWithPlan();
    const started = startOnTerminal({ ...fixture, env: { ...fixture.env, NO_COLOR: "1" } }, ["run", "pair.yaml"], SIZE);
    await until("it draws", () => started.stdout().includes("waiting for an agent"));
    started.child.stdin!.write("\u0003");
    const { code, stdout } = await started.ended;
    expect(code).toBe(4);
    expect(stdout.lastIndexOf("\u001B[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001B[?25l"));
    expect(stdout).not.toContain("\u001B[0m");
  });

  test("reset asks, and takes only the file's name for an answer", async () => {
    const { fixture, agent } = await office();
    await agent.call("create_project", { name: "p" });
    await agent.close();
    const refused = startOnTerminal(fixture, ["reset"], SIZE);
    await until("it asks", () => refused.stdout().includes("to continue:"));
    refused.child.stdin!.write("yes\r");
    expect((await refused.ended).code).toBe(2);
    expect(existsSync(fixture.database)).toBe(true);
    const confirmed = startOnTerminal(fixture, ["reset"], SIZE);
    await until("it asks", () => confirmed.stdout().includes("to continue:"));
    confirmed.child.stdin!.write("baton.db\r");
    expect((await confirmed.ended).code).toBe(0);
    expect(existsSync(fixture.database)).toBe(false);
  });
});
