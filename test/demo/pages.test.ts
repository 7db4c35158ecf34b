import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { listModules } from "../../demo/team/modules.js";
import { addCoverage, coverageRows, pageParts, type PageResult, writeIndex } from "../../demo/show/pages.js";
import { parseSource, readSource } from "../../demo/team/source.js";
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
    const { parts, result } = pageParts({ module, sources, modules });
    writeFileSync(path.join(pages, result.page), parts.join(""));
    return result;
  });
  writeFileSync(path.join(pages, "README.md"), writeIndex(written));
  writeFileSync(
    path.join(pages, "COVERAGE.md"),
    written.reduce((text, page) => addCoverage(text, page).text, ""),
  );

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
  const both = addCoverage(first.text, { ...PAGE, page: "tasks.md" });
  const again = addCoverage(both.text, { ...PAGE, documented: 4 });
  expect(coverageRows(again.text)).toEqual([again.row, both.row]);
  expect(again.row).toBe("| [locks](locks.md) | 4 | 4 |");
});

it("writes parts that differ from each other: a page that is half written tells which are there", () => {
  const module = { name: "sample", files: ["src/a.ts", "src/b.ts", "src/c.ts", "src/d.ts"] };
  const sources = module.files.map((file) => parseSource(file, "export const same = 1;\n"));
  const { parts } = pageParts({ module, sources, modules: [module] });
  expect(parts).toHaveLength(3);
  for (const [index, part] of parts.entries()) expect(parts.slice(0, index).join("")).not.toContain(part);
});
