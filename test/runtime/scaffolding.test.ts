import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { surveyFiles, writeFiles } from "../../src/runtime/scaffolding.js";
import { temporaryDirectory } from "../support/databases/databases.js";

const file = (name: string, text = name) => ({ path: name, content: Buffer.from(text), executable: false });
const rootWith = (files: Readonly<Record<string, string>>): string => {
  const root = realpathSync(temporaryDirectory());
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, name), text);
  return root;
};
const textOf = (root: string, name: string) => readFileSync(path.join(root, name), "utf8");

test("a look says of each file how it stands, and writes nothing", async () => {
  const root = rootWith({ same: "same", other: "else", blocked: "" });
  mkdirSync(path.join(root, "directory"));
  const names = ["fresh", "deep/er", "same", "other", "directory", "blocked/below"];
  const wanted = names.map((name) => file(name));
  expect(await surveyFiles(root, wanted)).toMatchObject({
    fresh: ["fresh", "deep/er"],
    same: ["same"],
    other: ["other"],
    refused: [{ path: "directory" }, { path: "blocked/below" }],
  });
  expect(readdirSync(root).toSorted()).toEqual(["blocked", "directory", "other", "same"]);
});

test("an obstacle on the way undoes everything: new files, directories, and replaced files", async () => {
  const root = rootWith({ old: "old", late: "late" });
  const files = [file("a/b/new"), file("old", "replaced"), file("late", "over it")];
  const writing = writeFiles(root, { files, replacing: new Set(["old"]) });
  await expect(writing).rejects.toMatchObject({ code: "EEXIST" });
  expect(readdirSync(root).toSorted()).toEqual(["late", "old"]);
  expect([textOf(root, "old"), textOf(root, "late")]).toEqual(["old", "late"]);
});

test("undoing leaves files that others have added", async () => {
  const root = rootWith({ old: "old" });
  const files = [file("a/new"), file("old", "replaced")];
  const written = await writeFiles(root, { files, replacing: new Set(["old"]) });
  expect(textOf(root, "old")).toBe("replaced");
  writeFileSync(path.join(root, "a/theirs"), "theirs");
  await written.undo();
  expect(readdirSync(root).toSorted()).toEqual(["a", "old"]);
  expect([textOf(root, "old"), textOf(root, "a/theirs")]).toEqual(["old", "theirs"]);
  expect(readdirSync(path.join(root, "a"))).toEqual(["theirs"]);
});

test("a link to .git or out of the root that came since the look is met at placing, before anything is made there", async () => {
  const root = rootWith({});
  const outside = realpathSync(temporaryDirectory());
  for (const target of [path.join(root, ".git/hooks"), outside]) {
    mkdirSync(target, { recursive: true });
    const link = path.join(root, target === outside ? "out" : "hooks");
    symlinkSync(target, link);
    const files = [file("a/first"), file(`${path.basename(link)}/deep/er`)];
    const { mtimeNs } = statSync(target, { bigint: true });
    await expect(writeFiles(root, { files, replacing: new Set() })).rejects.toMatchObject({ code: "EEXIST" });
    expect([readdirSync(target), statSync(target, { bigint: true }).mtimeNs]).toEqual([[], mtimeNs]);
  }
  expect(readdirSync(root).toSorted()).toEqual([".git", "hooks", "out"]);
});

/** Something is done in the midst of the writing, when this file comes to its turn. */
class Meanwhile extends Set<string> {
  constructor(
    paths: readonly string[],
    readonly turn: string,
    readonly act: () => void,
  ) {
    super(paths);
  }

  override has(name: string): boolean {
    if (name === this.turn) this.act();
    return super.has(name);
  }
}

test("a file changed since stays, all else is undone, and the replaced one is kept and named", async () => {
  const root = rootWith({ old: "old", late: "late", other: "other" });
  const files = ["other", "a/new", "old", "b/new", "late"].map((name) => file(name, "replaced"));
  const replacing = new Meanwhile(["old", "other"], "late", () => {
    writeFileSync(path.join(root, "old"), "edited");
    writeFileSync(path.join(root, "a/new"), "edited too");
  });
  const writing = writeFiles(root, { files, replacing });
  const stage = () => readdirSync(root).find((name) => name.startsWith(".baton-scaffold-")) ?? "none";
  await expect(writing).rejects.toMatchObject({
    code: "EEXIST",
    leftBehind: expect.stringMatching(/taken back: old \(was changed.*a\/new \(was changed.*lies in .*baton-scaffold-/),
  });
  expect(["old", "a/new", "other", "late"].map((name) => textOf(root, name))).toEqual([
    "edited",
    "edited too",
    "other",
    "late",
  ]);
  expect(readdirSync(root).toSorted()).toEqual([stage(), "a", "late", "old", "other"]);
  expect(textOf(root, `${stage()}/old-2`)).toBe("old");
});
