import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { startApp, startAppOn } from "../../support/servers/app.js";

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd, stdio: "pipe" });

function repository(): { top: string; root: string } {
  const top = realpathSync(temporaryDirectory());
  const root = path.join(top, "app");
  mkdirSync(path.join(root, "packages/web"), { recursive: true });
  git(root, "init", "-q");
  git(root, "commit", "-qm", "first", "--allow-empty");
  return { top, root };
}

/** Writes as an agent, so that the session opens. */
const LOCK = { agent: "a", paths: ["x.ts"] };

describe.each(BACKENDS)("a moved repository on %s", (backend) => {
  test("is found again with the projects below it, and stays found by the processes that began before", async () => {
    const { top, root } = repository();
    const runtime = testRuntime();
    const shared = { runtime, storeHooks: { now: () => runtime.clock.now() } };
    const before = await startAppOn(backend, { ...shared, cwd: root });
    await before.call("acquire_file_lock", { ...LOCK, ttl_seconds: 3600 });
    const inner = path.join(root, "packages/web");
    await before.call("create_project", { name: "web", root: inner });
    const to = path.join(top, "elsewhere");
    renameSync(root, to);

    const after = await startApp({ ...shared, cwd: to, database: before.database });
    expect(await after.call("get_project_status")).toMatchObject({ project: { name: "app" } });
    expect((await after.call("acquire_file_lock", { ...LOCK, agent: "b" })).outcome).toBe("denied");
    const rootsOf = async () => (await after.call("list_projects")).projects.map((one) => [one["name"], one["root"]]);
    const moved = [
      ["app", to],
      ["web", path.join(to, "packages/web")],
    ];
    expect(await rootsOf()).toEqual(moved);
    expect(await before.call("release_file_lock", LOCK)).toMatchObject({ released: ["x.ts"] });
    await before.call("acquire_file_lock", LOCK);
    expect(await rootsOf()).toEqual(moved);
  });
});

test("a copy of a repository is a project of its own", async () => {
  const { top, root } = repository();
  const first = await startApp({ cwd: root });
  await first.call("acquire_file_lock", LOCK);
  cpSync(root, path.join(top, "copy"), { recursive: true });
  const copy = await startApp({ cwd: path.join(top, "copy"), database: first.database });
  expect((await copy.call("acquire_file_lock", { ...LOCK, agent: "b" })).outcome).toBe("granted");
});

test("a worktree that git has moved keeps its project", async () => {
  const { top, root } = repository();
  git(root, "worktree", "add", "-q", "../feature");
  const before = await startApp({ cwd: path.join(top, "feature") });
  await before.call("acquire_file_lock", LOCK);
  git(root, "worktree", "move", "../feature", "../renamed");
  const after = await startApp({ cwd: path.join(top, "renamed"), database: before.database });
  expect((await after.call("acquire_file_lock", { ...LOCK, agent: "b" })).outcome).toBe("denied");
});

test("worktrees of a bare repository are scopes of their own, or one scope where one of their projects shares", async () => {
  const { top, root } = repository();
  const layout = path.join(top, "layout");
  git(top, "clone", "-q", "--bare", root, path.join(layout, ".bare"));
  writeFileSync(path.join(layout, ".git"), "gitdir: ./.bare\n");
  for (const name of ["one", "two"]) git(layout, "worktree", "add", "-q", name, "-b", name);
  const one = await startApp({ cwd: path.join(layout, "one") });
  const at = (name: string) => startApp({ cwd: path.join(layout, name), database: one.database });
  await one.call("acquire_file_lock", LOCK);
  const two = await at("two");
  expect((await two.call("acquire_file_lock", { ...LOCK, agent: "b", paths: ["x.ts"] })).outcome).toBe("granted");
  const { project } = await two.call("get_project_status");
  await two.call("archive_project", { project: project.id });
  const main = await one.call("get_project_status");
  await one.call("update_project", { project: main.project.id, config: { worktrees: "shared" } });
  const again = await at("two");
  for (const file of ["x.ts", path.join(layout, "two/x.ts")])
    expect((await again.call("acquire_file_lock", { ...LOCK, agent: "c", paths: [file] })).outcome).toBe("denied");
});

test("update_project says where a project lies now, and an empty description clears it", async () => {
  const { top, root } = repository();
  const { call } = await startApp({ cwd: root });
  await call("create_project", { name: "app", description: "old" });
  await call("create_project", { name: "taken", root: top });
  const to = path.join(top, "copy");
  cpSync(root, to, { recursive: true });
  await expect(call("create_project", { name: "app", root: to })).rejects.toMatchObject({
    code: "conflict",
    next: [{ tool: "call_operation", arguments: { name: "update_project", arguments: { project: "app", root: to } } }],
  });
  expect(await call("update_project", { project: "app", root: to, description: "" })).toMatchObject({
    project: { root: to, description: null },
    changed: [
      { name: "root", from: root, to },
      { name: "description", from: "old", to: null },
    ],
  });
  await expect(call("update_project", { project: "app", root: top })).rejects.toMatchObject({ code: "conflict" });
  await expect(call("update_project", { project: "app", root: path.join(top, "none") })).rejects.toMatchObject({
    message: expect.stringContaining("does not exist"),
  });
});
