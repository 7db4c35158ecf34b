import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readState, replaceFile } from "../../src/init/file-state.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { MAIN } from "../support/servers/command-line.js";

/** Far longer than it takes, and shorter than a pipe without a writer. */
const TIME_MAX_MS = 60_000;

function batonIn(cwd: string, ...args: string[]) {
  const home = temporaryDirectory();
  const env = { PATH: process.env["PATH"], HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
  return spawnSync(process.execPath, [MAIN, ...args], { cwd, env, encoding: "utf8", timeout: TIME_MAX_MS });
}

describe("baton init", () => {
  test.each([
    ["a pipe", (hook: string) => execFileSync("mkfifo", [hook]), "it is no file"],
    ["a directory", (hook: string) => mkdirSync(hook), "it is a directory"],
  ])("goes on past %s in place of a hook", (_, put, why) => {
    const cwd = realpathSync(temporaryDirectory());
    execFileSync("git", ["init", "-q"], { cwd });
    put(path.join(cwd, ".git/hooks/pre-commit"));
    const { status, stdout } = batonIn(cwd, "init", "--yes", "--client", "claude-code");
    expect(status).toBe(0);
    expect(stdout).toContain(`left as it is  .git/hooks/pre-commit: ${why}`);
    expect(readdirSync(cwd)).toContain(".mcp.json");
  });

  test("writes nothing through a directory that became a link since it was read", () => {
    const root = realpathSync(temporaryDirectory());
    const outside = realpathSync(temporaryDirectory());
    const directory = path.join(root, ".cursor");
    mkdirSync(directory);
    writeFileSync(path.join(directory, "mcp.json"), "{}");
    writeFileSync(path.join(outside, "mcp.json"), "{}");
    const state = readState(path.join(directory, "mcp.json"), [root]);
    renameSync(directory, `${directory}-before`);
    symlinkSync(outside, directory);
    expect(() => replaceFile(state, Buffer.from("{1}"), 0o644)).toThrow("replaced by a symbolic link");
    expect(() => replaceFile(state, undefined, 0o644)).toThrow("replaced by a symbolic link");
    expect(readdirSync(outside)).toEqual(["mcp.json"]);
    rmSync(directory);
  });
});

test("baton import refuses a pipe without a writer, which would never end", () => {
  const cwd = temporaryDirectory();
  execFileSync("mkfifo", [path.join(cwd, "plan.md")]);
  const { status, stderr } = batonIn(cwd, "import", "plan.md");
  expect(status).toBe(2);
  expect(stderr).toContain("plan.md is a pipe, which may never end. Standard input is read by: baton import -");
});

test("baton import refuses a device, which would never end", () => {
  const { status, stderr } = batonIn(temporaryDirectory(), "import", "/dev/zero");
  expect(status).toBe(2);
  expect(stderr).toContain("/dev/zero is a device");
});
