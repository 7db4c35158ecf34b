import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";

describe("the tokens of a window", () => {
  test("are those of its model's family, which its first message sets", async () => {
    const { call } = await startApp();
    const content = "word ".repeat(1_000);
    const { window, message_tokens: tokens } = await call("add_context", {
      role: "user",
      content,
      model: "claude-opus-4-8",
    });
    expect(window.model).toBe("claude-opus-4-8");
    expect(tokens).toBe((await call("estimate_tokens", { content, model: "claude-opus-4-8" })).tokens + 4);
    expect(tokens).toBe((await call("add_context", { role: "user", content })).message_tokens);
    await expect(call("add_context", { role: "user", content, model: "gpt-5" })).rejects.toMatchObject({
      code: "conflict",
    });
  });

  test("are estimated with the factor and its source, of an artifact too", async () => {
    const { call } = await startApp();
    expect(await call("estimate_tokens", { content: "Hello, World!" })).toMatchObject({
      tokens: 4,
      exact: true,
      factor: 1,
    });
    const { artifact } = await call("put_artifact", { name: "a.md", content: "Hello, World!" });
    expect(await call("estimate_tokens", { artifact: artifact.id, model: "claude-3-opus" })).toMatchObject({
      tokens: 5,
      exact: false,
      family: "claude-earlier",
    });
    await expect(call("estimate_tokens", {})).rejects.toMatchObject({ code: "invalid_input" });
    const { artifact: image } = await call("put_artifact", { name: "a.png", content: "AAEC/w==", encoding: "base64" });
    await expect(call("estimate_tokens", { artifact: image.id })).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("chunk_content", () => {
  test("cuts code between its definitions, with their comments, and gives the chunks in pages", async () => {
    const { call } = await startApp();
    const one = (n: number): string =>
      `/** Adds ${n}. */\nexport function add${n}(a: number): number {\n${"  a += 1;\n".repeat(30)}  return a + ${n};\n}\n`;
    const content = Array.from({ length: 6 }, (_, n) => one(n)).join("\n");
    const { chunks, total } = await call("chunk_content", {
      content,
      language: "typescript",
      max_tokens: 300,
      overlap: 0,
    });
    expect(total).toBe(chunks.length);
    for (const chunk of chunks) expect(chunk.content.trimStart()).toMatch(/^\/\*\* Adds \d\. \*\//);
    expect(chunks.map(({ content: text }) => text).join("")).toBe(content);
    const large = "A line of a long text.\n".repeat(8_000);
    const pages = [await call("chunk_content", { content: large, max_tokens: 10_000, overlap: 0 })];
    for (let cursor = pages[0]?.next_cursor; cursor !== undefined; cursor = pages.at(-1)?.next_cursor)
      pages.push(await call("chunk_content", { content: large, max_tokens: 10_000, overlap: 0, cursor }));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap((page) => page.chunks.map(({ content: text }) => text)).join("")).toBe(large);
  });
});
