import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { temporaryDirectory } from "../support/databases/databases.js";

function repository(name = "app"): string {
  const root = path.join(realpathSync(temporaryDirectory()), name);
  mkdirSync(root);
  execFileSync("git", ["init"], { cwd: root, stdio: "ignore" });
  return root;
}

const PLAN = {
  name: "plan",
  steps: [
    { key: "a", prompt: "x" },
    { key: "b", prompt: "y", needs: ["a"] },
  ],
};

describe("create_project", () => {
  test("takes the git root here, unless a project has it", async () => {
    const root = repository();
    const { call } = await startApp({ cwd: root });
    expect(await call("create_project", { name: "first" })).toMatchObject({
      project: { name: "first", root, status: "active", config: { worktrees: "per_worktree" } },
      created: true,
    });
    expect(await call("create_project", { name: "second" })).toMatchObject({ project: { root: null }, created: true });
  });

  test("resolves the root it is given: relative, through links", async () => {
    const cwd = realpathSync(temporaryDirectory());
    mkdirSync(path.join(cwd, "real"));
    symlinkSync("real", path.join(cwd, "link"));
    const { call } = await startApp({ cwd });
    const first = await call("create_project", { name: "p", root: "link" });
    expect(first).toMatchObject({ project: { root: path.join(cwd, "real") } });
    expect(await call("create_project", { name: "p", root: path.join(cwd, "real") })).toEqual({
      ...first,
      created: false,
    });
  });

  test("refuses what is no directory", async () => {
    const { call, cwd } = await startApp();
    writeFileSync(path.join(cwd, "file"), "");
    for (const [root, why] of [
      ["none", "does not exist"],
      ["file", "is not a directory"],
      ["file/below", "is not a directory"],
    ] as const) {
      await expect(call("create_project", { name: "p", root })).rejects.toMatchObject({
        code: "invalid_input",
        message: `The root ${root} ${why}: pass an existing directory.`,
      });
    }
    expect(await call("list_projects")).toEqual({ projects: [] });
  });

  test("refuses another's name or root, and other settings for the same project", async () => {
    const { call, cwd } = await startApp();
    for (const name of ["a", "b"]) mkdirSync(path.join(cwd, name));
    await call("create_project", { name: "one", root: "a" });
    await expect(call("create_project", { name: "two", root: "a" })).rejects.toMatchObject({
      code: "conflict",
      details: { name: "one" },
    });
    await expect(call("create_project", { name: "one", root: "b" })).rejects.toMatchObject({ code: "conflict" });
    await expect(call("create_project", { name: "one", config: { max_parallel: 3 } })).rejects.toMatchObject({
      code: "conflict",
      next: [{ tool: "call_operation" }],
    });
  });

  test.each(["-x", "a b", "project_0123456789abcdef", "ä"])("refuses the name %s", async (name) => {
    const { call } = await startApp();
    await expect(call("create_project", { name })).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("checks the configuration as a whole, every problem at once", async () => {
    const { call } = await startApp();
    const config = { worktree: "shared", max_parallel: 0, agents: { lead: ["x"] } };
    await expect(call("create_project", { name: "p", config })).rejects.toMatchObject({
      code: "invalid_input",
      details: {
        problems: expect.arrayContaining([
          { path: "config", message: 'unknown key "worktree" (did you mean "worktrees"?)' },
          { path: "config", message: 'the key "agents" comes with a later version and is not understood yet' },
          expect.objectContaining({ path: "config.max_parallel" }),
        ]),
      },
    });
  });
});

describe("update_project", () => {
  test("changes what is named, takes null back to the default, and says what is different", async () => {
    const { call } = await startApp({ channel: "human" });
    await call("create_project", { name: "p", description: "old", config: { max_parallel: 2, retention_days: 5 } });
    const answer = await call("update_project", {
      project: "p",
      description: "new",
      config: { max_parallel: null, worktrees: "shared" },
    });
    expect(answer).toMatchObject({
      project: { description: "new", config: { worktrees: "shared", retention_days: 5 } },
      changed: [
        { name: "config.worktrees", from: "per_worktree", to: "shared" },
        { name: "config.max_parallel", from: 2, to: null },
        { name: "description", from: "old", to: "new" },
      ],
    });
    expect(await call("update_project", { project: "p", description: "new" })).toMatchObject({ changed: [] });
  });

  test("has a map from roles to tiers, each tier by itself, and refuses one that is no map", async () => {
    const { call } = await startApp();
    const map = { lead: ["reviewer"], architect: ["cto"] };
    expect(await call("create_project", { name: "p", config: { supervision: map } })).toMatchObject({
      project: { config: { supervision: map } },
    });
    const set = (supervision: unknown) => call("update_project", { project: "p", config: { supervision } });
    expect(await set({ lead: ["reviewer", "pm"] })).toMatchObject({
      project: { config: { supervision: { lead: ["reviewer", "pm"] } } },
      changed: [{ name: "config.supervision", from: map, to: { lead: ["reviewer", "pm"] } }],
    });
    for (const [wrong, at, message] of [
      [{ lead: ["cto"], architect: ["cto"] }, "config.supervision", "one tier"],
      [{ execution: ["backend"] }, "config.supervision", "all roles that lead and architect do not name execute"],
      [{ lead: ["tech lead"] }, "config.supervision.lead[0]", "name of a role"],
      [{ lead: [] }, "config.supervision.lead", ">=1"],
      [{ lead: ["a", "a"] }, "config.supervision.lead", "twice"],
      [["lead"], "config.supervision", "object"],
    ] as const)
      await expect(set(wrong)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(message),
        details: { problems: [expect.objectContaining({ path: at })] },
      });
    expect(await set(null)).toMatchObject({ project: { config: { worktrees: "per_worktree" } } });
  });

  test("takes a key under its former name, and takes it back under either", async () => {
    const { call } = await startApp();
    const created = await call("create_project", { name: "p", config: { letter_replays: 2 } });
    expect(created).toMatchObject({ project: { config: { dead_letter_replays: 2 } } });
    expect(await call("update_project", { project: "p", config: { letter_replays: null } })).toMatchObject({
      project: { config: { worktrees: "per_worktree" } },
      changed: [{ name: "config.dead_letter_replays", from: 2, to: null }],
    });
  });

  test("decides how long finished runs stay and how many tasks of a run go at once", async () => {
    const { call, advance, clock } = await startApp({ channel: "human" });
    const day = 86_400_000;
    for (const [name, config] of [
      ["short", { retention_days: 1, max_parallel: 1 }],
      ["usual", {}],
      ["long", { retention_days: 1_000 }],
    ] as const) {
      await call("create_project", { name, config });
      const started = await call("execute_workflow", { project: name, definition: PLAN });
      await call("control_run", { run: started.run.id, action: "cancel" });
      expect(started).toMatchObject({ run: { max_parallel: name === "short" ? 1 : 10_000 } });
    }
    const projectsWithRuns = async () => {
      const { projects } = await call("list_projects");
      return projects.filter(({ runs }) => runs > 0).map(({ name }) => name);
    };
    await advance(day + 1_000);
    expect(await projectsWithRuns()).toEqual(["long", "usual"]);
    clock.advance(89 * day);
    await advance(1_000);
    expect(await projectsWithRuns()).toEqual(["long"]);
  });

  test("decides as well how long tasks without a workflow stay", async () => {
    const { call, advance, clock } = await startApp({ channel: "human" });
    const names = ["short", "long"];
    for (const project of names) {
      await call("create_project", { name: project, config: { retention_days: project === "short" ? 1 : 1_000 } });
      const { task } = await call("create_task", { project, title: "t", prompt: "p" });
      await call("cancel_task", { task: task.id });
    }
    const left = async () => {
      const lists = names.map(async (project) => (await call("list_tasks", { project })).tasks);
      return (await Promise.all(lists)).map(({ length }) => length);
    };
    expect(await left()).toEqual([1, 1]);
    clock.advance(91 * 86_400_000);
    await advance(10_000);
    expect(await left()).toEqual([0, 1]);
  });

  test("leaves to a person how long finished runs stay, also of a new project", async () => {
    const { call, callUnchecked, database } = await startApp();
    await call("create_project", { name: "p", description: "old" });
    const person = await startApp({ database, channel: "human", agent: "person" });
    const refusal = { code: "not_permitted", details: { setting: "config.retention_days", permitted: ["human"] } };
    const shorter = { config: { retention_days: 0 } };
    for (const [name, input] of [
      ["update_project", { project: "p", description: "new", ...shorter }],
      ["configure", { scope: "p", settings: shorter.config }],
      ["create_project", { name: "q", ...shorter }],
    ] as const) {
      await expect(callUnchecked(name, input), `by ${name}`).rejects.toMatchObject(refusal);
    }
    expect(await call("list_projects")).toMatchObject({ projects: [{ name: "p", description: "old" }] });
    await person.call("update_project", { project: "p", config: { retention_days: 400 } });
    await expect(call("update_project", { project: "p", config: { retention_days: null } })).rejects.toMatchObject(
      refusal,
    );
    const other = { project: "p", config: { retention_days: 400, max_parallel: 3 } };
    expect(await call("update_project", other)).toMatchObject({ changed: [{ name: "config.max_parallel" }] });
  });

  test("changes nothing when a part is wrong", async () => {
    const { call } = await startApp();
    await call("create_project", { name: "p" });
    const wrong = { project: "p", description: "new", config: { retention_days: -1 } };
    await expect(call("update_project", wrong)).rejects.toMatchObject({ code: "invalid_input" });
    expect(await call("list_projects")).toMatchObject({ projects: [{ description: null }] });
  });
});

describe("archive_project and restore_project", () => {
  test("refuse while a run is active, unless forced, and bring everything back", async () => {
    const { call } = await startApp({ agent: "ann" });
    await call("create_project", { name: "p" });
    const started = await call("execute_workflow", { project: "p", definition: PLAN });
    const { id } = started.run;
    await call("create_task", { project: "p", title: "t", prompt: "x" });
    await expect(call("archive_project", { project: "p" })).rejects.toMatchObject({
      code: "invalid_transition",
      details: { active_runs: [id], count: 1 },
      next: [{ tool: "control_run", arguments: { run: id, action: "cancel" } }],
    });
    expect(await call("archive_project", { project: "p", force: true })).toMatchObject({
      project: { status: "archived" },
      cancelled_runs: [id],
    });
    expect(await call("get_run", { run: id })).toMatchObject({ run: { status: "cancelled" } });
    expect(await call("claim_task", { project: "p" }).catch((error: unknown) => error)).not.toMatchObject({
      outcome: "claimed",
    });
    await expect(call("create_task", { project: "p", title: "t", prompt: "x" })).rejects.toMatchObject({
      code: "invalid_transition",
      next: [{ tool: "call_operation", arguments: { name: "restore_project", arguments: { project: "p" } } }],
    });
    expect(await call("list_projects", { status: "archived" })).toMatchObject({ projects: [{ name: "p" }] });
    expect(await call("restore_project", { project: "p" })).toMatchObject({ project: { status: "active" } });
    expect(await call("claim_task", { project: "p" })).toMatchObject({ outcome: "claimed", task: { title: "t" } });
  });
});

describe("list_projects and get_project_status", () => {
  test("page by name", async () => {
    const { call } = await startApp();
    for (const name of ["c", "a", "d", "b"]) await call("create_project", { name });
    const page = await call("list_projects", { limit: 3 });
    expect(page).toMatchObject({ projects: [{ name: "a" }, { name: "b" }, { name: "c" }], next_cursor: "c" });
    const rest = await call("list_projects", { limit: 3, cursor: "c" });
    expect(rest).toEqual({ projects: [expect.objectContaining({ name: "d", runs: 0, progress: null })] });
  });

  test("show runs, progress, who works and locks, from what is recorded", async () => {
    const { call } = await startApp({ agent: "ann" });
    await call("create_project", { name: "p" });
    await call("execute_workflow", { project: "p", definition: PLAN });
    const claimed = await call("claim_task", { project: "p" });
    await call("acquire_file_lock", { project: "p", paths: ["src/a.ts", "src/b.ts"] });
    expect(await call("get_project_status", { project: "p" })).toMatchObject({
      runs: { running: 1 },
      active_runs: [{ name: "plan", progress: 0 }],
      progress: 0,
      tasks: { running: 1, pending: 1, ready: 0 },
      agents: [{ agent: "ann", tasks: [{ id: claimed.task!.id, key: "a" }] }],
      locks: { held: 2, waiting: 0 },
    });
    await call("complete_task", { task: claimed.task!.id, token: claimed.lease!.token });
    expect(await call("get_project_status", { project: "p" })).toMatchObject({ progress: 50, agents: [] });
    expect(await call("list_projects")).toMatchObject({ projects: [{ runs: 1, active_runs: 1, progress: 50 }] });
  });

  test("need a project", async () => {
    const { call } = await startApp();
    await expect(call("get_project_status")).rejects.toMatchObject({ code: "not_found" });
  });
});
