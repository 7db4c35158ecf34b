import { describe, expect, test } from "vitest";
import { usesOf } from "../../src/guard/git/uses.js";
import { usesNoFiles, WRITER_NAMES } from "../../src/guard/shell/plain-line.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { execFileSync } from "node:child_process";
import { realpathSync, writeFileSync } from "node:fs";
import path from "node:path";

describe("a line that is not read", () => {
  test.each(["npm test", "ls -la src; cat a.ts | head -5 && node x.js", "cd src\nnpx vitest run test/a.test.ts"])(
    "%j uses no files",
    (line) => expect(usesNoFiles(line)).toBe(true),
  );

  test.each([
    ...WRITER_NAMES.map((name) => `x; ${name} a.ts`),
    "git add -A",
    "/usr/bin/git add -A",
    "GIT add -A",
    "echo x > a.ts",
    "echo x >> a.ts",
    "G=gi; ${G}t add -A",
    "g''it add -A",
    String.raw`g\it add -A`,
    "{g,}it add -A",
    "$(which g)it add",
    "`x` a.ts",
    "cat <<X\nX",
    "!!",
  ])("%j is read", (line) => expect(usesNoFiles(line)).toBe(false));

  test("has no uses where it is read all the same", async () => {
    const cwd = realpathSync(temporaryDirectory());
    execFileSync("git", ["init", "-q"], { cwd });
    writeFileSync(path.join(cwd, "a.ts"), "a\n");
    const words = [
      "npm",
      "a.ts",
      ";",
      "&&",
      "|",
      "cd",
      "..",
      "bash",
      "-c",
      "sudo",
      "env",
      "A=b",
      "xargs",
      "of=a.ts",
      "-i",
    ];
    const writers = ["rm", "tee", "git", "add", "-A"];
    const lines = Array.from({ length: 400 }, (_, seed) =>
      Array.from({ length: 6 }, (__, at) => {
        const all = seed % 2 === 0 ? words : [...words, ...writers];
        return all[(seed * 31 + at * 17 + seed * at * 7) % all.length];
      }).join(" "),
    );
    const unread = lines.filter((line) => usesNoFiles(line));
    expect(unread.length).toBeGreaterThan(100);
    expect(lines.length - unread.length).toBeGreaterThan(50);
    for (const line of unread) expect({ line, uses: await usesOf(line, cwd) }).toEqual({ line, uses: [] });
  });
});
