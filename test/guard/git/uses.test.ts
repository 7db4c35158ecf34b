import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FileUse } from "../../../src/guard/git/file-use.js";
import { commitInHook } from "../../../src/guard/git/hook-uses.js";
import { usesOf } from "../../../src/guard/git/uses.js";

/** Far more than git needs, also on a busy machine. */
const LIMIT_MS = 30_000;

let top: string;

/** One repository with every kind of change, which no test alters. */
beforeAll(() => {
  top = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-uses-")));
  git("init", "-q", "-b", "main");
  write("both.ts", "1");
  write("staged.ts", "1");
  write("open.ts", "1");
  write("same.ts", "1");
  write("src/inner.ts", "1");
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  git("checkout", "-q", "-b", "other");
  write("same.ts", "2");
  git("commit", "-q", "-a", "-m", "other");
  git("checkout", "-q", "main");
  write("open.ts", "stashed");
  git("stash", "-q");
  write("staged.ts", "2");
  write("both.ts", "2");
  git("add", "staged.ts", "both.ts");
  write("both.ts", "3");
  write("open.ts", "2");
  write("src/inner.ts", "2");
  write("new.ts", "1");
  write("src/new.ts", "1");
  git("config", "alias.st", "status");
  git("config", "alias.ci", "commit -a");
  git("config", "alias.loop", "!git loop");
  git("config", "alias.wip", "!git add -A && git commit -m wip");
});

afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
  return execFileSync("git", [...who, ...args], { cwd: top, encoding: "utf8" });
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(top, file)), { recursive: true });
  writeFileSync(path.join(top, file), text);
}

async function usesIn(command: string, cwd: string): Promise<readonly FileUse[]> {
  return usesOf(command, cwd, AbortSignal.timeout(LIMIT_MS));
}

/** Each use as `effect: paths`. */
async function uses(command: string, cwd = top): Promise<string[]> {
  const found = await usesIn(command, cwd);
  for (const use of found) expect(use.top).toBe(top);
  return found.map(({ effect, paths }) => `${effect}: ${[...paths].sort().join(" ")}`);
}

const ALL = "both.ts new.ts open.ts src/inner.ts src/new.ts";

describe("the files that a verb would take or lose", () => {
  test.each([
    ["git add -A", [`takes: ${ALL}`]],
    ["git add .", [`takes: ${ALL}`]],
    ["git add -u", ["takes: both.ts open.ts src/inner.ts"]],
    ["git add src", ["takes: src/inner.ts src/new.ts"]],
    ["git add open.ts 'src/inner.ts'", ["takes: open.ts src/inner.ts"]],
    ["git add -n .", []],
    ["git add", []],
    ["git commit -m x", ["takes: both.ts staged.ts"]],
    ["git commit -am x", ["takes: both.ts open.ts src/inner.ts staged.ts"]],
    ["git commit -m x open.ts", ["takes: open.ts"]],
    ["git commit -i -m x open.ts", ["takes: both.ts open.ts staged.ts"]],
    ["git commit --no-verify -m x -- src", ["takes: src/inner.ts"]],
    ["git stash", ["loses: both.ts open.ts src/inner.ts staged.ts"]],
    ["git stash -u", [`loses: ${ALL} staged.ts`]],
    ["git stash push -m 'a b' -- src", ["loses: src/inner.ts"]],
    ["git stash save wip", ["loses: both.ts open.ts src/inner.ts staged.ts"]],
    ["git stash pop", ["edits: open.ts"]],
    ["git stash apply stash@{0}", ["edits: open.ts"]],
    ["git stash drop 0", ["loses: open.ts"]],
    ["git stash clear", ["loses: open.ts"]],
    ["git stash list", []],
    ["git checkout .", ["loses: both.ts open.ts src/inner.ts"]],
    ["git checkout -- open.ts", ["loses: open.ts"]],
    ["git checkout open.ts", ["loses: open.ts"]],
    ["git checkout HEAD -- .", ["loses: both.ts open.ts src/inner.ts staged.ts"]],
    ["git checkout other -- same.ts", ["loses: same.ts"]],
    ["git checkout other", ["moves: both.ts open.ts same.ts src/inner.ts staged.ts"]],
    ["git checkout -b feature", ["moves: both.ts open.ts src/inner.ts staged.ts"]],
    ["git switch other", ["moves: both.ts open.ts same.ts src/inner.ts staged.ts"]],
    [
      "git switch -f other",
      ["loses: both.ts open.ts src/inner.ts staged.ts", "moves: both.ts open.ts same.ts src/inner.ts staged.ts"],
    ],
    ["git restore .", ["loses: both.ts open.ts src/inner.ts"]],
    ["git restore --staged .", ["loses: both.ts staged.ts"]],
    ["git restore -SW staged.ts", ["loses: staged.ts"]],
    ["git restore --source other same.ts", ["loses: same.ts"]],
    ["git reset", ["loses: both.ts staged.ts"]],
    ["git reset HEAD staged.ts", ["loses: staged.ts"]],
    ["git reset --hard", ["loses: both.ts open.ts src/inner.ts staged.ts"]],
    ["git reset --hard other", ["loses: both.ts open.ts src/inner.ts staged.ts", "moves: same.ts"]],
    ["git reset --soft other", ["moves: same.ts"]],
    ["git clean -fd", ["loses: new.ts src/new.ts"]],
    ["git clean -f src", ["loses: src/new.ts"]],
    ["git clean -nd", []],
    ["git rm -f same.ts", ["loses: same.ts"]],
    ["git mv same.ts other.ts", ["edits: other.ts same.ts"]],
    ["git merge other", ["moves: same.ts"]],
    ["git merge --abort", ["loses: both.ts open.ts src/inner.ts staged.ts"]],
    ["git pull origin nowhere", []],
    ["git rebase other", ["moves: both.ts open.ts same.ts src/inner.ts staged.ts"]],
    ["git rebase --continue", []],
    ["git cherry-pick other", ["moves: same.ts"]],
    ["git revert -n main..other", ["moves: same.ts"]],
    ["git apply <<'EOF'\n--- a/open.ts\n+++ b/open.ts\n@@ -1 +1 @@\n-2\n+3\nEOF", ["edits: open.ts"]],
    ["git bisect start", ["moves: both.ts open.ts src/inner.ts staged.ts"]],
    ["git checkout-index -f -a", ["loses: both.ts open.ts src/inner.ts"]],
    ["git read-tree HEAD", ["loses: both.ts staged.ts"]],
    ["git update-index open.ts", ["takes: open.ts"]],
    ["git push --force && git fetch && git log", []],
  ])("%s", async (command, expected) => {
    expect(await uses(command)).toEqual(expected);
  });

  test("a stash counts that holds a path both as a change and as a file that git did not know", async () => {
    const odd = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-stash-")));
    try {
      const shell =
        "git init -q && git config user.name a && git config user.email a@example.org && echo 1 > a.ts && git add a.ts && ";
      const steps = "git commit -q -m 1 && git rm -q --cached a.ts && echo 2 > a.ts && git stash -q -u";
      execFileSync("bash", ["-c", `${shell}${steps}`], { cwd: odd });
      expect(await usesIn("git stash pop", odd)).toMatchObject([{ paths: ["a.ts"], effect: "edits" }]);
    } finally {
      rmSync(odd, { recursive: true, force: true });
    }
  });

  test("a work tree that is removed by force loses its changes", async () => {
    const other = `${top}-tree`;
    git("worktree", "add", "-q", other, "other");
    try {
      writeFileSync(path.join(other, "mine.ts"), "1");
      expect(await usesIn(`git worktree remove ${other}`, top)).toEqual([]);
      const [use] = await usesIn(`git worktree remove --force ${other}`, top);
      expect(use).toMatchObject({ top: other, paths: ["mine.ts"], effect: "loses" });
    } finally {
      git("worktree", "remove", "--force", other);
    }
  });
});

describe("the files of a commit that a hook of git may refuse", () => {
  test("a commit takes what its index holds, of the paths that it names alone", async () => {
    expect(await commitInHook(path.join(top, "src"), {})).toMatchObject({
      verb: "git commit",
      top,
      paths: ["both.ts", "staged.ts"],
      effect: "takes",
    });
    const index = path.join(top, ".git", "index-of-hook");
    try {
      execFileSync("git", ["read-tree", "HEAD"], { cwd: top, env: { ...process.env, GIT_INDEX_FILE: index } });
      execFileSync("git", ["add", "open.ts"], { cwd: top, env: { ...process.env, GIT_INDEX_FILE: index } });
      expect(await commitInHook(top, { GIT_INDEX_FILE: index })).toMatchObject({ paths: ["open.ts"] });
    } finally {
      rmSync(index, { force: true });
    }
  });

  test("the first commit takes all that its index holds", async () => {
    const first = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-first-")));
    try {
      execFileSync("git", ["init", "-q"], { cwd: first });
      writeFileSync(path.join(first, "a b.ts"), "1");
      execFileSync("git", ["add", "-A"], { cwd: first });
      expect(await commitInHook(first, {})).toMatchObject({ top: first, paths: ["a b.ts"] });
    } finally {
      rmSync(first, { recursive: true, force: true });
    }
  });
});

describe("files that a shell writes without git", () => {
  test("count beside a name that no file can have, and a path that is too long to be looked for", async () => {
    const [use] = await usesOf(`rm both.ts ${"a".repeat(300)} ${"x/".repeat(3_000)}y`, top);
    expect(use?.paths).toEqual(["both.ts", "a".repeat(300)]);
  });

  test.each([
    ["echo x > open.ts", ["edits: open.ts"]],
    ["cat > src/inner.ts <<'EOF'\nrm same.ts\nEOF", ["edits: src/inner.ts"]],
    ["echo x >> open.ts 2>&1 >/dev/null", ["edits: open.ts"]],
    ["echo x | tee -a open.ts same.ts", ["edits: open.ts same.ts"]],
    ["sed -i 's/a/b/' open.ts same.ts", ["edits: open.ts same.ts"]],
    ["sed -i.bak -e s/a/b/ open.ts", ["edits: open.ts"]],
    ["sed -n 1,20p open.ts", []],
    ["perl -pi -e 's/a/b/' open.ts", ["edits: open.ts"]],
    ["rm -rf src", ["edits: src/inner.ts src/new.ts"]],
    ["rm *.ts", ["edits: both.ts new.ts open.ts same.ts staged.ts"]],
    ["mv open.ts renamed.ts", ["edits: open.ts renamed.ts"]],
    ["cp open.ts src", ["edits: src/open.ts"]],
    ["truncate -s 0 open.ts", ["edits: open.ts"]],
    ["git diff > new.ts", ["edits: new.ts"]],
    ["cat open.ts", []],
  ])("%s", async (command, expected) => {
    expect(await uses(command)).toEqual(expected);
  });
});

test("git that has not answered within the limit counts for nothing", async () => {
  expect(await usesOf("git add -A", top, AbortSignal.abort())).toEqual([]);
});

describe("a command line is read as a shell would", () => {
  test.each([
    ["cd src && git add .", ["takes: src/inner.ts src/new.ts"]],
    ["(cd src; git add .); git add new.ts", ["takes: src/inner.ts src/new.ts", "takes: new.ts"]],
    ["git -C src add .", ["takes: src/inner.ts src/new.ts"]],
    ["GIT_EDITOR=true git -c core.pager= add src", ["takes: src/inner.ts src/new.ts"]],
    ["git ci -m x", ["takes: both.ts open.ts src/inner.ts staged.ts"]],
    ["git wip", [`takes: ${ALL}`, "takes: both.ts staged.ts"]],
    ["git loop", []],
    ["bash -lc 'git add src'", ["takes: src/inner.ts src/new.ts"]],
    ["timeout 10 env A=b git add src", ["takes: src/inner.ts src/new.ts"]],
    ["if true; then git add src; fi", ["takes: src/inner.ts src/new.ts"]],
    ["for f in open.ts new.ts; do git add $f; done", ["takes: new.ts open.ts"]],
    ["git add {open,new}.ts", ["takes: new.ts open.ts"]],
    ["git add src/*.ts", ["takes: src/inner.ts src/new.ts"]],
    ["git diff --name-only | xargs git add", ["takes: both.ts open.ts src/inner.ts"]],
    ["git commit -m \"$(cat <<'EOF'\nit's (done); git stash\nEOF\n)\"", ["takes: both.ts staged.ts"]],
    ["git commit -F - <<'EOF'\ngit add -A\nEOF\ngit add new.ts", ["takes: both.ts staged.ts", "takes: new.ts"]],
    ["git add 'open.ts", ["takes: open.ts"]],
    ["echo 'git add -A'", []],
    ["# git add -A", []],
    ["echo a $(git add new.ts)", ["takes: new.ts"]],
    ['git add "$UNSET_OF_THIS_TEST"', []],
    ["cd $(mktemp -d) && git add -A", []],
    ["cd no-such-directory && git add -A", []],
    ["cd src && cd $(git rev-parse --show-toplevel) && git add new.ts", ["takes: new.ts"]],
  ])("%s", async (command, expected) => {
    expect(await uses(command)).toEqual(expected);
  });

  test("a line that only reads starts no git", async () => {
    const before = process.env["PATH"];
    process.env["PATH"] = "";
    try {
      expect(await usesIn("git status && git log -3 | head; git diff HEAD~1; ls -la", top)).toEqual([]);
    } finally {
      process.env["PATH"] = before;
    }
  });
});

describe("a symbolic link", () => {
  let linked: string;
  beforeAll(() => {
    linked = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-links-")));
    execFileSync("git", ["init", "-q"], { cwd: linked });
    mkdirSync(path.join(linked, "src"));
    writeFileSync(path.join(linked, "src/a.ts"), "1");
    symlinkSync("src/a.ts", path.join(linked, "link.ts"));
    symlinkSync("src", path.join(linked, "directory"));
  });
  afterAll(() => {
    rmSync(linked, { recursive: true, force: true });
  });

  test.each([
    ["rm link.ts", ["link.ts"]],
    ["rm -rf directory", ["directory"]],
    ["mv link.ts other.ts", ["link.ts", "other.ts"]],
    ["mv src/a.ts link.ts", ["src/a.ts", "link.ts"]],
    ["sed -i s/a/b/ link.ts", ["link.ts"]],
    ["sed -i --follow-symlinks s/a/b/ link.ts", ["src/a.ts"]],
    ["rm directory/a.ts", ["src/a.ts"]],
    ["echo x > link.ts", ["src/a.ts"]],
    ["rm other.ts > link.ts", ["src/a.ts", "other.ts"]],
    ["echo x | tee link.ts", ["src/a.ts"]],
    ["cp other.ts link.ts", ["src/a.ts"]],
  ])("is meant itself, or its target, as the program means it: %s", async (command, expected) => {
    expect((await usesIn(command, linked)).flatMap(({ paths }) => paths)).toEqual(expected);
  });
});

describe("the same command for some paths alone", () => {
  test.each([
    ["git add -A", "git add -A", "git add -- open.ts src/inner.ts"],
    ["cd src && git add -A", "git add -A", "git add -- ../open.ts inner.ts"],
    ["git commit -am 'two words'", "git commit -a", "git commit -m 'two words' -- open.ts src/inner.ts"],
    ["git stash -u", "git stash -u", "git stash push -u -- open.ts src/inner.ts"],
    ["git checkout .", "git checkout .", "git checkout -- open.ts src/inner.ts"],
    ["git reset --hard", "git reset --hard", "git restore --staged --worktree -- open.ts src/inner.ts"],
  ])("%s", async (command, verb, expected) => {
    const [use] = await usesIn(command, top);
    expect(use?.verb).toBe(verb);
    expect(use?.narrowed?.(["open.ts", "src/inner.ts"])).toBe(expected);
  });

  test("a name with signs that are not shown is written by its bytes, and the command still means it", async () => {
    const [use] = await usesIn("git add -A", top);
    const name = "it's \\ \u202E\n.ts";
    const narrowed = use?.narrowed?.([name]) ?? "";
    expect(narrowed).toBe(String.raw`git add -- $':(literal)it\'s \\ \xe2\x80\xae\x0a.ts'`);
    expect(execFileSync("bash", ["-c", narrowed.replace("git add --", "printf %s")], { encoding: "utf8" })).toBe(
      `:(literal)${name}`,
    );
  });

  test("a name that git would read as a pattern is taken literally", async () => {
    const [use] = await usesIn("git add -A", top);
    expect(use?.narrowed?.(["app/[id] x.tsx"])).toBe("git add -- ':(literal)app/[id] x.tsx'");
  });
});
