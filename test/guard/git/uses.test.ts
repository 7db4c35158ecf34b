import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { usesOf } from "../../../src/guard/git/uses.js";

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

/** Each use as `effect: paths`. */
async function uses(command: string, cwd = top): Promise<string[]> {
  const found = await usesOf(command, cwd);
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
  ])("%s", async (command, expected) => {
    expect(await uses(command)).toEqual(expected);
  });
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
    ["git diff --name-only | xargs git add", [`takes: ${ALL}`]],
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
      expect(await usesOf("git status && git log -3 | head; git diff HEAD~1; ls -la", top)).toEqual([]);
    } finally {
      process.env["PATH"] = before;
    }
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
    const [use] = await usesOf(command, top);
    expect(use?.verb).toBe(verb);
    expect(use?.narrowed?.(["open.ts", "src/inner.ts"])).toBe(expected);
  });

  test("a name that git would read as a pattern is taken literally", async () => {
    const [use] = await usesOf("git add -A", top);
    expect(use?.narrowed?.(["app/[id] x.tsx"])).toBe("git add -- ':(literal)app/[id] x.tsx'");
  });
});
