import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { usesNoFiles } from "../../../src/guard/shell/plain-line.js";
import { usesOf } from "../../../src/guard/git/uses.js";

/** Far more than git needs, also on a busy machine. */
const LIMIT_MS = 30_000;

let base: string;

/** A repository with changes of every kind; each test runs its line in a copy. */
beforeAll(() => {
  base = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-lines-")));
  const top = path.join(base, "top");
  mkdirSync(path.join(top, "src"), { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(path.join(top, file), text);
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: top, encoding: "utf8" });
  git("init", "-q");
  git("config", "user.name", "a");
  git("config", "user.email", "a@example.org");
  write(".gitignore", "*.log\n");
  for (const file of ["open.ts", "staged.ts", "clean.ts", "src/inner.ts", "ünï.ts", "-dash.ts"]) write(file, "1\n");
  git("add", "-A");
  git("commit", "-qm", "first");
  write("clean.ts", "5\n");
  git("commit", "-qam", "second");
  for (const file of ["open.ts", "staged.ts", "src/inner.ts", "ünï.ts", "new.ts", "src/new.ts", "own.log"])
    write(file, "2\n");
  git("add", "staged.ts");
  git("config", "alias.up", "-c core.pager= add -A");
  git("config", "alias.take", '!f() { git add "$@"; }; f');
  writeFileSync(path.join(base, "list"), "open.ts\nnew.ts\n");
  writeFileSync(path.join(base, "back.patch"), git("diff"));
  mkdirSync(path.join(base, "other"));
  writeFileSync(path.join(base, "other", "open.ts"), "3\n");
});

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

/** Each path with what its file and its entry in the index hold. */
function contents(top: string): Map<string, string> {
  const found = new Map<string, string>();
  const entries = execFileSync("git", ["ls-files", "-sz"], { cwd: top, encoding: "utf8" }).split("\0");
  for (const entry of entries.filter(Boolean)) found.set(entry.split("\t")[1] ?? "", entry);
  for (const entry of readdirSync(top, { recursive: true, withFileTypes: true })) {
    const file = path.relative(top, path.join(entry.parentPath, entry.name));
    if (entry.isFile() && !file.startsWith(".git/"))
      found.set(file, `${found.get(file) ?? ""}\n${readFileSync(path.join(top, file), "utf8")}`);
  }
  return found;
}

/** The paths that a line changes when a shell runs it, and those that the guard has told before. */
async function playedLine(line: string): Promise<{ changed: string[]; told: string[] }> {
  const copy = mkdtempSync(path.join(base, "copy-"));
  for (const name of ["top", "list", "back.patch", "other"])
    cpSync(path.join(base, name), path.join(copy, name), { recursive: true });
  const top = path.join(copy, "top");
  const before = contents(top);
  const uses = await usesOf(line, top, AbortSignal.timeout(LIMIT_MS));
  spawnSync("bash", ["-c", line], { cwd: top, encoding: "utf8", input: "" });
  const after = contents(top);
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  );
  expect(changed).not.toEqual([]);
  return { changed: changed.toSorted(), told: uses.flatMap(({ paths }) => paths) };
}

describe("each file that a line changes in a real shell is told before", () => {
  test.each([
    // Lists that one program makes for another.
    "grep -rl 2 src | xargs sed -i s/2/9/",
    "grep -rlZ 2 src | xargs -0 sed -i s/2/9/",
    "git grep -l 2 | xargs -r sed -i s/2/9/",
    "git ls-files | grep inner | xargs rm",
    "sed -i s/2/9/ $(grep -rl 2 --include='*.ts' src)",
    "rm `echo open.ts`",
    "git add $(git ls-files -m src)",
    "git ls-files -m -z | git add --pathspec-from-file=- --pathspec-file-nul",
    "git status --porcelain src | awk '{print $2}' | xargs git add",
    "find . -name '*.ts' -exec git add {} +",
    "find src -type f -exec rm -f {} \\;",
    "find . -name inner.ts -delete",
    "find . -name open.ts -exec sh -c 'echo 9 > \"$1\"' _ {} \\;",
    "find src -name '*.ts' -print0 | xargs -0 git add",
    'find . -name new.ts | while read -r f; do rm "$f"; done',
    "for f in $(git ls-files -m src); do sed -i s/2/9/ $f; done",
    "echo open.ts | xargs -I % sh -c 'rm %'",
    "xargs rm < ../list",
    "xargs -a ../list git add",
    'cat ../list | while read -r f; do rm "$f"; done',
    // Words that only look unknown.
    'LINE="git add -A"; $LINE',
    "rm ${UNSET_OF_THIS_TEST:-open.ts}",
    'cd "$(pwd)/src" && git add .',
    "git add $'\\303\\274n\\303\\257.ts'",
    "rm -- -dash.ts",
    // Programs behind others.
    "env -S 'git add -A'",
    "env -C src git add .",
    "setsid -w git add -A",
    "flock ../lock git add -A",
    "flock ../lock -c 'git add -A'",
    "echo 'git add -A' | bash",
    "bash <<< 'git add -A'",
    "cat <<'EOF' | sh\ngit add -A\nEOF",
    "bash -c 'git \"$@\"' _ add -A",
    "function f { git add -A; }; f",
    "git up",
    "git take open.ts",
    // Scripts within the line.
    "python3 - <<'EOF'\np = 'open.ts'\ns = open(p).read()\nopen(p, 'w').write(s)\nopen('new.ts', 'a').write('x')\nEOF",
    "python3 -c \"from pathlib import Path; p = Path('src/inner.ts'); p.write_text('x')\"",
    "python3 -c \"import shutil; shutil.copy('clean.ts', 'open.ts')\"",
    "node -e \"const fs = require('fs'); const f = 'open.ts'; fs.writeFileSync(f, fs.readFileSync(f, 'utf8') + 'x')\"",
    "node <<'EOF'\nfor (const f of ['open.ts', 'new.ts']) require('fs').rmSync(f);\nEOF",
    // Writers of every kind.
    "mv src lib",
    "mv -t src open.ts",
    "mv --target-directory=src open.ts",
    "cp -r ../other/. .",
    "cp -t . ../other/open.ts",
    "sort -o open.ts clean.ts",
    "shred -u open.ts",
    "{ echo 9; } > open.ts",
    "for i in 9; do echo $i; done > open.ts",
    "patch -R -p1 -i ../back.patch",
    "git diff | git apply -R",
    "git diff open.ts | patch -R -p1",
    "git apply -R ../back.patch",
    "git diff | git apply --cached",
    // Verbs that take more than they seem to.
    "git add -f .",
    "git stash -a",
    "yes | git restore -p",
    "yes | git commit -pm x",
    "git mv clean.ts -f open.ts",
    "git mv src lib",
    "git reset HEAD~1 -- clean.ts",
    "git read-tree HEAD~1",
    "git checkout-index -f -- open.ts",
    "rm -rf $PWD/*",
  ])("%s", async (line) => {
    expect(usesNoFiles(line)).toBe(false);
    const { changed, told } = await playedLine(line);
    expect(told).toEqual(expect.arrayContaining(changed));
  });
});

describe("a script or a list that only reads tells nothing", () => {
  test.each([
    "python3 -c \"print(open('open.ts').read())\"",
    "node -e \"console.log(require('fs').readFileSync('open.ts', 'utf8'))\"",
    "grep -rl 2 . | xargs cat",
    "find . -name '*.ts' -exec grep -n 2 {} +",
    "for f in $(git ls-files); do wc -l $f; done",
    "git diff | git apply --check",
    "cat <<'EOF'\nopen('open.ts', 'w')\nEOF",
  ])("%s", async (line) => {
    expect(await usesOf(line, path.join(base, "top"), AbortSignal.timeout(LIMIT_MS))).toEqual([]);
  });
});

test("a program whose output is asked for is started only where it can change nothing", async () => {
  const marks = ["find-mark", "sort-mark", "rg-mark", "git-mark"];
  const lines = [
    `find . -maxdepth 0 -exec touch ${marks[0]} \\; | xargs rm`,
    `sort -o ${marks[1]} open.ts | xargs rm`,
    `rg --pre 'touch ${marks[2]}' 2 | xargs rm`,
    `git -c core.fsmonitor='touch ${marks[3]}' ls-files | xargs rm`,
    `git diff --output=${marks[3]} | xargs rm`,
  ];
  const top = path.join(base, "top");
  // A git of the line's own, and settings that have git start a program.
  const bin = path.join(base, "bin");
  mkdirSync(bin);
  writeFileSync(path.join(bin, "git"), `#!/bin/sh\ntouch ${path.join(top, "git-mark")}\n`, { mode: 0o755 });
  writeFileSync(path.join(base, "attributes"), "* filter=x\n");
  const filter = `-c core.attributesFile=../attributes -c filter.x.clean='touch ${path.join(top, "git-mark")}; cat'`;
  lines.push(`PATH=${bin}:$PATH git add -A`, `git ${filter} add -A`, `git ${filter} stash`);
  for (const line of lines) await usesOf(line, top, AbortSignal.timeout(LIMIT_MS));
  expect(readdirSync(top).filter((name) => marks.includes(name))).toEqual([]);
});

test("a pipe that is never written to holds the guard up nowhere", async () => {
  const pipe = path.join(base, "pipe");
  execFileSync("mkfifo", [pipe]);
  const lines = [
    "git add --pathspec-from-file=PIPE",
    "git apply PIPE",
    "git apply < PIPE",
    "patch -p1 < PIPE",
    "xargs -a PIPE rm",
  ];
  for (const line of lines)
    expect(await usesOf(line.replaceAll("PIPE", pipe), path.join(base, "top"), AbortSignal.timeout(500))).toEqual([]);
});
