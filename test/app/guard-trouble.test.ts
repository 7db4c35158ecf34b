import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { SCHEMA_VERSION } from "../../src/store/migrations/index.js";
import { isLong } from "../support/counts.js";
import { migratedFile, temporaryDirectory } from "../support/databases/databases.js";
import { MAIN } from "../support/servers/command-line.js";

function placeOf(database: string) {
  const cwd = realpathSync(temporaryDirectory());
  const home = temporaryDirectory();
  execFileSync("git", ["init", "-q"], { cwd });
  const env = { PATH: process.env["PATH"], HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, BATON_DB: database };
  const start = (...args: string[]) => spawn(process.execPath, [MAIN, ...args], { cwd, env });
  const run = (args: readonly string[], input = "") =>
    spawnSync(process.execPath, [MAIN, ...args], { cwd, env, input, encoding: "utf8" });
  const shell = (line: string) => spawnSync("sh", ["-c", line], { cwd, env, encoding: "utf8" }).stdout;
  return { cwd, start, run, shell, hook: (file: string) => run(["guard", "claude-code"], editOf(cwd, file)) };
}

function editOf(cwd: string, file: string): string {
  const tool_input = { file_path: path.join(cwd, file), old_string: "a", new_string: "b" };
  const call = { session_id: "one", cwd, hook_event_name: "PreToolUse", tool_name: "Edit", tool_input };
  return JSON.stringify({ transcript_path: "/nowhere/t.jsonl", permission_mode: "default", ...call });
}

test("a hook whose standard input never ends lets the work go on", async () => {
  const { start, cwd } = placeOf(migratedFile());
  const hook = start("guard", "claude-code");
  let said = "";
  hook.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  hook.stdin.write(editOf(cwd, "a.ts"));
  expect(await once(hook, "close")).toEqual([0, null]);
  expect(said).toContain("not whole within 2500 ms; the work goes on");
  hook.stdin.destroy();
});

test("a hook reads its document whole however it comes: over a socket, a pipe, from a file, late and in parts", async () => {
  const { start, run, hook, shell, cwd } = placeOf(migratedFile());
  expect(run(["call", "acquire_file_lock", "--agent", "zoe", "--paths", "a.ts"]).status).toBe(0);
  const document = path.join(temporaryDirectory(), "document");
  writeFileSync(document, editOf(cwd, "a.ts"));
  const guarded = `${process.execPath} ${MAIN} guard claude-code`;
  for (const said of [hook("a.ts").stdout, shell(`cat ${document} | ${guarded}`), shell(`${guarded} < ${document}`)])
    expect(said).toContain("a.ts is held by zoe");
  const late = start("guard", "claude-code");
  let said = "";
  late.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await once(late, "spawn");
  const text = editOf(cwd, "a.ts");
  for (const part of [text.slice(0, 40), text.slice(40)])
    await new Promise((resolve) => late.stdin.write(part, resolve));
  late.stdin.end();
  await once(late, "close");
  expect(said).toContain("a.ts is held by zoe");
  const huge = editOf(cwd, "a.ts").replace("}}", `,"content":"${"x".repeat(200_000)}"}}`);
  writeFileSync(document, huge);
  expect(shell(`cat ${document} | ${guarded}`)).toContain("a.ts is held by zoe");
});

test("a database of a newer version lets the work go on, and the hook says so once", () => {
  const database = migratedFile();
  const raw = new Database(database);
  raw.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  raw.close();
  const { hook } = placeOf(database);
  const first = hook("a.ts");
  expect(first).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(first.stdout)).toEqual({
    systemMessage: expect.stringMatching(/could not be asked.*restart to update/),
  });
  expect(hook("a.ts")).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

function sh(line: string) {
  return spawnSync("sh", ["-c", line]);
}

/** Where no file system may be mounted there is no small disk to fill. */
const canMount = process.platform === "linux" && sh("unshare -m true").status === 0;

test.runIf(canMount)("a full disk of the database lets the work go on, and the database stays whole", () => {
  const disk = temporaryDirectory();
  expect(sh(`mount -t tmpfs -o size=4m tmpfs ${disk}`).status).toBe(0);
  onTestFinished(() => {
    sh(`umount ${disk}`);
  });
  const database = path.join(disk, "baton.db");
  const { run, hook } = placeOf(database);
  expect(run(["call", "acquire_file_lock", "--paths", '["held.ts"]', "--agent", "zoe"]).status).toBe(0);
  sh(`cat /dev/zero > ${disk}/full`);
  for (const file of ["a.ts", "b.ts"]) {
    const { status, stdout } = hook(file);
    expect(status).toBe(0);
    expect(stdout).not.toContain("deny");
  }
  rmSync(path.join(disk, "full"));
  expect(hook("held.ts").stdout).toContain("held.ts is held by zoe");
});

const KILLS = isLong ? 20 : 2;

test("hooks that are killed at any moment leave no lock that no session holds, and a whole database", async () => {
  const database = migratedFile();
  const { cwd, start, run, hook } = placeOf(database);
  mkdirSync(path.join(cwd, "src"));
  writeFileSync(path.join(cwd, "src/a.ts"), "a\n");
  expect(run(["call", "acquire_file_lock", "--paths", '["held.ts"]', "--agent", "zoe"]).status).toBe(0);
  const from = performance.now();
  hook("src/whole.ts");
  const wholeMs = performance.now() - from;
  for (let kill = 0; kill < KILLS; kill++) {
    const killed = start("guard", "claude-code");
    killed.stdin.on("error", () => {});
    killed.stdin.end(editOf(cwd, `src/${kill}.ts`));
    const timer = setTimeout(() => killed.kill("SIGKILL"), (wholeMs * (kill + 0.5)) / KILLS);
    await once(killed, "close");
    clearTimeout(timer);
  }
  const raw = new Database(database);
  onTestFinished(() => void raw.close());
  expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(raw.pragma("foreign_key_check")).toEqual([]);
  const stray = "SELECT path FROM file_locks WHERE session IS NOT NULL AND session NOT IN (SELECT id FROM sessions)";
  expect(raw.prepare(stray).all()).toEqual([]);
  expect(hook("held.ts").stdout).toContain("held.ts is held by zoe");
  for (let kill = 0; kill < KILLS; kill++) expect(hook(`src/${kill}.ts`).stdout).toBe("");
});
