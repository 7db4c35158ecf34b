import { readFileSync, statSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  baton,
  type CommandLineFixture,
  MAIN,
  quoted,
  secretFileOf,
  startCommandLineFixture,
  startOnTerminal,
  withSecret,
} from "../support/servers/command-line.js";
import { personAt } from "../support/servers/at-terminal.js";
import { batonJson } from "../support/servers/in-process.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { resultOf } from "../support/servers/result-of.js";

const SIZE = { columns: 200, rows: 24 };

/** A run that asks a person, and the words that decide. */
async function asked(): Promise<{ fixture: CommandLineFixture; run: string; decide: string[] }> {
  const cwd = temporaryDirectory();
  execFileSync("git", ["init", "--quiet", cwd]);
  const fixture = startCommandLineFixture({ cwd });
  writeFileSync(path.join(cwd, "ask.yaml"), "name: ask\nsteps:\n  - { key: ask, kind: human, ask: Go? }\n");
  await batonJson(fixture, ["run", "ask.yaml", "--detach"]);
  const { escalations } = resultOf("list_escalations", await batonJson(fixture, ["call", "list_escalations"]));
  const { id, task } = escalations[0]!;
  const { run } = task!;
  return { fixture, run, decide: ["call", "decide_escalation", "--id", id, "--decision", "approved"] };
}

async function eventsOf(fixture: CommandLineFixture, run: string) {
  const list = ["call", "list_events", "--run", run];
  const { events } = resultOf("list_events", await batonJson(fixture, list));
  return events.filter(({ type }) => type === "task.decided");
}

describe.skipIf(process.platform !== "linux")("a person at a terminal", () => {
  test("decides, in an editor's terminal too, and the history says from where", async () => {
    const { fixture, run, decide } = await asked();
    const editor = { ...fixture, env: { ...fixture.env, TERM_PROGRAM: "vscode", CURSOR_TRACE_ID: "1" } };
    expect((await startOnTerminal(editor, decide, SIZE).ended).code).toBe(0);
    expect(await eventsOf(fixture, run)).toMatchObject([
      {
        agent: "anna",
        data: {
          decision: "approved",
          channel: "human",
          tty: expect.stringContaining("/dev/pts/") as string,
          ancestry: expect.arrayContaining(["script"]) as string[],
        },
      },
    ]);
  });

  test.each(["CLAUDECODE", "CODEX_SANDBOX", "GEMINI_CLI"])(
    "is no assistant that has made a terminal: %s",
    async (name) => {
      const { fixture, run, decide } = await asked();
      const assistant = { ...fixture, env: { ...fixture.env, [name]: "1" } };
      const { code, stdout } = await startOnTerminal(assistant, decide, SIZE).ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining(`${name} is set`) as string });
      expect(await eventsOf(fixture, run)).toEqual([]);
    },
  );

  test("decides by their secret alone once one is set, from any terminal, and it is kept as a hash", async () => {
    const { fixture, run, decide } = await asked();
    // Each answer is typed when it is asked for.
    const typed = async (text: string, args: readonly string[], env: Record<string, string> = {}) => {
      const started = startOnTerminal({ ...fixture, env: { ...fixture.env, ...env } }, args, SIZE);
      for (const [answered, line] of text.split("\n").entries()) {
        const prompts = () => started.stdout().match(/(?:secret|Secret|Again): /g)?.length ?? 0;
        await expect
          .poll(() => prompts() > answered || started.child.exitCode !== null, { timeout: 20_000 })
          .toBe(true);
        started.child.stdin!.write(`${line}\n`);
      }
      return started.ended;
    };
    expect((await typed("correct horse\ncorrect horse", ["secret"], { CLAUDECODE: "1" })).code).toBe(1);
    const set = await typed("correct horse\ncorrect horse", ["secret"]);
    expect(set).toMatchObject({ code: 0, stdout: expect.stringContaining("asks for the secret") as string });
    const file = secretFileOf(fixture);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain("horse");

    const wrong = await typed("wrong horse", decide);
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining("not the secret") as string });
    expect((await baton(fixture, decide)).code).toBe(1);
    expect(await eventsOf(fixture, run)).toEqual([]);
    expect((await typed("wrong horse", ["secret", "--remove"])).code).toBe(1);

    const deferred = [...decide.slice(0, -1), "deferred"];
    for (const [secret, code] of [
      ["wrong horse", 1],
      ["correct horse", 0],
    ] as const) {
      const given = { ...fixture, env: { ...fixture.env, BATON_PERSON_SECRET: secret } };
      expect((await baton(given, deferred)).code).toBe(code);
    }
    expect((await typed("correct horse", decide, { CLAUDECODE: "1" })).code).toBe(0);
    expect(await eventsOf(fixture, run)).toMatchObject([{ data: { channel: "human", proof: "secret" } }]);
  });

  test("is asked for the secret by baton run, again where it is another, and decides without leaving the run", async () => {
    const { fixture, run } = await asked();
    withSecret(fixture);
    const started = startOnTerminal(fixture, ["run", run], SIZE);
    const type = personAt(started);
    await type("[l]ater:", "maybe");
    await type("[l]ater:", "y");
    await type("Secret:", "wrong horse");
    await type("[l]ater:", "approve");
    await type("Secret:", "correct horse");
    const { code, stdout } = await started.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("ask approved") as string });
    for (const said of ["l to leave the question open.", "not the secret"]) expect(stdout).toContain(said);
    expect(stdout).not.toContain("horse");
    expect(await eventsOf(fixture, run)).toMatchObject([{ data: { channel: "human", proof: "secret" } }]);
  });

  test("is no command step that has made a terminal, whatever it takes out of its environment", async () => {
    const { fixture, run, decide } = await asked();
    const call = [process.execPath, MAIN, ...decide].map(quoted).join(" ");
    const given = ["PATH", "HOME", "BATON_DB", "BATON_AGENT"].map((name) => `${name}=${quoted(fixture.env[name]!)}`);
    const line = `env -i ${given.join(" ")} SHELL=/bin/sh script -qec ${quoted(call)} /dev/null > said || true`;
    const step = { key: "a", kind: "command", run: line };
    writeFileSync(path.join(fixture.cwd, "pretend.json"), JSON.stringify({ name: "pretend", steps: [step] }));
    expect((await baton(fixture, ["run", "pretend.json", "--allow-commands"])).code).toBe(0);
    expect(execFileSync("cat", [path.join(fixture.cwd, "said")], { encoding: "utf8" })).toContain(
      "it was started by a command step",
    );
    expect(await eventsOf(fixture, run)).toEqual([]);
  });
});
