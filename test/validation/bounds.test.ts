import { expect, test } from "vitest";
import { CHECKS } from "../../src/validation/validation.js";

const markdown = async (text: string) =>
  (await CHECKS["markdown"]!({ name: "a.md", type: "markdown", text, coverageMin: 80 })).issues;

test("links of Markdown that is too long to be read whole may lead to what was not read", async () => {
  const text = `# A\n\n[on](#late) [on][late] [off]()\n${"\n".repeat(50_000)}## Late\n\n[late]: https://a.example\n`;
  const told = (await markdown(text)).map(({ message }) => message);
  expect(told).toEqual(["The link has no target.", "Only the first 50000 lines were looked at."]);
});

test("issues with Markdown that are not told are counted", async () => {
  const issues = await markdown(`# A\n\n${"[a](#none)\n".repeat(130)}`);
  expect(issues.filter(({ severity }) => severity === "major")).toHaveLength(100);
  expect(issues.at(-1)).toMatchObject({
    severity: "info",
    line: 102,
    message: "Only the first 100 of 130 issues with links are told.",
  });
});
