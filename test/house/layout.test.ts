import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readSource, ROOT, typescriptFiles } from "./source.js";

/** Areas of operations that have no rules of their own to keep in src/engine: they are about the operations. */
const WITHOUT_RULES = ["meta"];

test("operations and their rules stand under the same name", () => {
  const strays = typescriptFiles("src/tools")
    .filter((file) => path.basename(file) !== "operation.ts")
    .filter((file) => /\bdefineOperation\s*\(/.test(readSource(file).code))
    .map((file) => path.basename(file))
    .filter((name) => !WITHOUT_RULES.includes(path.basename(name, ".ts")))
    .filter((name) => !existsSync(path.join(ROOT, "src/engine", name)))
    .map(
      (name) =>
        `src/tools/${name} defines operations, but src/engine/${name}, where one looks for their rules, is not there`,
    );
  expect(strays).toEqual([]);
});
