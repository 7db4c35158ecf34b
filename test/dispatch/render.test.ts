import { describe, expect, test } from "vitest";
import { BatonError } from "../../src/base/errors.js";
import { InternalError } from "../../src/dispatch/dispatch.js";
import { renderError, renderResult, TEXT_BYTES_MAX } from "../../src/dispatch/render.js";

const line = (n: number) => ({
  id: `task_${n}`,
  key: `k${n}`,
  title: `Do thing ${n}`,
  status: "ready",
  priority: "normal",
});

test("an error tells each problem once, in its message or beside it", () => {
  const problems = [
    { path: "a", message: '"a" is missing.' },
    { path: "b", message: "told nowhere else" },
  ];
  const error = new BatonError("invalid_input", 'Nothing was done: "a" is missing.', {
    details: { problems, run: "r" },
  });
  const { text, structuredContent } = renderError(error);
  expect(text.match(/"a" is missing/g)).toHaveLength(1);
  expect(text).toContain("told nowhere else");
  expect(structuredContent).toMatchObject({ error: { details: { problems } } });
  const all = new BatonError("invalid_input", '"a" is missing.', { details: { problems: problems.slice(0, 1) } });
  expect(renderError(all).text).toBe('invalid_input: "a" is missing.');
});

describe("a result", () => {
  test("does not tell of an offered lock after a wait in which none was offered", () => {
    const events = [{ type: "message.sent", data: { subject: "hello" } }];
    const { text } = renderResult({ events, next: [{ tool: "read_messages", arguments: {} }] });
    expect(text).not.toContain("not locked yet");
    expect(text).toContain("read_messages");
  });

  test("is complete data, and short lines of the same", () => {
    const result = {
      run: { id: "run_1", status: "running", progress: 12.5, counts: { total: 3, ready: 2 } },
      ready: [line(1), line(2)],
      blocked: [],
      note: "first\nsecond",
      absent: null,
    };
    const { structuredContent, text, isError } = renderResult(result);
    expect(isError).toBe(false);
    expect(structuredContent).toBe(result);
    expect(text).toBe(
      [
        "run:",
        "  id: run_1",
        "  status: running",
        "  progress: 12.5",
        "  counts: total 3, ready 2",
        "ready: (2)",
        "  - id task_1, key k1, title Do thing 1, status ready, priority normal",
        "  - id task_2, key k2, title Do thing 2, status ready, priority normal",
        "blocked: none",
        "note: |",
        "  first",
        "  second",
      ].join("\n"),
    );
  });

  test("above 8 KB is shortened and says where the rest is", () => {
    const result = {
      run: { id: "run_1" },
      next_cursor: "abc",
      tasks: Array.from({ length: 200 }, (_, n) => ({ ...line(n), notes: ["long ".repeat(40), "x"] })),
    };
    const { text, structuredContent } = renderResult(result);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(TEXT_BYTES_MAX);
    expect(text).toMatch(/… \d+ more/);
    expect(text).toContain("next_cursor");
    expect(text).toContain("baton://runs/run_1");
    expect((structuredContent["tasks"] as unknown[]).length).toBe(200);
  });

  test("never cuts a prompt or its criteria; results of dependencies give way", () => {
    const prompt = Array.from({ length: 1_000 }, (_, n) => `step ${n}: don't cut it`).join("\n");
    const result = {
      outcome: "claimed",
      task: {
        ...line(1),
        prompt,
        criteria: ["c".repeat(9_000), ...Array.from({ length: 60 }, (_, n) => `criterion ${n}.`), "last criterion"],
        dependencies: Array.from({ length: 30 }, (_, n) => ({
          key: `d${n}`,
          status: "succeeded",
          result: "r".repeat(3_000),
        })),
      },
      lease: { token: 7, renews: "with each call" },
    };
    const { text } = renderResult(result);
    for (const step of prompt.split("\n")) expect(text).toContain(step);
    expect(text).toContain("c".repeat(9_000));
    for (let n = 0; n < 60; n++) expect(text).toContain(`criterion ${n}.`);
    expect(text).toContain("last criterion");
    const whole = Buffer.byteLength(prompt) + 1_000 * 9 + 12_000 + 30 * 250;
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(TEXT_BYTES_MAX + whole);
    expect(text.split("\n")[0]).toBe(
      "You hold task task_1 with token 7; its lease renews with each call. End it with complete_task, fail_task or release_task.",
    );
  });

  test("begins with the order to stop, and names no other way to end a cancelled task", () => {
    const lease = { token: 1, expires_at: "2026-01-01T00:00:00Z", renews: "by each call" };
    expect(renderResult({ orders: "cancel_requested", lease }).text).toMatch(/^Stop now \(cancel_requested\)/);
    expect(renderResult({ orders: "continue", lease }).text).toMatch(/^orders: continue/);
    const next = [{ tool: "release_task", arguments: { task: "t", token: 1 } }];
    const claim = { outcome: "claimed", resumed: true, note: "Stop now: …", task: line(1), lease, next };
    const { text } = renderResult(claim);
    expect(text).toMatch(/^Stop now: … You still hold task task_1 with token 1; its lease renews by each call\.\n/);
    expect(text).not.toContain("complete_task");
  });

  test("shows the next calls ready to be made", () => {
    const next = [{ tool: "complete_task", arguments: { task: "task_1", token: 7, result: { a: [1] } } }];
    expect(renderResult({ next }).text).toBe(
      'next: (1)\n  - complete_task {"task":"task_1","token":7,"result":{"a":[1]}}',
    );
  });

  test("of no shape at all stays within its bound", () => {
    const { text } = renderResult({
      deep: Array.from({ length: 3 }, () => ({ a: "ü".repeat(30_000) })),
      wide: Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`key_${n}`, "v".repeat(50)])),
    });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(TEXT_BYTES_MAX);
    expect(text).not.toContain("\uFFFD");
  });
});

describe("an error", () => {
  test("says what happened, the state as it is, when to come again, and the exact next call", () => {
    const error = new BatonError("stale_token", "Task t is held by b.", {
      details: { held_by: "b", token: 4 },
      retry: { after_ms: 200 },
      next: [{ tool: "claim_task", arguments: { run: "run_1" } }],
    });
    expect(renderError(error)).toEqual({
      isError: true,
      structuredContent: {
        error: {
          code: "stale_token",
          message: "Task t is held by b.",
          details: { held_by: "b", token: 4 },
          retry: { after_ms: 200 },
          next: [{ tool: "claim_task", arguments: { run: "run_1" } }],
        },
      },
      text: 'stale_token: Task t is held by b.\nstate: held_by b, token 4\nretry: in 200 ms\nnext: claim_task {"run":"run_1"}',
    });
  });

  test("that is a bug tells its id and nothing of its cause", () => {
    const { text, structuredContent } = renderError(new InternalError("request_1", new Error("secret")));
    expect(text).toContain("request_1");
    expect(`${text}${JSON.stringify(structuredContent)}`).not.toContain("secret");
    expect(structuredContent).toMatchObject({ error: { code: "internal", retry: "never", next: [] } });
  });
});
