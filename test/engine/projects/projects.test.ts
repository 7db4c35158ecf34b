import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Command, Workplace } from "../../../src/engine/context.js";
import { engineFor } from "../../../src/engine/engine.js";
import { findProject, type Project } from "../../../src/engine/projects/projects.js";
import { createProject, requireProject } from "../../../src/engine/projects/creation.js";
import { updateProject } from "../../../src/engine/projects/updates.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { readWorkplace } from "../../../src/runtime/files/workplace.js";
import type { Store } from "../../../src/store/tx.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../../support/databases/databases.js";
import { replayed } from "../../support/databases/replayed.js";

const OUTSIDE: Workplace = { cwd: "/nowhere", gitRoot: null, caseInsensitive: false };
const repository = (root: string, cwd = root): Workplace => ({ cwd, gitRoot: root, caseInsensitive: false });

const engineAt = (store: Store, workplace: Workplace) =>
  engineFor(
    store,
    { agent: "tester", session: null, clientSession: null, host: "here", workplace, channel: "agent" },
    { version: "test", settings: () => defaultSettings, now: () => 0, effects: [] },
  );

describe.each(BACKENDS)("projects on %s", (backend) => {
  async function fixture() {
    const store = replayed(await (await createDatabase(backend)).open());
    return <T>(workplace: Workplace, command: Command<T>) => engineAt(store, workplace).transact(command);
  }

  test("a first write in a repository makes its project, further ones find it, also from below", async () => {
    const at = await fixture();
    const place = repository("/home/me/My App");
    expect(await at(place, (ctx) => findProject(ctx))).toBeUndefined();
    const made = await at(place, (ctx) => requireProject(ctx));
    expect(made).toMatchObject({ name: "My-App", root: "/home/me/My App", status: "active" });
    const below = repository("/home/me/My App", "/home/me/My App/src/deep");
    expect(await at(below, (ctx) => requireProject(ctx))).toEqual(made);
    expect(await at(OUTSIDE, (ctx) => findProject(ctx, made.id))).toEqual(made);
    expect(await at(OUTSIDE, (ctx) => findProject(ctx, "My-App"))).toEqual(made);
  });

  test("of several around the directory the deepest is meant, and never one beside it", async () => {
    const at = await fixture();
    const create = (name: string, root: string) =>
      at(OUTSIDE, (ctx) => createProject(ctx, { name, root: { path: root, caseInsensitive: false } }));
    await create("outer", "/w");
    await create("inner", "/w/a");
    await create("beside", "/w/ab");
    const nameAt = async (cwd: string) => (await at({ ...OUTSIDE, cwd }, (ctx) => findProject(ctx)))?.name;
    expect(await nameAt("/w/a/b/c")).toBe("inner");
    expect(await nameAt("/w/abc")).toBe("outer");
    expect(await nameAt("/w/ab")).toBe("beside");
    expect(await nameAt("/wx")).toBeUndefined();
  });

  test("two repositories of the same name get a project each", async () => {
    const at = await fixture();
    const names: string[] = [];
    for (const root of ["/a/app", "/b/app", "/c/app"])
      names.push((await at(repository(root), (ctx) => requireProject(ctx))).name);
    expect(names).toEqual(["app", "app-2", "app-3"]);
  });

  test("outside any repository there is one personal project without a root", async () => {
    const at = await fixture();
    const first = await at(OUTSIDE, (ctx) => requireProject(ctx));
    expect(first).toMatchObject({ name: "personal", root: null });
    expect(await at({ ...OUTSIDE, cwd: "/elsewhere" }, (ctx) => requireProject(ctx))).toEqual(first);
    const inRepository = await at(repository("/r/personal"), (ctx) => requireProject(ctx));
    expect(inRepository.name).toBe("personal-1");
  });

  test("a linked worktree is a project of its own, unless its main one shares", async () => {
    const at = await fixture();
    const linked: Workplace = { ...repository("/wt/feature"), worktreeOf: "/main" };
    const main = await at(repository("/main"), (ctx) => requireProject(ctx));
    expect(await at(linked, (ctx) => findProject(ctx))).toBeUndefined();
    await at(OUTSIDE, (ctx) => updateProject(ctx, { project: "main", config: { worktrees: "shared" } }));
    expect((await at(linked, (ctx) => requireProject(ctx))).id).toBe(main.id);
  });

  test("an unknown one is not found, with the nearest name", async () => {
    const at = await fixture();
    await at(repository("/r/backend"), (ctx) => requireProject(ctx));
    for (const command of [findProject, requireProject]) {
      await expect(at(OUTSIDE, (ctx) => command(ctx, "bakend"))).rejects.toMatchObject({
        code: "not_found",
        message: 'There is no project "bakend" (did you mean "backend"?).',
        details: { known: ["backend"] },
      });
    }
  });

  test("made by several at once it is made once", async () => {
    const database = await createDatabase(backend);
    const stores = await Promise.all([1, 2, 3, 4].map(() => database.open()));
    const made = await Promise.all(
      stores.map((store, index) =>
        // Each process makes other ids.
        engineAt(store, repository("/r/one")).transact((ctx) =>
          requireProject({ ...ctx, newId: (kind) => `${ctx.newId(kind)}${index}` }),
        ),
      ),
    );
    expect(new Set(made.map((project: Project) => project.id)).size).toBe(1);
  });
});

describe("a workplace", () => {
  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd, stdio: "ignore" });

  test("knows its git root, and the main one of a linked worktree", () => {
    const top = realpathSync(temporaryDirectory());
    const main = path.join(top, "main");
    mkdirSync(path.join(main, "src"), { recursive: true });
    git(main, "init");
    git(main, "commit", "--allow-empty", "-m", "first");
    git(main, "worktree", "add", "../linked");
    expect(readWorkplace(path.join(main, "src"))).toMatchObject({
      cwd: path.join(main, "src"),
      gitRoot: main,
      worktreeOf: null,
    });
    expect(readWorkplace("linked", top)).toMatchObject({ gitRoot: path.join(top, "linked"), worktreeOf: main });
  });

  test("is the real directory behind a link, and has no git root outside of one", () => {
    const top = realpathSync(temporaryDirectory());
    mkdirSync(path.join(top, "real"));
    symlinkSync(path.join(top, "real"), path.join(top, "link"));
    expect(readWorkplace(path.join(top, "link"))).toMatchObject({ cwd: path.join(top, "real"), gitRoot: null });
  });

  test("is a directory that is there", () => {
    const top = temporaryDirectory();
    writeFileSync(path.join(top, "file"), "");
    expect(() => readWorkplace(path.join(top, "file"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
    expect(() => readWorkplace(path.join(top, "none"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});
