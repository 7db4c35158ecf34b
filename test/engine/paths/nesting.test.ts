import { expect, test } from "vitest";
import type { LockKind } from "../../../src/base/statuses.js";
import { pathFromAround, pathsInside } from "../../../src/engine/paths/nesting.js";

const kindOf = (path: string): LockKind => (/[*?[{]/.test(path) ? "glob" : path.endsWith("/") ? "directory" : "file");
const inside = (directory: string, path: string, caseInsensitive = false) =>
  pathsInside(directory, { path, kind: kindOf(path) }, caseInsensitive).map((one) => one.path);

test.each([
  ["a/b/f", ["f"]],
  ["a/b/c/", ["c/"]],
  ["a/b/", ["./"]],
  ["a/", ["./"]],
  ["./", ["./"]],
  ["a", ["./"]],
  ["a/b", ["./"]],
  ["a/c", []],
  ["a/bc/f", []],
  ["b/", []],
  ["**", ["**"]],
  ["**/*.ts", ["**/*.ts"]],
  ["*.ts", []],
  ["a/*/x.ts", ["x.ts"]],
  ["a/**/b/*.ts", ["**/b/*.ts", "*.ts"]],
  ["*/b/{x,y}/**", ["{x,y}/**"]],
  ["a/b*", []],
  ["c/**", []],
])("%s has these paths in the directory a/b: %j", (path, paths) => {
  expect(inside("a/b", path)).toEqual(paths);
});

test("case makes no difference where the file system makes none", () => {
  expect([inside("A/b", "a/B/F", true), inside("A/b", "a/B/F")]).toEqual([["F"], []]);
  expect(inside("Sub", "s*/**", true)).toEqual(["**"]);
});

test("a path of a directory is one of the project around it", () => {
  const around = (path: string) => pathFromAround("a/b", { path, kind: kindOf(path) }).path;
  expect(["f", "c/", "./", "**/*.ts"].map(around)).toEqual(["a/b/f", "a/b/c/", "a/b/", "a/b/**/*.ts"]);
});
