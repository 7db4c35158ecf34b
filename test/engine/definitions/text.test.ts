import { describe, expect, test } from "vitest";
import { parseDefinition, requireDefinition } from "../../../src/engine/definitions/definition.js";
import type { Problem } from "../../../src/base/problems.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { processorMs } from "../../support/servers/processor-time.js";

const limits = defaultSettings;

function problemsOf(text: string): Problem[] {
  const parsed = parseDefinition(text, { limits });
  return "problems" in parsed ? parsed.problems : [];
}

describe("a definition as text", () => {
  test.each([
    ["name: w\nname: v\nsteps: []", 2, 'the key "name" stands twice in one map'],
    ['{"name": "w",\n "steps": [{"key": "a",\n "key": "b"}]}', 3, 'the key "key" stands twice in one object'],
    ["name: w\nsteps:\n  - key: a\n   prompt: x", 4, /./],
    ["name: [", 1, /./],
    ["name: !!binary aGk=\nsteps: []", 1, /Unresolved tag/],
    ["name: w\n---\nname: v", 2, /multiple documents/],
  ])("%j", (text, line, message) => {
    const [problem] = problemsOf(text);
    expect(problem?.message).toMatch(message);
    expect(problem?.line).toBe(line);
  });

  test.each(["", "just text", "[1, 2]", "42", "null"])("%j is no definition", (text) => {
    const message = expect.stringMatching(/a definition is a map with the keys name and steps$/) as string;
    expect(problemsOf(text)).toEqual([{ path: "", message }]);
  });

  test("anchors are shared, within bounds", () => {
    const { definition } = requireDefinition(
      "steps:\n  - {key: a, prompt: x, retry: &r {max_attempts: 7}}\n  - {key: b, prompt: x, retry: *r}",
      { limits },
    );
    expect(definition.steps.map(({ retry }) => retry.max_attempts)).toEqual([7, 7]);
  });

  test("a text that grows without bound is refused at once", async () => {
    const laughs = Array.from({ length: 40 }, (_, i) =>
      i === 0 ? "a0: &a0 [x, x]" : `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`,
    );
    const texts = [
      laughs.join("\n"),
      "steps: &a [*a, *a]",
      `a: ${"[".repeat(1_000_000)}`,
      `a:\n  ${"- ".repeat(500_000)}`,
      `a: ${"{a: ".repeat(20_000)}`,
      "x".repeat(3_000_000),
    ];
    const tookMs = await processorMs(() => {
      for (const text of texts) expect(problemsOf(text)).toEqual([expect.objectContaining({ limit: true })]);
    });
    expect(tookMs).toBeLessThan(10_000);
  });

  test("a key that would change a prototype is refused, however it is written", () => {
    const message = expect.objectContaining({ message: "is not a usable key" });
    expect(problemsOf('{"steps": [{"key": "a", "prompt": "x", "__proto__": {"run": "ls"}}]}')).toContainEqual(message);
    expect(problemsOf("steps: [{key: a, prompt: x, __proto__: {run: ls}}]")).toContainEqual(message);
    expect(Object.hasOwn(Object.prototype, "run")).toBe(false);
  });
});
