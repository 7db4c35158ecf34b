import { describe, expect, test } from "vitest";
import { renderResult } from "../../src/dispatch/render.js";
import { startApp } from "../support/servers/app.js";

async function windowOf(contents: readonly string[]) {
  const { call, callUnchecked } = await startApp();
  for (const content of contents) await call("add_context", { role: "user", content, compact: false });
  return { call, answer: await callUnchecked("get_context", { max_tokens: 24_000 }) };
}

/** A call as the text of an answer shows it. */
function argumentsOf(text: string): { window: string } & Record<string, unknown> {
  return JSON.parse(/get_context (\{.*?\})/.exec(text)?.[1] ?? "{}") as { window: string };
}

describe("the text of a window", () => {
  test("has each message whole, however long they are together", async () => {
    const { answer } = await windowOf(
      Array.from({ length: 30 }, (_, n) => `${n} begins. ${"word ".repeat(200)}${n} ends.`),
    );
    const { text } = renderResult(answer);
    for (let n = 0; n < 30; n++) expect(text).toContain(`${n} begins. ${"word ".repeat(200)}${n} ends.`);
    expect(text).not.toContain("more characters");
    expect(renderResult({ result: answer }).text).toContain("0 begins. word");
  });

  test("has the newest messages where not all have room, and names the call that reads those before them", async () => {
    const { call, answer } = await windowOf(
      Array.from({ length: 100 }, (_, n) => `${n} begins. ${"extraordinary ".repeat(80)}`),
    );
    const { text } = renderResult(answer);
    expect(Buffer.byteLength(text)).toBeLessThan(90_000);
    expect(text).toContain("99 begins. extraordinary");
    expect(text).not.toMatch(/^ +0 begins/mu);
    const lacks = Number(/lacks (\d+) older messages/.exec(text)?.[1]);
    expect(lacks).toBeGreaterThan(10);
    const before = await call("get_context", argumentsOf(text));
    expect(before.messages.at(-1)?.content).toMatch(new RegExp(`^${lacks - 1} begins`));
  });

  test("has the beginning of a newest message that has no room, and names the call that reads it in parts", async () => {
    const { call, answer } = await windowOf([`a${" extraordinary".repeat(20_000)}`]);
    const { text } = renderResult(answer);
    expect(Buffer.byteLength(text)).toBeLessThan(90_000);
    expect(text).toContain("content: a extraordinary");
    const part = await call("get_context", argumentsOf(text));
    expect(part.messages[0]?.content).toMatch(/^a extraordinary/);
    expect(part.next_offset).toBeGreaterThan(1_000);
  });
});
