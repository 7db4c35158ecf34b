import { execFileSync } from "node:child_process";
import { realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { failingMerges } from "../../../src/runtime/git/failing-merges.js";
import { temporaryDirectory } from "../../support/databases/databases.js";

const LINES = Array.from({ length: 9 }, (_, at) => `line ${at}`);

function gitIn(directory: string, ...args: readonly string[]): void {
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: directory, stdio: "pipe" });
}

function repository(): string {
  const root = realpathSync(temporaryDirectory());
  writeFileSync(path.join(root, "a.txt"), `${LINES.join("\n")}\n`);
  gitIn(root, "init", "-q");
  gitIn(root, "add", "-A");
  gitIn(root, "commit", "-qm", "first");
  return root;
}

/** A repository with a worktree, in each of which one line of a file is another. */
function pair(lines: readonly [number, number], end = "\n") {
  const root = repository();
  const tree = path.join(realpathSync(temporaryDirectory()), "tree");
  gitIn(root, "worktree", "add", "-q", tree);
  for (const [at, directory] of [root, tree].entries()) {
    const text = LINES.map((line, number) => (number === lines[at] ? `other ${at}` : line) + end).join("");
    writeFileSync(path.join(directory, "a.txt"), text);
  }
  return { root, tree };
}

test("Work trees are merged in the repository of the project, also where one of another repository comes first", async () => {
  const { root, tree } = pair([0, 0]);
  const found = await failingMerges({ root, workTrees: [repository(), root, tree] });
  expect(found).toMatchObject({ merges: [{ files: ["a.txt"] }] });
  expect(found).not.toHaveProperty("why");
});

test("Ends of lines that a checkout has written are no change: lines apart from each other merge", async () => {
  const { root, tree } = pair([0, 8], "\r\n");
  expect(await failingMerges({ root, workTrees: [root, tree] })).toEqual({ merges: [] });
  const same = pair([4, 4], "\r\n");
  expect(await failingMerges({ root: same.root, workTrees: [same.root, same.tree] })).toMatchObject({
    merges: [{ files: ["a.txt"] }],
  });
});

test("Files that git cannot list, or whose names are no UTF-8, leave the search not whole", async () => {
  const named = pair([0, 8]);
  writeFileSync(Buffer.concat([Buffer.from(`${named.tree}/`), Buffer.from([0x61, 0xff])]), "new\n");
  expect(await failingMerges({ root: named.root, workTrees: [named.root, named.tree] })).toMatchObject({
    merges: [],
    why: expect.any(String) as string,
  });
  const { root, tree } = pair([0, 8]);
  gitIn(root, "config", "filter.a=b.clean", "cat");
  expect(await failingMerges({ root, workTrees: [root, tree] })).toMatchObject({ why: expect.any(String) as string });
});
