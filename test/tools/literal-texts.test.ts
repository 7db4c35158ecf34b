import { describe, expect, test } from "vitest";
import { shared } from "../support/lifetime.js";
import { startApp } from "../support/servers/app.js";

const fixture = shared(() => startApp());

const PROMPT = "Set TOKEN to ${{ secrets.TOKEN }}, and ${{ leave this";

test("texts of create_task are literal: nothing is filled in, and nothing refused", async () => {
  const app = fixture();
  const output = { type: "object", properties: { a: { type: "string", description: "as ${{ x }}" } } };
  const title = "Mend ${{ run.id }}";
  const { task } = await app.call("create_task", { prompt: PROMPT, title, output, criteria: ["has ${{ y }}"] });
  expect(task.title).toBe(title);
  const claim = await app.call("claim_task", { run: task.run, agent: "ann" });
  expect(claim.task?.id).toBe(task.id);
  expect(JSON.stringify(claim)).toContain(JSON.stringify(PROMPT));
  expect(claim.task).toMatchObject({ criteria: ["has ${{ y }}"] });
  const { task: held } = await app.call("get_task", { task: task.id });
  expect(held.title).toBe(title);
});

describe("a text of a workflow that only looks like an expression", () => {
  const steps = (prompt: string) => ({ name: "w", steps: [{ key: "a", prompt }] });

  test("is written as the refusal of an unknown name says", async () => {
    const app = fixture();
    const refused = await app.call("validate_workflow", { definition: steps("Use ${{ secrets.TOKEN }}") });
    expect(refused.problems).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /unknown name "secrets".*; a text that only looks like an expression begins with \$\{\{ '\$\{\{' \}\}$/,
        ) as string,
      }),
    ]);
    const { run } = await app.call("execute_workflow", {
      definition: steps("Use ${{ '${{' }} secrets.TOKEN }} of ${{ run.name }}"),
    });
    const claim = await app.call("claim_task", { run: run.id, agent: "ben" });
    expect(JSON.stringify(claim)).toContain('"Use ${{ secrets.TOKEN }} of w"');
  });
});

test("a duration without a unit that is less than a second is warned of, when it is checked and when it starts", async () => {
  const app = fixture();
  const definition = {
    name: "units",
    defaults: { timeouts: { heartbeat: 45 } },
    steps: [
      { key: "a", prompt: "x", timeouts: { start_to_close: 30, schedule_to_start: "30ms", schedule_to_close: 90_000 } },
      { key: "b", kind: "wait", for: 5 },
      { key: "c", prompt: "x", deadline: 60 },
    ],
    deadline: 90,
  };
  const expected = [
    "deadline: 90 without a unit is 90 milliseconds: write 90s for seconds, or 90ms if it is meant",
    "defaults: timeouts.heartbeat: 45 without a unit is 45 milliseconds: write 45s for seconds, or 45ms if it is meant",
    "a: timeouts.start_to_close: 30 without a unit is 30 milliseconds: write 30s for seconds, or 30ms if it is meant",
    "b: for: 5 without a unit is 5 milliseconds: write 5s for seconds, or 5ms if it is meant",
    "c: deadline: 60 without a unit is 60 milliseconds: write 60s for seconds, or 60ms if it is meant",
  ];
  expect((await app.call("validate_workflow", { definition })).warnings).toEqual(expected);
  expect((await app.call("execute_workflow", { definition })).warnings).toEqual(expected);
});

test("keys without effect on the kind of their step are warned of", async () => {
  const { call } = fixture();
  const definition = {
    name: "idle",
    defaults: { retry: { max_attempts: 2 } },
    steps: [
      { key: "a", kind: "human", ask: "Ship it?", role: "boss", retry: { max_attempts: 3 } },
      { key: "b", kind: "wait", for: "5s", files: { write: ["a.ts"] }, priority: "high" },
      { key: "c", prompt: "x", role: "writer", files: { write: ["a.ts"] }, retry: { max_attempts: 3 } },
    ],
  };
  const expected = [
    "a: role, retry have no effect on a human step, which no agent claims",
    "b: files has no effect on a wait step, which no agent claims",
  ];
  const told = (warnings: readonly string[] = []) => warnings.filter((one) => one.includes("no effect"));
  expect(told((await call("validate_workflow", { definition })).warnings)).toEqual(expected);
  expect(told((await call("execute_workflow", { definition })).warnings)).toEqual(expected);
});

describe("a result given as its JSON text", () => {
  const RESULT = { passed: 3 };

  test("is what the output schema asks for, and the same call again gets the same answer", async () => {
    const app = fixture();
    const output = { type: "object", required: ["passed"], properties: { passed: { type: "integer" } } };
    const { task } = await app.call("create_task", { title: "t", prompt: "p", output });
    const { lease } = await app.call("claim_task", { run: task.run, agent: "cat" });
    const call = { task: task.id, token: lease!.token };
    await expect(app.call("complete_task", { ...call, agent: "cat", result: '{"passed": "3"}' })).rejects.toThrow(
      /passed/,
    );
    for (let at = 0; at < 2; at++) {
      const done = await app.call("complete_task", { ...call, agent: "cat", result: JSON.stringify(RESULT) });
      expect(done.task.status).toBe("succeeded");
    }
    expect((await app.call("get_task", { task: task.id, include: ["result"] })).result).toEqual(RESULT);
  });

  test("stays a text where a text fits, or where nothing is asked for", async () => {
    const app = fixture();
    for (const output of [{ type: ["string", "object"] }, undefined]) {
      const { task } = await app.call("create_task", { title: "t", prompt: "p", ...(output && { output }) });
      const { lease } = await app.call("claim_task", { run: task.run, agent: "cat" });
      await app.call("complete_task", { task: task.id, token: lease!.token, agent: "cat", result: '{"passed":3}' });
      expect((await app.call("get_task", { task: task.id, include: ["result"] })).result).toBe('{"passed":3}');
    }
  });
});
