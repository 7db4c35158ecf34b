import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { confinedDirectory } from "../../../src/executors/processes/directory.js";

describe("confinedDirectory", () => {
  let base: string;
  let root: string;

  beforeAll(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "baton-directory-")));
    root = join(base, "root");
    await mkdir(join(root, "src", "deep"), { recursive: true });
    await mkdir(join(root, "..names"));
    await mkdir(join(base, "root-beside"));
    await writeFile(join(root, "file"), "");
    await symlink(join(root, "src"), join(root, "inside"));
    await symlink(base, join(root, "out"));
    await symlink("../..", join(root, "src", "up"));
    await symlink(root, join(base, "alias"));
    await symlink("nowhere", join(root, "dangling"));
  });
  afterAll(() => rm(base, { recursive: true }));

  test.each([
    [undefined, "."],
    [".", "."],
    ["", "."],
    ["src/deep/", "src/deep"],
    ["src/../src/./deep", "src/deep"],
    ["inside", "src"],
    ["inside/deep", "src/deep"],
    ["..names", "..names"],
  ])("%j is inside", async (path, expected) => {
    expect(await confinedDirectory(root, path)).toBe(join(root, expected));
  });

  test("an absolute path inside is taken, also when the root is named through a symlink", async () => {
    expect(await confinedDirectory(root, join(root, "src"))).toBe(join(root, "src"));
    const alias = join(base, "alias");
    expect(await confinedDirectory(alias, join(alias, "src"))).toBe(join(root, "src"));
    expect(await confinedDirectory(alias, "src")).toBe(join(root, "src"));
  });

  test.each(["..", "../root-beside", "src/../..", "src/../../root-beside", "out", "out/root-beside", "src/up"])(
    "%j is outside",
    async (path) => {
      await expect(confinedDirectory(root, path)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("outside the project root"),
      });
    },
  );

  test("an absolute path elsewhere is outside, whether it exists or not", async () => {
    for (const path of ["/", "/etc", join(base, "root-beside"), join(base, "missing")]) {
      await expect(confinedDirectory(root, path)).rejects.toMatchObject({
        message: expect.stringContaining("outside the project root"),
      });
    }
  });

  test.each([
    ["missing", "does not exist"],
    ["dangling", "does not exist"],
    ["file", "is not a directory"],
    ["file/x", "cannot be read (ENOTDIR)"],
    ["a\0b", "NUL"],
  ])("%j is refused: %s", async (path, why) => {
    await expect(confinedDirectory(root, path)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(why),
    });
  });
});
