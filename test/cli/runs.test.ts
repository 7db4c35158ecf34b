import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { shared } from "../support/lifetime.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { MAIN, startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

const PLAN = `
name: ship
steps:
  - { key: build, phase: make, kind: command, run: "for i in 1 2 3; do echo line $i; done" }
  - { key: sum, phase: make, kind: command, needs: [build], run: "printf 'one\\\\ntwo\\\\n'" }
  - { key: broken, kind: command, run: "echo cannot; exit 3", retry: { max_attempts: 1 } }
`;
const WAITS = "name: waits\nsteps:\n  - { key: only, prompt: Do it }\n";

const FLAKY = `
name: flaky
steps:
  - { key: once, prompt: Do it, retry: { max_attempts: 3, initial_interval_ms: 3600000, max_interval_ms: 3600000 } }
  - { key: after, prompt: Go on, needs: [once] }
`;

async function detached(file: string): Promise<string> {
  const { run } = (await batonJson(place().fixture, ["run", file, "--detach"])) as { run: { id: string } };
  return run.id;
}

async function text(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await baton(place().fixture, args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** A run that has failed, of a process that has ended. */
const place = shared(async () => {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  const fixture = startCommandLineFixture({ cwd });
  writeFileSync(path.join(cwd, "ship.yaml"), PLAN);
  writeFileSync(path.join(cwd, "waits.yaml"), WAITS);
  writeFileSync(path.join(cwd, "flaky.yaml"), FLAKY);
  const args = [MAIN, "run", "ship.yaml", "--allow-commands"];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd, env: fixture.env, encoding: "utf8" });
  return { fixture, status, stdout, shipped: /run_[0-9a-z]{16}/.exec(stdout)?.[0] ?? "" };
});

test("the end of a run shows the results of its last steps, and the commands that lead on", () => {
  const { status, stdout, shipped } = place();
  expect(status).toBe(1);
  expect(stdout).toContain("  sum → one\n    two\n");
  expect(stdout).toContain(`retry: baton retry ${shipped}, then baton run ${shipped} --allow-commands`);
});

describe("a person looks at a run", () => {
  test("call takes a run by its name too, alone or before a step's key", async () => {
    const { fixture, shipped } = place();
    const { task } = (await batonJson(fixture, ["call", "get_task", "--task", "ship/sum"])) as { task: object };
    expect(task).toMatchObject({ key: "sum", run: shipped });
    const { run } = (await batonJson(fixture, ["call", "get_run", "--run", "ship"])) as { run: object };
    expect(run).toMatchObject({ id: shipped });
    const { code, stderr } = await baton(fixture, ["call", "get_task", "--task", "shop/sum"]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no run shop.") });
  });

  test("runs lists them with their outcome", async () => {
    const { shipped } = place();
    expect(await text("runs")).toMatch(
      new RegExp(`^ID .*\n${shipped}  ship  failed  2 of 3, 1 failed  .*(?:now|ago)$`, "m"),
    );
    expect(await text("runs", "--status", "succeeded")).toContain("No runs.");
  });

  test.each([
    ["nothing: the newest", () => []],
    ["its id", () => [place().shipped]],
    ["the beginning of its id", () => [place().shipped.slice(0, -1)]],
    ["its name", () => ["ship"]],
  ])("show takes %s", async (_, reference) => {
    const shown = await text("show", ...reference());
    const { shipped } = place();
    expect(shown).toContain(`ship  failed  66%  ${shipped}`);
    expect(shown).toContain("\n  phases: make (ended)\n");
    expect(shown).toMatch(/broken +failed +exit_3: the command ended with exit code 3/);
    expect(shown).toContain("  sum → one\n    two\n");
    expect(shown).toContain(`retry: baton retry ${shipped}`);
  });

  test("show of a step has its command, attempts and whole result", async () => {
    const shown = await text("show", "ship", "build");
    expect(shown).toContain("for i in 1 2 3");
    expect(shown).toMatch(/1\. executor-\S+ {2}succeeded after/);
    expect(shown).toContain("result:\n  line 1\n  line 2\n  line 3\n");
  });

  test("logs prints the output of all command steps, or of one", async () => {
    const all = await text("logs");
    expect(all).toContain("── build, attempt 1\nline 1\nline 2\nline 3\n");
    expect(all).toContain("── broken, attempt 1\ncannot\n");
    expect(await text("logs", "ship", "build", "--tail", "1")).toBe("── build, attempt 1\n… 2 lines before\nline 3\n");
  });

  test("graph prints the picture itself", async () => {
    expect(await text("graph")).toMatch(/^flowchart LR\n/);
    expect(await text("graph", place().shipped, "--svg")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(await text("graph", place().shipped, "--dot")).toMatch(/^digraph /);
  });
});

test("show says why a ready task waits: another agent holds its file", async () => {
  writeFileSync(
    path.join(place().fixture.cwd, "held.yaml"),
    "name: held\nsteps:\n  - { key: api, title: The API, prompt: Write it, files: { write: [src/a.ts] } }\n  - { key: free, prompt: Do it }\n",
  );
  await text("call", "acquire_file_lock", "--agent", "zoe", "--paths", "src/a.ts");
  const refused = await baton(place().fixture, ["call", "acquire_file_lock", "--agent", "yan", "--paths", "src/a.ts"]);
  expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining("held by zoe") });
  const run = await detached("held.yaml");
  expect(await text("show", run)).toMatch(
    / api {2}The API {2}ready {2}src\/a\.ts is locked by zoe\n.* free {10}ready\n/,
  );
  await text("call", "release_file_lock", "--agent", "zoe", "--all");
  expect(await text("show", run)).not.toContain("locked by");
  await text("cancel", run);
});

test("a run whose commands no server runs is named by status, and show says how to follow it", async () => {
  const { fixture } = place();
  const run = await detached("ship.yaml");
  const waits = `nothing runs its commands: no running server is allowed to run commands → baton run ${run} --allow-commands`;
  expect(await text("status")).toContain(waits);
  expect(await text("show", run)).toContain(`follow: baton run ${run} --allow-commands`);
  expect(await baton(fixture, ["logs", run, "build"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Step build has not begun: it is ready.") as string,
  });
  expect(await text("cancel", run)).toContain("is cancelled");
  expect(await text("status")).not.toContain("nothing runs its commands");
});

test.each([
  ["its id", () => place().shipped, 1],
  ["the beginning of its id", () => place().shipped.slice(0, -1), 1],
  ["its name", () => "waits", 3],
])("run follows a run by %s", async (_, reference, code) => {
  await text("cancel", await detached("waits.yaml"));
  const followed = await baton(place().fixture, ["run", reference()]);
  expect(followed).toMatchObject({ code, stdout: expect.stringMatching(/^(?:ship|waits) runs as run_/) as string });
});

test("a person pauses, resumes, cancels and retries a run", async () => {
  const { shipped } = place();
  const run = await detached("waits.yaml");
  expect(await text("pause", run)).toContain("waits is paused: 1 ready");
  expect(await text("resume", run)).toContain("waits is running: 1 ready, 0 of 1 succeeded");
  expect(await text("cancel", "waits", "--reason", "not now")).toContain("waits is cancelled");
  expect(await text("show", run)).toContain("not now");
  expect(await text("retry", shipped)).toContain(`baton run ${shipped} --allow-commands`);
});

test.each([
  [["show", "zz"], 1, 'There is no run with the id or name "zz"'],
  [["show", "run_zz"], 1, "`baton runs` lists them"],
  [["show", "ship", "bild"], 1, 'did you mean "build"'],
  [["logs", "ship", "bild"], 1, 'did you mean "build"'],
  [["run", "zz"], 2, "There is no file and no run zz"],
  [["run", "zz.yaml"], 2, "There is no file zz.yaml"],
  [["failed", "lst"], 2, 'Unknown command failed lst (did you mean "list"?)'],
  [["approve", "zz"], 1, 'No question is open for "zz"'],
  [["cancel"], 2, "missing required argument 'run'"],
  [["graph", "--svg", "--dot"], 2, "cannot be used with"],
])("%j is refused with the way on", async (args, code, said) => {
  const refused = await baton(place().fixture, args);
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code, stdout: "" });
  expect(refused.stderr).toContain(said);
});

test("a failed task that is tried again is told by runs, show and status, and what needs it", async () => {
  const { fixture } = place();
  const run = await detached("flaky.yaml");
  const claim = await batonJson(fixture, ["call", "claim_task", "--run", run]);
  const { task, lease } = claim as { task: { id: string }; lease: { token: number } };
  const held = ["--task", task.id, "--token", String(lease.token)];
  await text("call", "fail_task", ...held, "--error", '{"type":"exit_1","message":"no net"}');
  const retrying = /once.* retrying in \d+ (?:s|min).* after exit_1: no net/;
  expect(await text("runs")).toMatch(new RegExp(`${run} +flaky +running +0 of 2, 1 retrying`));
  expect(await text("show", run)).toMatch(retrying);
  expect(await text("show", run)).toMatch(/after +pending +needs once/);
  expect(await text("status")).toMatch(retrying);
  expect(await text("show", run, "once")).toMatch(/retrying in/);
});

test("the beginning of several ids is refused with these ids", async () => {
  const [one, other] = [await detached("waits.yaml"), await detached("waits.yaml")];
  const { code, stderr } = await baton(place().fixture, ["cancel", "run_1"]);
  expect(code).toBe(2);
  for (const id of [one, other]) expect(stderr).toContain(id);
});
