import { describe, expect, test } from "vitest";
import { callTool } from "../../src/mcp/tool-call.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp, type TestApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

/** As clients count it, and the most that they take. */
const tokensOf = (text: string) => Buffer.byteLength(text) / 4;
const TOKENS_MAX = 24_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

async function answerOf({ dispatch }: TestApp, name: string, args: Record<string, unknown>) {
  const { content, structuredContent, isError } = await callTool(dispatch, { name, arguments: args, options: {} });
  const [part] = content;
  if (part?.type !== "text") throw new Error(`${name} answered without a text`);
  expect({ isError, text: part.text }).not.toMatchObject({ isError: true });
  expect(tokensOf(part.text)).toBeLessThan(TOKENS_MAX);
  expect(Buffer.byteLength(JSON.stringify(structuredContent))).toBeLessThan(ANSWER_BYTES_MAX);
  return { text: part.text, data: structuredContent as Record<string, unknown> };
}

async function manyTasks(app: TestApp, count: number): Promise<void> {
  await app.call("create_project", { name: "p" });
  for (let at = 0; at < count; at++) {
    await app.call("create_task", { project: "p", title: `task-${at} ${"long ".repeat(20)}`, prompt: "x" });
  }
}

describe("the text of a page", () => {
  test.each([
    ["list_tasks", (args: Record<string, unknown>) => args],
    ["query_operation", (args: Record<string, unknown>) => ({ name: "list_tasks", arguments: args })],
    ["list_tasks", (args: Record<string, unknown>) => ({ ...args, status: "ready" })],
  ])("of %s leads on from the last row that it shows", async (name, inputOf) => {
    const app = await startApp();
    await manyTasks(app, 120);
    const seen: string[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 50; pages++) {
      const { text } = await answerOf(app, name, inputOf({ limit: 200, ...(cursor !== undefined && { cursor }) }));
      seen.push(...Array.from(text.matchAll(/task-(\d+) /g), ([, at]) => at ?? ""));
      cursor = /next_cursor: (\S+)/.exec(text)?.[1];
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, at) => String(at)));
  });
});

test("locks of long paths with odd signs are read page by page, by the cursor of the text", async () => {
  const app = await startApp();
  const paths = Array.from({ length: 30 }, (_, at) => `lock-${at}/${`a b\u202e ${"é".repeat(60)}/`.repeat(7)}x`);
  await app.call("acquire_file_lock", { paths });
  const seen: string[] = [];
  for (let cursor: string | undefined, pages = 0; pages < 50; pages++) {
    const { text } = await answerOf(app, "list_file_locks", { limit: 9, ...(cursor !== undefined && { cursor }) });
    seen.push(...Array.from(text.matchAll(/path: lock-(\d+)/g), ([, at]) => at ?? ""));
    cursor = /next_cursor: (\S+)/.exec(text)?.[1];
    if (cursor === undefined) break;
  }
  expect(seen.map(Number).toSorted((a, b) => a - b)).toEqual(paths.map((_, at) => at));
});

describe("a brief", () => {
  test("with a huge prompt ends with the call that shows the rest, and the parts make up the whole", async () => {
    const app = await startApp();
    const crew = new Crew(app);
    const big = Array.from({ length: 25_000 }, (_, at) => `line ${at}`).join("\n");
    const { run } = await crew.start([
      { key: "a" },
      { key: "b", needs: ["a"], prompt: "Read ${{ steps.a.output.big }}" },
    ]);
    const a = await crew.take("ann", { run: run.id });
    await crew.complete(a, { big: big.slice(0, 230_000) });
    const { text, data } = await answerOf(app, "claim_task", { agent: "ann", run: run.id });
    const task = data["task"] as { id: string; prompt_rest: { tool: string; arguments: Record<string, unknown> } };
    expect(text).toContain(`get_task {"task":"${task.id}","include":["prompt"],"offset":`);
    let whole = (data["task"] as { prompt: string }).prompt.slice(0, Number(task.prompt_rest.arguments["offset"]));
    for (let next: unknown = task.prompt_rest.arguments["offset"]; next !== undefined;) {
      const part = (await answerOf(app, "get_task", { ...task.prompt_rest.arguments, offset: next })).data["part"];
      const { text: more, next_offset: after } = part as { text: string; next_offset?: number };
      whole += more;
      next = after;
    }
    expect(whole).toBe(`Read ${big.slice(0, 230_000)}`);
  });

  test("with 30 dependencies names the call for each result that is cut, and says how to see those that are left out", async () => {
    const app = await startApp();
    const crew = new Crew(app);
    const keys = Array.from({ length: 30 }, (_, at) => `dep-${at}`);
    const { run } = await crew.start([...keys.map((key) => ({ key })), { key: "last", needs: keys }]);
    for (const _ of keys) await crew.complete(await crew.take("ann", { run: run.id }), { text: "r".repeat(60_000) });
    const { text } = await answerOf(app, "claim_task", { agent: "ann", run: run.id });
    const named = new Set(
      Array.from(text.matchAll(/get_task \{"task":"(task_\w+)","include":\["result"\]/g), ([, id]) => id),
    );
    expect(named.size).toBeGreaterThanOrEqual(30);
  });

  test("of direction marks and control characters alone stays within the bound", async () => {
    const app = await startApp();
    const crew = new Crew(app);
    const { run } = await crew.start([
      { key: "a", prompt: "\u001b".repeat(30_000), criteria: ["\u202e".repeat(10_000)] },
    ]);
    const { text } = await answerOf(app, "claim_task", { agent: "ann", run: run.id });
    expect(text).not.toContain("\u001b");
    // Foreign text stands beside its author.
    expect(text).toMatch(/\n {2}from: \S+\n {2}prompt: \S/);
  });
});

test("a part of a result is read from any offset, between characters", async () => {
  const app = await startApp();
  const crew = new Crew(app);
  const { run } = await crew.start([{ key: "a" }]);
  const held = await crew.take("ann", { run: run.id });
  await crew.complete(held, "💥".repeat(50_000));
  const { data } = await answerOf(app, "get_task", { task: held.id, include: ["result"], offset: 0 });
  expect(data["part"]).toMatchObject({ of: "result", offset: 0, total: 100_000 });
  await expect(app.call("get_task", { task: held.id, offset: 0 })).rejects.toMatchObject({ code: "invalid_input" });
});

test("no answer of a read is larger than 4 MB, and lists of large entries go on page by page", async () => {
  const app = await startApp({ channel: "human" });
  const crew = new Crew(app);
  // 4.8 MB in each run. Three bytes a character: a bound of characters would let three times as much through.
  const text = "漢".repeat(40_000);
  const steps = Array.from({ length: 40 }, (_, at) => ({ key: `q-${at}`, kind: "human", ask: `${at} ${text}` }));
  const runs = [];
  for (let at = 0; at < 2; at++) runs.push((await crew.start(steps, { name: `w${at}` })).run.id);
  const failing = Array.from({ length: 40 }, (_, at) => ({ key: `f-${at}`, prompt: text, retry: { max_attempts: 1 } }));
  const failed = (await crew.start(failing, { name: "f" })).run.id;
  for (const _ of failing) {
    const held = await crew.take("ann", { run: failed });
    await crew.fail(held, "broken", {
      error: { type: "broken", message: text.slice(0, 2_500) },
      partial_result: { text },
    });
  }
  const reads = catalogue.all.filter(({ effect, area }) => effect === "read" && area !== "meta");
  const given = { run: failed, limit: 200, include: ["history", "result", "tasks", "failures"] };
  for (const { name, input } of reads) {
    const args = Object.fromEntries(Object.entries(given).filter(([key]) => key in input.shape));
    const { structuredContent, content } = await callTool(app.dispatch, { name, arguments: args, options: {} });
    const bytes = Buffer.byteLength(JSON.stringify(structuredContent));
    const shown = tokensOf(JSON.stringify(content));
    expect({ name, fits: bytes < ANSWER_BYTES_MAX, readable: shown < TOKENS_MAX }).toEqual({
      name,
      fits: true,
      readable: true,
    });
  }
  const asked = new Set<string>();
  for (let cursor: string | undefined, pages = 0; pages < 200; pages++) {
    const page = await app.call("list_escalations", { limit: 200, ...(cursor !== undefined && { cursor }) });
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(ANSWER_BYTES_MAX / 2);
    for (const { id } of page.escalations) asked.add(id);
    cursor = page.next_cursor;
    if (cursor === undefined) break;
  }
  expect(asked.size).toBe(80);
});
