import { execFileSync } from "node:child_process";
import type { ResultOf } from "../../src/tools/registry.js";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { connectClient } from "../support/servers/client.js";
import {
  baton,
  batonJson,
  type CommandLineFixture,
  startBaton,
  startCommandLineFixture,
  withSecret,
} from "../support/servers/command-line.js";
import * as inProcess from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { until } from "../support/until.js";

const EXAMPLES = path.resolve(import.meta.dirname, "../../examples");

function example(name: string): string {
  return path.join(EXAMPLES, name);
}

/** A fixture in a git repository: commands run in a project's root. */
function repository(): CommandLineFixture {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  return startCommandLineFixture({ cwd });
}

test.each(readdirSync(EXAMPLES))("%s is sound", async (name) => {
  expect(await inProcess.batonJson(startCommandLineFixture(), ["workflow", "validate", example(name)])).toMatchObject({
    valid: true,
  });
});

describe("run as they are", () => {
  test("build-and-test.yaml hands its input to each command and ends with 0", async () => {
    const args = [
      "run",
      example("build-and-test.yaml"),
      "--allow-commands",
      "--input",
      "greeting=Good morning; exit 7",
      "--json",
    ];
    const { code, stdout } = await baton(repository(), args);
    expect(JSON.parse(stdout)).toMatchObject({ run: { status: "succeeded", counts: { succeeded: 5 } } });
    expect(JSON.stringify(JSON.parse(stdout))).toContain("built for Good morning; exit 7");
    expect(code).toBe(0);
  });

  test("fan-out.yaml adds its parts up, and says so line by line", async () => {
    const { code, stdout } = await baton(repository(), ["run", example("fan-out.yaml"), "--allow-commands"]);
    expect(stdout).toMatch(/sum succeeded[\s\S]*fan-out succeeded after .*: 7 succeeded/);
    expect(code).toBe(0);
  });

  test("for-each.yaml makes a task for each text, and adds up what they found", async () => {
    const { code, stdout } = await baton(repository(), ["run", example("for-each.yaml"), "--allow-commands", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ run: { status: "succeeded", counts: { succeeded: 6 } } });
    expect(stdout).toContain("13 words");
    expect(code).toBe(0);
  });

  test("undo.yaml takes back what it did, the last first, and has then failed for who started it", async () => {
    const { code, stdout } = await baton(repository(), ["run", example("undo.yaml"), "--allow-commands"]);
    expect(stdout).toMatch(
      /compensate\(car\) succeeded[\s\S]*compensate\(hotel\) succeeded[\s\S]*undo compensated after/,
    );
    expect(code).toBe(1);
  });

  test.each([
    ["12", "sent: pack succeeded, carry skipped"],
    ["3", "sent: pack skipped, carry succeeded"],
  ])("branches.yaml takes one way for %s, and goes on behind both", async (size, said) => {
    const args = ["run", example("branches.yaml"), "--allow-commands", "--input", `size=${size}`, "--json"];
    const { code, stdout } = await baton(repository(), args);
    expect(JSON.parse(stdout)).toMatchObject({ run: { status: "succeeded", counts: { succeeded: 3, skipped: 1 } } });
    expect(stdout).toContain(said);
    expect(code).toBe(0);
  });

  test("gate.yaml releases what is good enough, and nothing else", async () => {
    const good = await baton(repository(), ["run", example("gate.yaml"), "--allow-commands", "--json"]);
    expect(good.stdout).toContain("released after 10 tests");
    expect(good.code).toBe(0);
    const args = ["run", example("gate.yaml"), "--allow-commands", "--input", "passed=9"];
    const bad = await baton(repository(), args);
    expect(bad.stdout).toContain("steps.test.output.passed >= 10");
    expect(bad.code).toBe(1);
  });

  test("approval.yaml waits for a person's answer", async () => {
    const fixture = repository();
    const started = startBaton(fixture, ["run", example("approval.yaml"), "--allow-commands", "--json"]);
    const id = await until("a person is asked", async () => {
      const { escalations } = resultOf("list_escalations", await batonJson(fixture, ["call", "list_escalations"]));
      return escalations[0]?.id;
    });
    const decision = ["call", "decide_escalation", "--id", id, "--decision", "approved"];
    const answer = [...decision, "--answers", '{"version":"1.2.0"}'];
    expect((await baton(fixture, answer)).stderr).toContain(`A person calls it at a terminal: baton approve ${id}.`);
    expect(await baton(withSecret(fixture), answer)).toMatchObject({ code: 0 });
    const { code, stdout } = await started.ended;
    expect(stdout).toContain("released 1.2.0");
    expect(code).toBe(0);
  });

  test("waiting.yaml waits for a moment and for an event", async () => {
    const fixture = repository();
    const args = ["run", example("waiting.yaml"), "--allow-commands", "--input", "pause=100ms", "--json"];
    const started = startBaton(fixture, args);
    const run = await until("the run says its id", () => /run_[0-9a-z]{16}/.exec(started.stderr())?.[0]);
    await batonJson(fixture, ["call", "signal", "--run", run, "--event", "merged", "--payload", '{"number":7}']);
    const { code, stdout } = await started.ended;
    expect(stdout).toContain("deployed pull request 7");
    expect(code).toBe(0);
  });

  test("review.yaml goes back and forth between an agent's own process and this one's commands", async () => {
    const fixture = repository();
    const agent = await connectClient({ database: fixture.database, cwd: fixture.cwd, clientName: "writer" });
    const started = startBaton(fixture, ["run", example("review.yaml"), "--allow-commands", "--json"]);
    const run = await until("the run says its id", () => /run_[0-9a-z]{16}/.exec(started.stderr())?.[0]);
    const write = await agent.call("claim_task", { run, wait_seconds: 50 });
    mkdirSync(path.join(fixture.cwd, "docs"));
    writeFileSync(path.join(fixture.cwd, "docs/note.md"), "# A stack\n\nLast in, first out.\n");
    await finish(agent, write, { summary: "what a stack is" });
    const review = await agent.call("claim_task", { run, roles: ["reviewer"], wait_seconds: 50 });
    expect(review).toMatchObject({ outcome: "claimed", task: { key: "review" } });
    await finish(agent, review, "nothing is unclear");
    const { code, stdout } = await started.ended;
    expect(JSON.parse(stdout)).toMatchObject({ results: { write: { summary: "what a stack is" } } });
    expect(code).toBe(0);
  });
});

test("a command that fails ends the run with 1 and shows how the command ended", async () => {
  const fixture = repository();
  const plan =
    "name: broken\nsteps:\n  - { key: oops, kind: command, run: 'echo what now >&2; exit 3', retry: { max_attempts: 1 } }\n";
  const { code, stdout } = await baton(fixture, ["run", "-", "--allow-commands"], plan);
  expect(code).toBe(1);
  expect(stdout).toMatch(/oops[\s\S]*3/);
  expect(stdout).toContain("what now");
});

test("resuming a run that another process started may run its commands", async () => {
  const fixture = repository();
  const { run } = (await batonJson(fixture, ["run", example("fan-out.yaml"), "--detach"])) as { run: { id: string } };
  const { code, stdout } = await baton(fixture, ["run", run.id, "--allow-commands"]);
  expect(stdout).toMatch(/fan-out succeeded/);
  expect(code).toBe(0);
});

test("a run without --allow-commands says that no server may run its commands, and can be left", async () => {
  const { code, stdout } = await baton(repository(), ["run", example("fan-out.yaml"), "--timeout", "1"]);
  expect(code).toBe(4);
  expect(stdout).toContain("--allow-commands");
});

async function finish(
  agent: Awaited<ReturnType<typeof connectClient>>,
  { task, lease }: ResultOf<"claim_task">,
  result: unknown,
) {
  await agent.call("complete_task", { task: task!.id, token: lease!.token, result });
}
