import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { realPath } from "../../../src/runtime/files/real-paths.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { startApp } from "../../support/servers/app.js";

const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, stdio: "pipe" });

/** A repository with `src/a.ts`, `lib → src` and `alias.ts → src/a.ts`. */
function repository(): string {
  const root = realpathSync(temporaryDirectory());
  git(root, "init", "-q");
  mkdirSync(path.join(root, "src"));
  writeFileSync(path.join(root, "src/a.ts"), "");
  symlinkSync("src", path.join(root, "lib"));
  symlinkSync("src/a.ts", path.join(root, "alias.ts"));
  git(root, "add", ".");
  git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a");
  return root;
}

test("a path is made real as far as it exists: links, directories, the root by another name", () => {
  const root = repository();
  const link = path.join(realpathSync(temporaryDirectory()), "link");
  symlinkSync(root, link);
  const real = (written: string) => realPath({ root, sharesWorktrees: false }, written);
  expect(
    ["src", "lib", "lib/a.ts", "alias.ts", "lib/new.ts", "lib/*.ts", "new/", `${link}/src/a.ts`].map(real),
  ).toEqual(
    ["src/", "src/", "src/a.ts", "src/a.ts", "src/new.ts", "src/*.ts", "new/", "src/a.ts"].map((one) => ({
      path: one,
    })),
  );
});

test("a linked worktree's files are its own, or the same for all where the project shares them", () => {
  const root = repository();
  git(root, "worktree", "add", "-q", ".claude/worktrees/x");
  const worktree = path.join(root, ".claude/worktrees/x");
  const real = (sharesWorktrees: boolean) => realPath({ root, sharesWorktrees }, `${worktree}/src/a.ts`);
  expect(real(false)).toEqual({ worktree });
  expect(real(true)).toEqual({ path: "src/a.ts" });
});

test("a lock holds against every other name of its files", async () => {
  const cwd = repository();
  const app = await startApp({ cwd });
  const lock = (agent: string, one: string) => app.call("acquire_file_lock", { agent, paths: [one] });
  expect(await lock("a", "src/a.ts")).toMatchObject({ outcome: "granted" });
  for (const name of ["src", "lib/a.ts", "alias.ts", "lib"])
    expect([name, (await lock("b", name)).outcome]).toEqual([name, "denied"]);
  expect(await app.call("check_file_lock", { agent: "b", path: "alias.ts" })).toMatchObject({ allowed: false });
  expect(await app.call("release_file_lock", { agent: "a", paths: ["alias.ts"] })).toMatchObject({
    released: ["src/a.ts"],
  });
});

test("a worktree inside its repository is a project of its own", async () => {
  const root = repository();
  git(root, "worktree", "add", "-q", ".claude/worktrees/x");
  const main = await startApp({ cwd: root });
  const inner = await startApp({ cwd: path.join(root, ".claude/worktrees/x"), database: main.database });
  expect(await main.call("acquire_file_lock", { agent: "a", paths: ["src/a.ts"] })).toMatchObject({
    outcome: "granted",
  });
  expect(await inner.call("acquire_file_lock", { agent: "b", paths: ["src/a.ts"] })).toMatchObject({
    outcome: "granted",
  });
  await expect(
    main.call("acquire_file_lock", { agent: "a", paths: [path.join(root, ".claude/worktrees/x/src/a.ts")] }),
  ).rejects.toThrow(/lies in the linked worktree/);
});
