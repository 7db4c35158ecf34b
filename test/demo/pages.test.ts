import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { listModules } from "../../demo/team/modules.js";
import { addCoverage, coverageRows, type PageResult, writeIndex, writePage } from "../../demo/show/pages.js";
import { readSource } from "../../demo/team/source.js";
import { ROOT } from "../house/source.js";
import { temporaryDirectory } from "../support/databases/databases.js";

const PAGE: PageResult = { page: "locks.md", files: 1, exports: 4, documented: 3, uses: [] };

it("writes pages of this repository whose every link resolves, and notices one that does not", () => {
  const root = temporaryDirectory();
  cpSync(path.join(ROOT, "src"), path.join(root, "src"), { recursive: true });
  const pages = path.join(root, "docs/api");
  mkdirSync(pages, { recursive: true });
  const modules = listModules(root);
  const written = modules.map((module) => {
    const sources = module.files.map((file) => readSource(root, file));
    const { text, result } = writePage({ module, sources, modules });
    writeFileSync(path.join(pages, result.page), text);
    return result;
  });
  writeFileSync(path.join(pages, "README.md"), writeIndex(written));
  writeFileSync(path.join(pages, "COVERAGE.md"), written.reduce(addCoverage, ""));

  const check = () =>
    spawnSync(process.execPath, [path.join(ROOT, "scripts/check-links.mjs"), pages], { encoding: "utf8" });
  expect(check()).toMatchObject({ status: 0, stdout: expect.stringContaining("every one resolves") as unknown });

  const broken = ["gone.md", "README.md#gone", "../../src/app.ts#L99999"];
  appendFileSync(path.join(pages, "README.md"), broken.map((target) => `[x](${target})\n`).join(""));
  const { status, stdout } = check();
  expect(status).toBe(1);
  for (const target of broken) expect(stdout).toContain(`(${target})`);
});

it("keeps one row for each module in the page that all share, however often it is written", () => {
  const first = addCoverage("", PAGE);
  const both = addCoverage(first, { ...PAGE, page: "tasks.md" });
  const again = addCoverage(both, { ...PAGE, documented: 4 });
  expect(coverageRows(again)).toEqual(["| [locks](locks.md) | 4 | 4 |", "| [tasks](tasks.md) | 3 | 4 |"]);
});
