import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { headOf } from "../../../src/runtime/git/git-reader.js";
import { ownDiff } from "../../../src/runtime/git/own-diff.js";

const BY = ["-c", "user.name=a", "-c", "user.email=a@b.c"];

/** A repository with one commit of some files. */
function repository(files: Record<string, string>) {
  const root = mkdtempSync(path.join(tmpdir(), "baton-diff-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]) => execFileSync("git", [...BY, ...args], { cwd: root, stdio: "pipe" }).toString();
  const write = (name: string, text: string | Buffer) => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  git("init", "-q");
  for (const [name, text] of Object.entries(files)) write(name, text);
  const commit = (message: string) => (
    git("add", "-A"),
    git("commit", "-qm", message),
    git("rev-parse", "HEAD").trim()
  );
  return { root, git, write, commit, base: commit("first") };
}

const inSrc = (file: string) => file.startsWith("src/");
const textOf = async (request: Parameters<typeof ownDiff>[0]) => {
  const diff = await ownDiff(request);
  return "text" in diff ? diff.text : `why: ${diff.why}`;
};

describe("the diff of a task's own files", () => {
  test("has what was committed since, changed, added and removed, and nothing of others", async () => {
    const { root, write, git, commit, base } = repository({
      "src/a.ts": "one\n",
      "src/b.ts": "b\n",
      "other.ts": "x\n",
    });
    write("src/a.ts", "two\n");
    const before = await textOf({ root, base, isOwn: inSrc });
    expect(before).toContain("-one\n+two\n");
    commit("second");
    // Committed or not, the files are the same, and so is the text.
    expect(await textOf({ root, base, isOwn: inSrc })).toBe(before);
    write("other.ts", "y\n");
    write("src/new file.ts", "new\n");
    git("rm", "-q", "src/b.ts");
    const after = await textOf({ root, base, isOwn: inSrc });
    expect(after).toContain("+++ b/src/new file.ts");
    expect(after).toContain("--- a/src/b.ts\n+++ /dev/null");
    expect(after).not.toContain("other.ts");
    expect(await ownDiff({ root, base, isOwn: inSrc })).toMatchObject({ commit: git("rev-parse", "HEAD").trim() });
  });

  test("names binary and large files with the hash of their content, and tells a mode and a link", async () => {
    const { root, write, base } = repository({ "src/run.sh": "ls\n", "src/bin": "text\n" });
    write("src/bin", Buffer.from([0, 1, 2]));
    write("src/large.txt", "x".repeat(600_000));
    chmodSync(path.join(root, "src/run.sh"), 0o755);
    symlinkSync("/etc/passwd", path.join(root, "src/link"));
    const text = await textOf({ root, base, isOwn: inSrc });
    expect(text).toMatch(/File src\/bin has changed \(binary\): 3 bytes, sha256 [0-9a-f]{64}/);
    expect(text).toMatch(/File src\/large.txt has changed \(large\): 600000 bytes/);
    expect(text).toContain("mode of src/run.sh: 100644 to 100755");
    expect(text).toContain("+/etc/passwd");
    expect(text).not.toContain("root:");
    write("src/bin", Buffer.from([0, 1, 3]));
    expect(await textOf({ root, base, isOwn: inSrc })).not.toBe(text);
  });

  test("runs nothing that a repository configures", async () => {
    const { root, git, write, base } = repository({ "src/a.ts": "one\n" });
    const marker = path.join(root, "ran");
    const evil = path.join(root, "evil.sh");
    writeFileSync(evil, `#!/bin/sh\ntouch ${marker}\ncat\n`);
    chmodSync(evil, 0o755);
    for (const key of [
      "diff.external",
      "core.fsmonitor",
      "core.pager",
      "core.sshCommand",
      "core.editor",
      "diff.e.textconv",
      "diff.e.command",
      "filter.e.clean",
      "filter.e.smudge",
      "filter.e.process",
    ])
      git("config", key, evil);
    git("config", "filter.e.required", "true");
    git("config", "core.hooksPath", root);
    for (const hook of ["post-index-change", "pre-commit", "fsmonitor-watchman"]) {
      writeFileSync(path.join(root, hook), `#!/bin/sh\ntouch ${marker}\n`);
      chmodSync(path.join(root, hook), 0o755);
    }
    writeFileSync(path.join(root, ".gitattributes"), "* filter=e diff=e\n");
    write("src/a.ts", "two\n");
    // Git itself runs them, and ends with an error, as one of them is no filter.
    spawnSync("git", ["diff"], { cwd: root, stdio: "pipe" });
    expect(existsSync(marker)).toBe(true);
    rmSync(marker);
    expect(await textOf({ root, base, isOwn: inSrc })).toContain("-one\n+two\n");
    expect(await headOf(root)).toBe(base);
    expect(existsSync(marker)).toBe(false);
  });

  test("says why there is none", async () => {
    const bare = mkdtempSync(path.join(tmpdir(), "baton-diff-"));
    onTestFinished(() => rmSync(bare, { recursive: true, force: true }));
    expect(await textOf({ root: bare, base: null, isOwn: inSrc })).toContain("no git repository");
    const { root } = repository({ "src/a.ts": "one\n" });
    expect(await textOf({ root, base: "0".repeat(40), isOwn: inSrc })).toContain("is gone");
  });
});
