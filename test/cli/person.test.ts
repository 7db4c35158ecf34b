import { writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  baton,
  type CommandLineFixture,
  MAIN,
  quoted,
  startCommandLineFixture,
  startOnTerminal,
} from "../support/servers/command-line.js";
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
  const { run } = task;
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
