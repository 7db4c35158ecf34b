import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isLong } from "../support/counts.js";
import { usesOf } from "../../src/guard/git/uses.js";
import { programsOf } from "../../src/guard/shell/shell-line.js";

const PIECES = [
  ...Array.from("\"'`$(){}[]<>|&;\n\\ #*?~=!"),
  "git add -A",
  "git stash",
  "$(",
  "$((",
  "${",
  "<<EOF\n",
  "\nEOF\n",
  "<<<",
  "for f in a b; do ",
  "done",
  "bash -c '",
  "eval ",
  "cd /tmp && ",
  "xargs ",
  "{a,b}",
  "\u202e\0é",
];

test("any text is split without an error and in bounded time", () => {
  const line = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(line, (text) => {
      expect(programsOf(text, "/").length).toBeLessThanOrEqual(200);
    }),
    { numRuns: isLong ? 20_000 : 300 },
  );
});

test.each([
  ["brackets within brackets", "$(".repeat(50_000)],
  ["braces that multiply", `echo ${"{a,b}".repeat(40)}`],
  ["values of a loop that multiply", `for f in ${"a ".repeat(900)}; do echo ${"$f".repeat(20)}; done`],
  ["variables that double", `x=ab; ${"x=$x$x; ".repeat(200)} git add $x`],
  ["quotes that never end", `echo '${"x".repeat(1_000_000)}`],
  ["a shell in a shell", `${"bash -c '".repeat(2_000)}git add -A`],
  ["here-documents without an end", "cat <<EOF\n".repeat(20_000)],
  ["braces that never end", "{a,".repeat(30_000)],
  ["braces before a redirection", `${"{a".repeat(50_000)}}>x`],
  ["programs that start others", `${"sudo ".repeat(40_000)}git add -A`],
  ["directories within directories", `cd /x${";cd x".repeat(40_000)}; git add .`],
  ["scripts whose output is asked for", `rm ${"$(cat a) ".repeat(20_000)}`],
  ["patterns", `rm ${"*".repeat(5_000)}${"[a-z]?".repeat(2_000)}`],
])("%s are bounded", (_, line) => {
  expect(programsOf(line, "/").length).toBeLessThanOrEqual(200);
});

test("a program with the name of a property of every object is one like others", async () => {
  expect(await usesOf("hasOwnProperty x; constructor y; toString z", "/")).toEqual([]);
});

test.each([
  ["git add -A", "git add -A"],
  ["FOO=1 git 'add' \"-A\"", "git add -A"],
  ["x=src; git add $x", "git add src"],
  ["git add src; rm -rf dist", "git add src|rm -rf dist"],
  ["if git diff --quiet; then git stash; fi", "git diff --quiet|git stash"],
  ["case $x in a) git stash;; esac", "git stash|esac"],
  ["f() { git stash; }", "git stash"],
  ["a=(git stash)", ""],
  ["((x = 1 << 2))", ""],
  ["echo `git stash`", "git stash|echo \0"],
  ["git stash & git stash |& tee log", "git stash|git stash|tee log"],
  ["git add a\\ b", "git add a b"],
  ["git commit -m $'it\\'s'", "git commit -m it's"],
])("%s", (line, expected) => {
  const calls = programsOf(line, "/nowhere").map(({ name, args }) => [name, ...args].join(" "));
  expect(calls.join("|")).toBe(expected);
});
