import { expect, test } from "vitest";
import { loadConfig } from "../../src/config.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

const told = (...events: string[]) => ({ BATON_NOTIFICATIONS: JSON.stringify({ desktop: { events } }) });

test.each([
  ["run.finish", 'desktop.events.1 .*: no event has the type "run.finish" .did you mean "run.finished"'],
  ["budgets.*", 'did you mean "budget.\\*"'],
  ["task_succeeded", 'did you mean "task.succeeded"'],
  ["question", 'did you mean "questions"'],
  ["task.", 'did you mean "task.\\*"'],
  ["Everything!", "or all of a kind: access.\\*, .*task.\\*"],
])("a target's type %s, which no event has, is refused with its place and what may have been meant", (type, said) => {
  const load = () => loadConfig({ flags: {}, env: told("questions", type), cwd: temporaryDirectory() });
  expect(load).toThrow(new RegExp(said));
});

test("a target may be told of each kind, of a type and of questions", () => {
  const env = told("questions", "workflow_completed", "task.*", "escalation.decided");
  const { notifications } = loadConfig({ flags: {}, env, cwd: temporaryDirectory() });
  expect(notifications[0]?.events).toEqual(["questions", "run.finished", "task.*", "escalation.decided"]);
});

test("baton notifications ends with the mistake", async () => {
  const ann = startCommandLineFixture({ env: told("run.finish") });
  const { code, stderr } = await baton(ann, ["notifications"]);
  expect(stderr).toContain('did you mean "run.finished"');
  expect(code).not.toBe(0);
});
