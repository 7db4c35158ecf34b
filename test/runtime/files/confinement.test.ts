import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { isGits, leavesRoot } from "../../../src/runtime/files/confinement.js";
import { temporaryDirectory } from "../../support/databases/databases.js";

test("a symbolic link may lead about inside the root and not out of it", () => {
  const home = temporaryDirectory();
  const root = path.join(home, "shop");
  mkdirSync(path.join(root, "src"), { recursive: true });
  mkdirSync(path.join(home, "other"));
  writeFileSync(path.join(home, "other", "a.ts"), "");
  symlinkSync("src", path.join(root, "inner"));
  symlinkSync("../other", path.join(root, "outer"));
  symlinkSync("../other/not-yet.ts", path.join(root, "dangling.ts"));
  symlinkSync("src/not-yet.ts", path.join(root, "later.ts"));
  symlinkSync("loop", path.join(root, "loop"));

  expect(
    ["src/a.ts", "inner/a.ts", "new/deep/a.ts", "src/*.ts", "./", "later.ts"].map((name) => leavesRoot(root, name)),
  ).toEqual([false, false, false, false, false, false]);
  expect(
    ["outer/a.ts", "outer/new.ts", "outer/", "outer/**", "dangling.ts", "loop"].map((name) => leavesRoot(root, name)),
  ).toEqual([true, true, true, true, true, true]);
});

test("a root that is a link itself is its target, and one that is elsewhere cannot be left", () => {
  const home = temporaryDirectory();
  mkdirSync(path.join(home, "shop"));
  symlinkSync("shop", path.join(home, "link"));
  expect(leavesRoot(path.join(home, "link"), "src/a.ts")).toBe(false);
  expect(leavesRoot(path.join(home, "gone"), "src/a.ts")).toBe(false);
});

test("a path inside .git is recognised by its real place, in any case and through any link", () => {
  const root = temporaryDirectory();
  mkdirSync(path.join(root, ".Git", "hooks"), { recursive: true });
  mkdirSync(path.join(root, "a", "b"), { recursive: true });
  symlinkSync("a/b", path.join(root, "short"));
  symlinkSync("../../.Git/hooks", path.join(root, "a", "b", "there"));
  symlinkSync("../../.Git/not-yet", path.join(root, "a", "b", "later"));
  const ways = [".Git", "short/there", "short/there/x/y", "short/later/x", "short/x", "a.git/x"];
  expect(ways.map((way) => isGits(root, way))).toEqual([true, true, true, true, false, false]);
  expect(isGits(path.join(root, ".Git", "hooks"), ".")).toBe(true);
  expect(leavesRoot(root, "short/later/x")).toBe(false);
});
