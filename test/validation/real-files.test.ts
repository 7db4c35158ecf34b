import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ValidationIssue } from "../../src/validation/issue.js";
import { CHECKS } from "../../src/validation/validation.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

function filesOf(pattern: RegExp, ...folders: readonly string[]): string[] {
  const listed = execFileSync("git", ["ls-files", ...folders], { cwd: ROOT, encoding: "utf8" });
  return listed.split("\n").filter((file) => pattern.test(file));
}

async function issuesIn(check: string, files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    const text = readFileSync(path.join(ROOT, file), "utf8");
    const { issues } = await CHECKS[check]!({ name: file, type: "code", text, coverageMin: 80 });
    found.push(...issues.map((issue: ValidationIssue) => `${file}:${issue.line ?? "-"} ${issue.message}`));
  }
  return found;
}

describe("the files of this repository", () => {
  const code = filesOf(/\.m?[jt]s$/, "src", "scripts", "demo");

  test("come out clean where a compiler has read them", async () => {
    expect(code.length).toBeGreaterThan(400);
    expect(await issuesIn("syntax", code)).toEqual([]);
  });

  test("hold no secret", async () => {
    expect(
      await issuesIn("secrets", [...code, ...filesOf(/\.(?:md|ya?ml|json)$/, "docs", "examples", "templates")]),
    ).toEqual([]);
  });

  test("are found broken once a bracket is taken out of each", async () => {
    let [broken, found] = [0, 0];
    for (const file of code.filter((_, at) => at % 5 === 0)) {
      const text = readFileSync(path.join(ROOT, file), "utf8");
      const at = text.lastIndexOf("}");
      if (at < 0) continue;
      broken += 1;
      const { issues } = await CHECKS["syntax"]!({
        name: file,
        type: "code",
        text: text.slice(0, at) + text.slice(at + 1),
        coverageMin: 80,
      });
      if (issues.some(({ severity }) => severity === "critical")) found += 1;
    }
    // The last bracket of a few stands in a text.
    expect(found / broken).toBeGreaterThan(0.98);
  });

  test("leave no times of their checks behind, which would be searched at each", () => {
    expect(performance.getEntriesByType("mark").filter(({ name }) => /lint/i.test(name))).toEqual([]);
  });

  test("of data are read", async () => {
    expect(await issuesIn("json", filesOf(/\.json$/, "schemas", "criteria"))).toEqual([]);
    expect(await issuesIn("yaml", filesOf(/\.ya?ml$/, "examples", "templates"))).toEqual([]);
    expect(await issuesIn("markdown", filesOf(/^docs\/[\w-]+\.md$/, "docs"))).toEqual([]);
  });
});
