import { expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { Crew } from "../support/fixtures/plan.js";
import { baton } from "../support/servers/in-process.js";

const EVIL = "\u001b[2J\u009b31m\u202egnp\u202c\u0007\r\u{E0041}\u200b";
const RAW =
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u{E0000}-\u{E007F}]/u;

test("no command writes a control character, an override or a tag that came from a workflow, a result or an agent", async () => {
  const fixture = startCommandLineFixture();
  const app = await startApp({ database: fixture.database, cwd: fixture.cwd, channel: "human" });
  await app.call("create_project", { name: "p", description: EVIL });
  const crew = new Crew(app);
  const { run } = await crew.start(
    [
      { key: "ask", kind: "human", ask: `May I ${EVIL}?`, title: EVIL },
      { key: "fails", title: EVIL, prompt: EVIL, retry: { max_attempts: 1 } },
      { key: "cel", title: '${{ "\\u001b[2J" }}', prompt: "x", needs: ["done"] },
      { key: "done", prompt: "x" },
    ],
    { project: "p", description: EVIL, inputs: { data: { type: "string" } }, given: { data: EVIL } },
  );
  for (let held = 0; held < 2; held++) {
    const task = await crew.take("ann", { run: run.id });
    const error = { type: "broken", message: EVIL };
    if (task.key === "fails") await crew.fail(task, "broken", { error, partial_result: { [EVIL]: EVIL } });
    else await crew.complete(task, { [EVIL]: [EVIL] });
  }
  const [dead] = (await app.call("list_dead_letters", { run: run.id })).dead_letters;
  const { tasks } = await app.call("list_tasks", { run: run.id });
  const commands = [
    ["status"],
    ["orchestration", "status"],
    ["project", "list"],
    ["dead-letters", "list"],
    ["dead-letters", "show", dead!.id],
    ["run", run.id, "--timeout", "1"],
    ["call", "list_escalations"],
    ["call", "list_events", "--run", run.id],
    ["call", "get_run", "--run", run.id],
    ["call", "get_run_graph", "--run", run.id],
    ...tasks.map(({ id }) => ["call", "get_task", "--task", id, "--include", "result", "--include", "history"]),
  ];
  for (const command of commands) {
    for (const args of [command, [...command, "--json"]]) {
      const { stdout, stderr } = await baton(fixture, args);
      expect({ args, raw: RAW.exec(stdout + stderr)?.[0] }).toEqual({ args, raw: undefined });
    }
  }
  const { stdout } = await baton(fixture, ["call", "get_run", "--run", run.id, "--json"]);
  expect((JSON.parse(stdout) as { run: { inputs: unknown } }).run.inputs).toEqual({ data: EVIL });
});
