import { expect, test } from "vitest";
import { connectClient, type TestClient } from "../support/servers/client.js";
import {
  baton as batonProcess,
  type CommandLineFixture,
  startCommandLineFixture,
} from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

/** A fixture whose run has three permanently failed tasks, with one behind each. */
async function withDeadLetters(): Promise<{
  fixture: CommandLineFixture;
  agent: TestClient;
  idOf: (key: string) => string;
  run: string;
}> {
  const fixture = startCommandLineFixture();
  const steps = ["a", "b", "c"].flatMap((key) => [
    { key, prompt: `Do ${key}.`, retry: { max_attempts: 1 } },
    { key: `after-${key}`, needs: [key], prompt: "Go on." },
  ]);
  const agent = await connectClient({ database: fixture.database, cwd: fixture.cwd, clientName: "worker" });
  const { run } = await agent.call("execute_workflow", { definition: { name: "plan", steps } });
  for (let failed = 0; failed < 3; failed++) {
    const { task, lease } = await agent.call("claim_task", { run: run.id, agent: "ann" });
    const error = { type: "broken", message: `no ${failed}` };
    await agent.call("fail_task", { agent: "ann", task: task!.id, token: lease!.token, error });
  }
  const { dead_letters: deadLetters } = await agent.query("list_dead_letters");
  return { fixture, agent, run: run.id, idOf: (key) => deadLetters.find(({ task }) => task.key === key)?.id ?? "none" };
}

test("dead letters are listed and shown to a person", async () => {
  const { fixture, idOf, run } = await withDeadLetters();
  const { stdout: list } = await baton(fixture, ["dead-letters", "list", "--run", run]);
  expect(list.split("\n")[0]).toMatch(/^ID +TASK +RUN +SINCE +NEXT RETRY +ERROR$/);
  expect(list).toMatch(new RegExp(`${idOf("b")} +b +${run} .* - +broken: no 1`));

  const { stdout: shown } = await baton(fixture, ["dead-letters", "show", idOf("a")]);
  expect(shown).toMatch(/^a \(a, from \S+\) of run_\w+ is pending since 20/);
  expect(shown).toMatch(/broken: no 0\n +prompt:\n +Do a\.\n +attempts:\n +1\. ann, 20.*: no 0\n +1 task waits for it/);

  expect((await baton(fixture, ["dead-letters", "list", "--status", "discarded"])).stdout).toBe(
    "No failed tasks are discarded.\n",
  );
});

test("dead letters are replayed with changes, resolved and discarded by a person", async () => {
  const { fixture, agent, idOf, run } = await withDeadLetters();
  const replayed = await batonProcess(fixture, [
    "dead-letters",
    "replay",
    idOf("a"),
    "--prompt",
    "Do it otherwise.",
    "--input",
    "n=5",
  ]);
  expect(replayed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^a replayed: it is ready, its run .* running/),
  });
  const { task } = await agent.call("claim_task", { run, agent: "ben" });
  expect(task).toMatchObject({ key: "a", prompt: "Do it otherwise.", inputs: { n: 5 } });

  const args = ["dead-letters", "resolve", idOf("b"), "--notes", "by hand", "--result", '{"n":1}'];
  expect((await baton(fixture, args)).stdout).toMatch(/^b resolved: it is succeeded, .*ready now: after-b/);
  const discarded = await baton(fixture, ["dead-letters", "discard", idOf("c"), "--notes", "no use"]);
  expect(discarded.stdout).toBe("c discarded: it stays failed\n");
  const { stdout: closed } = await baton(fixture, ["dead-letters", "--json", "show", idOf("c")]);
  const { dead_letter: deadLetter } = JSON.parse(closed) as { dead_letter: { closed_at: string } };
  const { stdout: shown } = await baton(fixture, ["dead-letters", "show", idOf("c")]);
  expect(shown).toContain(`is discarded since ${deadLetter.closed_at}`);
  expect(shown).toContain("closed by anna: no use");
});

test("invalid actions are refused with a sentence and an exit code", async () => {
  const { fixture, idOf } = await withDeadLetters();
  await baton(fixture, ["dead-letters", "discard", idOf("a"), "--notes", "no"]);
  const again = await batonProcess(fixture, ["dead-letters", "replay", idOf("a")]);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is discarded") });
  expect(await baton(fixture, ["dead-letters", "show", "dead_x"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("There is no dead letter dead_x"),
  });
  expect(await baton(fixture, ["dead-letters", "resolve", idOf("b")])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--notes"),
  });
});

test("`baton letters` and `baton dead-letters` are other names of `baton failed`", async () => {
  const { fixture, idOf } = await withDeadLetters();
  const { stdout } = await baton(fixture, ["letters", "list"]);
  expect(stdout).toContain(idOf("a"));
  expect(stdout).toBe((await baton(fixture, ["dead-letters", "list"])).stdout);
  expect((await baton(fixture, ["--help"])).stdout).toContain("failed|dead-letters");
});
