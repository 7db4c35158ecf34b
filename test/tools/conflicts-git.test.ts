import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BACKENDS, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

const MINUTE = 60_000;

async function repositoryOn(backend: (typeof BACKENDS)[number], config: Record<string, unknown> = {}, withGit = true) {
  const cwd = realpathSync(temporaryDirectory());
  const runtime = testRuntime();
  const at = () => new Date(runtime.clock.now());
  const gitIn =
    (directory: string) =>
    (...args: string[]) => {
      const when = at().toISOString();
      const env = { ...process.env, GIT_COMMITTER_DATE: when, GIT_AUTHOR_DATE: when };
      const by = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
      return execFileSync("git", [...by, ...args], { cwd: directory, stdio: "pipe", env })
        .toString()
        .trim();
    };
  const git = gitIn(cwd);
  const write = (name: string, text: string, directory = cwd) => {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    appendFileSync(file, text);
    utimesSync(file, at(), at());
  };
  for (const name of ["src/a.ts", "src/b.ts", "src/c.ts"]) write(name, "one\n");
  writeFileSync(path.join(cwd, ".gitignore"), "dist/\n");
  if (withGit) {
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "first");
  }
  const shared = { runtime, storeHooks: { now: () => runtime.clock.now() } };
  const app = await startAppOn(backend, { ...shared, cwd });
  const { call } = app;
  await call("register_agent", { name: "ann" });
  await call("create_project", { name: "shop", root: cwd, config, agent: "ann" });
  runtime.clock.advance(MINUTE);
  const lock = (paths: string[]) => call("acquire_file_lock", { project: "shop", agent: "ann", paths });
  const release = () => call("release_file_lock", { project: "shop", agent: "ann", all: true });
  const detect = async () => (await call("detect_conflicts", { project: "shop" })).conflicts;
  const paths = async () => (await detect()).flatMap(({ parties }) => parties[0]?.paths ?? []);
  return { app, call, cwd, git, gitIn, write, lock, release, detect, paths, shared, runtime };
}

describe.each(BACKENDS)("edits without a lock on %s", (backend) => {
  const repository = (config?: Record<string, unknown>, withGit?: boolean) => repositoryOn(backend, config, withGit);

  test("are found with the file, the time and who may have made them, until they are committed", async () => {
    const { app, call, git, write, lock, detect, runtime } = await repository();
    await lock(["src/a.ts"]);
    write("src/a.ts", "two\n");
    write("dist/out.js", "built\n");
    expect(await detect()).toEqual([]);
    write("src/b.ts", "two\n");
    const [edit, ...others] = await detect();
    expect(others).toEqual([]);
    expect(edit).toMatchObject({ kind: "unlocked_edit", status: "open" });
    expect(edit?.parties).toEqual([{ role: "may_have_edited", agent: "ann", paths: ["src/b.ts"] }]);
    expect(edit?.detail).toContain(`src/b.ts changed at ${new Date(runtime.clock.now()).toISOString()}`);
    expect((await call("detect_conflicts", { project: "shop" })).left_out).toBeUndefined();
    git("commit", "-qam", "second");
    // The tick asks git too, before anyone is bothered.
    await app.advance(6 * MINUTE);
    const { conflicts } = await call("list_conflicts", { project: "shop" });
    expect(conflicts).toMatchObject([{ id: edit?.id, status: "gone" }]);
  });

  test("are not those at whose time a lock was held, and are those before and after it", async () => {
    const { write, lock, release, paths, cwd, runtime } = await repository();
    write("src/b.ts", "two\n");
    runtime.clock.advance(5 * MINUTE);
    await lock(["src/**"]);
    write("src/a.ts", "two\n");
    write("src/new.ts", "new\n");
    rmSync(path.join(cwd, "src/c.ts"));
    runtime.clock.advance(MINUTE);
    await release();
    expect(await paths()).toEqual(["src/b.ts"]);
    runtime.clock.advance(MINUTE);
    write("src/a.ts", "three\n");
    expect(await paths()).toEqual(["src/a.ts", "src/b.ts"]);
    await lock(["src/a.ts", "src/b.ts"]);
    expect(await paths()).toEqual(["src/b.ts"]);
  });

  test("are not those of a person before an agent worked there, nor of a file that is only touched or has other line ends", async () => {
    const { write, detect, lock, cwd, runtime } = await repository();
    await lock(["README.md"]);
    const now = new Date(runtime.clock.now());
    utimesSync(path.join(cwd, "src/a.ts"), now, now);
    writeFileSync(path.join(cwd, "src/c.ts"), "one\r\n");
    utimesSync(path.join(cwd, "src/c.ts"), now, now);
    const long = new Date(Date.UTC(2025, 0, 1));
    write("src/b.ts", "two\n");
    utimesSync(path.join(cwd, "src/b.ts"), long, long);
    expect(await detect()).toEqual([]);
  });

  test("are none where no agent keeps others out by locks", async () => {
    const { write, paths, lock } = await repository();
    write("src/a.ts", "two\n");
    expect(await paths()).toEqual([]);
    await lock(["src/b.ts"]);
    expect(await paths()).toEqual(["src/a.ts"]);
  });

  test("are found without running a filter that the repository configures, and without the files that it filters", async () => {
    const { git, write, paths, lock, cwd } = await repository();
    const ran = path.join(realpathSync(temporaryDirectory()), "ran");
    await lock(["README.md"]);
    git("config", "filter.own.clean", `touch ${ran}; cat`);
    git("config", "filter.own.required", "true");
    writeFileSync(path.join(cwd, ".git/info/attributes"), "src/a.ts filter=own\nsrc/c.ts filter=own\n");
    // Files that were written after the index are compared by content.
    const older = () => utimesSync(path.join(cwd, ".git/index"), 1, 1);
    older();
    git("diff-index", "HEAD");
    expect(existsSync(ran)).toBe(true);
    rmSync(ran);
    older();
    write("src/b.ts", "two\n");
    write("src/c.ts", "two\n");
    expect(await paths()).toEqual(["src/b.ts"]);
    expect(existsSync(ran)).toBe(false);
  });

  test("are found in the worktrees that share their paths, where a lock of another worktree covers nothing", async () => {
    const { app, git, gitIn, write, lock, detect, shared } = await repository({ worktrees: "shared" });
    const tree = path.join(realpathSync(temporaryDirectory()), "tree");
    git("worktree", "add", "-q", tree);
    const ben = await startApp({ ...shared, database: app.database, cwd: tree });
    await ben.call("register_agent", { name: "ben" });
    await lock(["src/a.ts"]);
    write("src/a.ts", "two\n");
    write("src/a.ts", "three\n", tree);
    const [edit, ...others] = await detect();
    expect(others).toEqual([]);
    expect(edit?.parties).toEqual([{ role: "may_have_edited", agent: "ben", paths: ["src/a.ts"] }]);
    expect(edit?.detail).toContain(tree);
    gitIn(tree)("checkout", "-q", "src/a.ts");
    expect(await detect()).toEqual([]);
  });

  test("are left out, with the reason, where there is no repository", async () => {
    const { call, cwd } = await repository({}, false);
    const { left_out } = await call("detect_conflicts", { project: "shop" });
    expect(left_out).toEqual([
      { kind: "unlocked_edit", why: `there is no git repository at ${cwd}, or git cannot read it` },
    ]);
  });
});

describe.each(BACKENDS)("merges of work trees on %s", (backend) => {
  /** Two agents at work on a run, each in a work tree of its own. */
  async function pair(config: Record<string, unknown> = { worktrees: "shared" }) {
    const made = await repositoryOn(backend, config);
    const { app, call, git, gitIn, shared } = made;
    const tree = path.join(realpathSync(temporaryDirectory()), "tree");
    git("worktree", "add", "-q", tree);
    const ben = await startApp({ ...shared, database: app.database, cwd: tree });
    await ben.call("register_agent", { name: "ben" });
    const { run } = await new Crew(app).start(
      [
        { key: "one", estimate_ms: 2 * MINUTE },
        { key: "other", estimate_ms: MINUTE },
      ],
      { project: "shop" },
    );
    const taken = await new Crew(app).take("ann", { run: run.id });
    const held = await new Crew(ben).take("ben", { run: run.id });
    const detect = async () => (await call("detect_conflicts", { run: run.id })).conflicts;
    return { ...made, tree, ben, taken, held, run: run.id, detect, benGit: gitIn(tree) };
  }

  test("that conflict are found with both tasks and their files, committed or not, and leave nothing in the repository", async () => {
    const { git, cwd, taken, held, write, detect, tree, benGit, run } = await pair();
    expect(await detect()).toEqual([]);
    write("src/a.ts", "ann\n");
    write("src/c.ts", "ann\n");
    git("commit", "-qam", "ann's");
    write("src/a.ts", "ben\n", tree);
    write("src/new.ts", "ben\n", tree);
    rmSync(path.join(tree, "src/c.ts"));
    const before = git("count-objects", "-v");
    const [found, ...others] = await detect();
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: "merge", run, status: "open" });
    expect(found?.parties.toSorted((a, b) => ((a.key ?? "") < (b.key ?? "") ? -1 : 1))).toEqual([
      {
        role: "merges",
        task: taken.id,
        key: "one",
        agent: "ann",
        paths: ["src/a.ts", "src/c.ts"],
        work_tree: cwd,
        commit: git("rev-parse", "HEAD"),
      },
      {
        role: "merges",
        task: held.id,
        key: "other",
        agent: "ben",
        paths: ["src/a.ts", "src/c.ts"],
        work_tree: tree,
        commit: benGit("rev-parse", "HEAD"),
      },
    ]);
    expect(git("count-objects", "-v")).toBe(before);
    expect(git("for-each-ref", "--format=%(refname)")).not.toContain("tree0");
    benGit("checkout", "-q", "src/c.ts");
    write("src/a.ts", "", tree);
    benGit("checkout", "-q", "src/a.ts");
    expect(await detect()).toEqual([]);
  });

  test("count by the attributes of the repository, and run no driver of it", async () => {
    const { git, write, detect, tree, cwd } = await pair();
    const ran = path.join(realpathSync(temporaryDirectory()), "ran");
    git("config", "merge.own.driver", `touch ${ran}`);
    writeFileSync(path.join(cwd, ".git/info/attributes"), "src/a.ts merge=union\nsrc/b.ts merge=own\n");
    for (const [directory, by] of [
      [cwd, "ann"],
      [tree, "ben"],
    ] as const)
      for (const name of ["src/a.ts", "src/b.ts"]) write(name, `${by}\n`, directory);
    expect((await detect()).map(({ parties }) => parties[0]?.paths)).toEqual([["src/b.ts"]]);
    expect(existsSync(ran)).toBe(false);
  });

  test("stay open where another machine looks, whose work trees are others", async () => {
    const { app, call, write, detect, tree, run, shared } = await pair();
    write("src/a.ts", "ann\n");
    write("src/a.ts", "ben\n", tree);
    const [found] = await detect();
    const { hostname } = os;
    onTestFinished(() => void Object.assign(os, { hostname }));
    Object.assign(os, { hostname: () => "elsewhere" });
    const far = await startApp({ ...shared, database: app.database, cwd: realpathSync(temporaryDirectory()) });
    await far.call("register_agent", { name: "eve" });
    await far.call("detect_conflicts", { run });
    Object.assign(os, { hostname });
    expect((await call("list_conflicts", { run })).conflicts).toMatchObject([{ id: found?.id, status: "open" }]);
  });

  test("are left out, with the reason, where they cannot be tried", async () => {
    const { call, write, tree, run } = await pair();
    write("src/a.ts", "ann\n");
    write("src/a.ts", "ben\n", tree);
    vi.stubEnv("TMPDIR", path.join(tree, "none"));
    const { left_out } = await call("detect_conflicts", { run }).finally(() => vi.unstubAllEnvs());
    expect(left_out).toContainEqual({ kind: "merge", why: expect.stringContaining("ENOENT") as string });
  });

  test("are told to who completes one of them in a linked work tree while they are open", async () => {
    const { ben, held, write, detect, tree } = await pair();
    write("src/a.ts", "ann\n");
    write("src/a.ts", "ben\n", tree);
    const [found] = await detect();
    const { note } = await new Crew(ben).complete(held);
    expect(note).toBe(
      `Your work on other and that of ann on one did not merge when they were last looked at: src/a.ts. Rebase on it or merge it before either is used (conflict ${found?.id}; detect_conflicts looks again).`,
    );
  });

  test("are resolved by the order of their tasks: the later one is told to rebase", async () => {
    const { call, ben, held, write, detect, tree } = await pair();
    write("src/a.ts", "ann\n");
    write("src/a.ts", "ben\n", tree);
    const [found] = await detect();
    const { resolved } = await call("resolve_conflicts", {
      conflicts: [found?.id ?? ""],
      strategy: "shortest_first",
    });
    expect(resolved).toMatchObject([{ decision: "other goes first: ann is told to bring one up to date with it" }]);
    const { messages } = await call("read_messages", { agent: "ann" });
    expect(messages).toMatchObject([{ subject: "one comes after other" }]);
    expect((await ben.call("read_messages", { agent: "ben" })).messages).toEqual([]);
    await new Crew(ben).complete(held);
    expect(await detect()).toEqual([]);
  });
});
