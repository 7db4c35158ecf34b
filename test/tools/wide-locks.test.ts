import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, realpathSync, rmSync, utimesSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const MINUTE = 60_000;

async function repositoryOn(backend: (typeof BACKENDS)[number], withGit = true) {
  const cwd = realpathSync(temporaryDirectory());
  const runtime = testRuntime();
  const { clock } = runtime;
  const git = (...args: string[]) => {
    const when = new Date(clock.now()).toISOString();
    const env = { ...process.env, GIT_COMMITTER_DATE: when, GIT_AUTHOR_DATE: when };
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd, stdio: "pipe", env });
  };
  const write = (name: string) => {
    const file = path.join(cwd, name);
    mkdirSync(path.dirname(file), { recursive: true });
    appendFileSync(file, "line\n");
    utimesSync(file, new Date(clock.now()), new Date(clock.now()));
  };
  for (const name of ["src/a.ts", "src/b.ts", "src/c.ts", "src/d.ts", "docs/x.md"]) write(name);
  if (withGit) {
    git("init", "-q");
    git("add", "-A");
    git("commit", "-qm", "first");
  }
  const app = await startAppOn(backend, { runtime, storeHooks: { now: () => clock.now() }, cwd });
  await app.call("create_project", { name: "shop", root: cwd });
  clock.advance(10 * MINUTE);
  const lock = (paths: string[], more = {}) =>
    app.call("acquire_file_lock", { project: "shop", agent: "ann", paths, ...more });
  const released = async () => {
    clock.advance(12 * MINUTE);
    return (await app.call("release_file_lock", { project: "shop", agent: "ann", all: true })).note;
  };
  return { app, crew: new Crew(app), cwd, git, write, lock, released, clock };
}

describe.each(BACKENDS)("locks wider than what was edited on %s", (backend) => {
  test("a directory of which one file changed is told with the file and the call that locks it alone", async () => {
    const { write, lock, released } = await repositoryOn(backend);
    await lock(["src/"]);
    write("src/a.ts");
    expect(await released()).toBe(
      'Locked for 12 min wider than edited: of src/ only src/a.ts changed. Next time lock the files alone, when you edit them: acquire_file_lock {"paths": ["src/a.ts"]}, with mode "intent" where edits merge; a step names such files in files.write, or leaves them out.',
    );
  });

  test("edits that were committed meanwhile count as well as those on disk, and removed files", async () => {
    const { cwd, git, write, lock, released } = await repositoryOn(backend);
    await lock(["src/**", "docs/"]);
    write("src/a.ts");
    git("commit", "-qam", "second");
    write("src/new.ts");
    rmSync(path.join(cwd, "src/c.ts"));
    const note = await released();
    expect(note).toContain("docs/ did not change; of src/** only src/c.ts, src/new.ts, src/a.ts changed. Next");
  });

  test("files locked one by one are told where they did not change, and locks that fit are not", async () => {
    const { write, lock, released } = await repositoryOn(backend);
    await lock(["src/a.ts", "src/b.ts", "src/yet-to-come.ts"]);
    write("src/a.ts");
    expect(await released()).toContain("wider than edited: src/b.ts did not change. Next time");
    await lock(["src/a.ts"]);
    write("src/a.ts");
    expect(await released()).toBeUndefined();
    await lock(["src/a.ts"], { mode: "shared" });
    expect(await released()).toBeUndefined();
  });

  test("nothing is said of a directory without git", async () => {
    const { lock, released } = await repositoryOn(backend, false);
    await lock(["src/"]);
    expect(await released()).toBeUndefined();
  });

  test("a directory of which many files changed is as wide as its work", async () => {
    const { write, lock, released } = await repositoryOn(backend);
    await lock(["src/"]);
    for (const name of ["a", "b", "c", "d"]) write(`src/${name}.ts`);
    expect(await released()).toBeUndefined();
  });

  test("a completed task is told of its own files, and that others waited, also when the call is repeated", async () => {
    const { app, crew, write, clock } = await repositoryOn(backend);
    const { run } = await crew.start(
      [
        { key: "wide", files: { write: ["src/", "docs/x.md"] } },
        { key: "other", files: { write: ["src/b.ts"] } },
      ],
      { project: "shop" },
    );
    const held = await crew.take("ann", { run: run.id });
    expect((await crew.claim("bob", { run: run.id })).reason).toBe("locked_out");
    clock.advance(3 * MINUTE);
    write("src/a.ts");
    const completion = { task: held.id, token: held.token, result: "done", request_id: "once" };
    const { note } = await app.call("complete_task", completion);
    expect(note).toContain(
      "Locked for 3 min wider than edited: docs/x.md did not change; of src/ only src/a.ts changed, and others waited.",
    );
    expect((await app.call("complete_task", completion)).note).toBe(note);
    const next = await crew.take("bob", { run: run.id });
    write("src/b.ts");
    expect((await crew.complete(next, "done")).note).toBeUndefined();
  });
});
