import { existsSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { connectClient } from "../support/servers/client.js";
import { startCommandLineFixture, startOnTerminal, withSecret } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { until } from "../support/until.js";

/** The control with which each drawing begins. */
const HOME = "\u001B[H";
const SIZE = { columns: 100, rows: 30 };
const STEPS = [
  { key: "gate", kind: "human", ask: "Ship it?" },
  { key: "api", prompt: "p", files: { write: ["src/api.ts"] }, retry: { max_attempts: 1 } },
];

/** A run that asks a person, and an agent that holds its other task. */
async function withQuestion() {
  const fixture = withSecret(startCommandLineFixture());
  const agent = await connectClient({ database: fixture.database, cwd: fixture.cwd, clientName: "worker" });
  const { run } = await agent.call("execute_workflow", { definition: { name: "plan", steps: STEPS } });
  const { task, lease } = await agent.call("claim_task", { run: run.id, agent: "ann" });
  const held = { agent: "ann", task: task!.id, token: lease!.token };
  return { fixture, agent, run: run.id, held };
}

test("baton status --line counts what runs and what needs a person in one line", async () => {
  const { fixture } = await withQuestion();
  expect((await baton(fixture, ["status", "--line"])).stdout).toBe(
    "baton 1 run · 1 running, 0 ready · 1 at work · 1 for you\n",
  );
  expect(await batonJson(fixture, ["status", "--line"])).toMatchObject({ runs: 1, questions: 1, failed: 0 });
});

test("baton watch without a terminal says what to call there", async () => {
  const refused = await baton(startCommandLineFixture(), ["watch"]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("baton status --line")]);
});

describe.skipIf(!existsSync("/usr/bin/script") || process.platform !== "linux")("baton watch at a terminal", () => {
  test("shows what needs a person, what runs and which files are held, follows other processes, decides and replays", async () => {
    const { fixture, agent, run, held } = await withQuestion();
    const started = startOnTerminal(fixture, ["watch"], SIZE);
    const type = (keys: string) => void started.child.stdin!.write(keys);
    let seen = 0;
    // The screen is drawn as a whole each time: what comes after the last drawing that was looked at.
    const shows = (text: string) =>
      until(`the screen shows ${text}: ${started.stdout().slice(-3_000)}`, () => {
        const at = stripVTControlCharacters(started.stdout()).indexOf(text, seen);
        if (at === -1) return false;
        seen = at + text.length;
        return true;
      });
    await shows("Needs you: 1");
    await shows("> gate asks: Ship it?");
    await shows("ann: api");
    await shows("ann holds src/api.ts");
    type("\r");
    await shows("Type a letter");
    type("a\n");
    await shows("Needs you: nothing");
    await agent.call("fail_task", { ...held, error: { type: "broken", message: "no compiler" } });
    await shows("> api failed");
    await shows("no compiler");
    type("p");
    await shows("api is tried again");
    type("q");
    const { code } = await started.ended;
    expect(code).toBe(0);
    const { running, ready } = await agent.query("get_run", { run });
    expect([...running, ...ready].map(({ key }) => key)).toEqual(["api"]);
  });

  test("keeps what is chosen in sight, and chosen while what stands above it is decided elsewhere", async () => {
    const fixture = withSecret(startCommandLineFixture());
    const agent = await connectClient({ database: fixture.database, cwd: fixture.cwd, clientName: "worker" });
    const steps = ["g1", "g2", "g3", "g4", "g5"].map((key) => ({ key, kind: "human", ask: `Pass ${key}?` }));
    await agent.call("execute_workflow", { definition: { name: "gates", steps } });
    const started = startOnTerminal(fixture, ["watch"], { columns: 80, rows: 6 });
    /** The screen as it was drawn last. */
    const lines = () => stripVTControlCharacters(started.stdout().split(HOME).at(-1)!).split("\n");
    const shows = (text: string) =>
      until(`the screen shows ${text}`, () => lines().some((line) => line.startsWith(text)));
    await shows("> g1 asks");
    expect(lines().some((line) => line.includes("g5 asks"))).toBe(false);
    started.child.stdin!.write("jjj");
    await shows("> g4 asks");
    const { escalations } = await agent.query("list_escalations", {});
    const first = escalations.find(({ ask }) => ask === "Pass g1?")!;
    const decision = ["--id", first.id, "--decision", "approved"];
    expect((await baton(fixture, ["call", "decide_escalation", ...decision])).code).toBe(0);
    await until("the decided one is gone", () => !lines().some((line) => line.includes("g1 asks")));
    await shows("> g4 asks");
    started.child.stdin!.write("j");
    await shows("> g5 asks");
    started.child.stdin!.write("q");
    expect((await started.ended).code).toBe(0);
  });
});
