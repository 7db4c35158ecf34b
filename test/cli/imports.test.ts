import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

/** A repository with these files. */
function repository(files: Readonly<Record<string, string | Buffer>>) {
  const fixture = startCommandLineFixture();
  execFileSync("git", ["init", "-q"], { cwd: fixture.cwd });
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(fixture.cwd, file)), { recursive: true });
    writeFileSync(path.join(fixture.cwd, file), content);
  }
  return { fixture, run: async (...words: string[]) => (await baton(fixture, words)).stdout };
}

const TODO = "- [ ] Write the parser\n- [x] Choose a name\n";

describe("baton import", () => {
  test("finds the plans of a repository, says what each would become, and what it did not read", async () => {
    const { fixture, run } = repository({
      "TODO.md": TODO,
      "PLAN.md": Buffer.from([0xff, 0x00]),
      ".taskmaster/tasks/tasks.json": '{"tasks": [',
      ".beads/issues.jsonl": '{"id":"a-1","title":"Mend it","status":"open"}\n{"id":',
    });
    symlinkSync("TODO.md", path.join(fixture.cwd, "TASKS.md"));
    execFileSync("mkfifo", [path.join(fixture.cwd, "ROADMAP.md")]);
    const said = await run("import");
    expect(said).toMatch(/^\.beads\/issues\.jsonl: beads "beads"\n {2}a new run: 1 task,/m);
    expect(said).toMatch(/^TODO\.md: check list "TODO"\n {2}a new run: 1 task,[^]*baton import TODO\.md --apply$/m);
    expect(said).toContain("PLAN.md was not read: it cannot be read: PLAN.md, line 1: byte 0xff is not UTF-8");
    expect(said).toContain("ROADMAP.md was not read: it is no file.");
    expect(said).toContain("TASKS.md was not read: it is a symbolic link.");
    expect(await run("runs")).not.toContain("TODO");
  });

  test("names 20 of many items to a person and how to see the others, and all of them under --json", async () => {
    const odd = Array.from({ length: 60 }, (_, at) => ({ id: at + 1, title: "" }));
    const { run } = repository({ "tasks.json": JSON.stringify({ tasks: [{ id: 99, title: "One" }, ...odd] }) });
    expect(await run("import", "tasks.json")).toMatch(/ 60 not taken:\n(?:.*\n){20} +… 40 more: --json names all/);
    const { plans } = JSON.parse(await run("import", "tasks.json", "--json")) as { plans: { unmapped: object[] }[] };
    expect(plans[0]?.unmapped).toHaveLength(60);
  });

  test("knows outside of a repository too which run an earlier import has made", async () => {
    const fixture = startCommandLineFixture();
    writeFileSync(path.join(fixture.cwd, "TODO.md"), TODO);
    const run = async (...words: string[]) => (await baton(fixture, words)).stdout;
    expect(await run("import", "TODO.md", "--apply")).toMatch(/run run_\w+ started: 1 task/);
    expect(await run("import", "TODO.md")).toMatch(/run run_\w+ is up to date/);
  });

  test("goes on where a file with the name of a plan holds none, and reads no files that belong to another tool's plan", async () => {
    const { run } = repository({
      "ROADMAP.md": "# Roadmap\n\n- Be fast\n",
      "specs/001-login/tasks.md": "- [ ] T001 Write src/login.ts\n- [ ] T002 Test it\n",
      "specs/001-login/plan.md": "# Plan\n\n- [ ] Read the specification\n",
      "backlog/config.yml": "project_name: Shop\n",
      "backlog/tasks/task-1 - Pay.md": "---\nid: task-1\ntitle: Pay\nstatus: To Do\n---\n",
      "backlog/tasks/notes.md": "# Notes\n\n- [ ] Ask about taxes\n",
      "backlog/tasks/epics/one/task-9 - Old.md": "---\nid: task-9\ntitle: Old\nstatus: To Do\n---\n",
    });
    const said = await run("import");
    expect(said).toMatch(/^specs\/001-login\/tasks\.md: spec-kit [^\n]*\n {2}a new run: 2 tasks,/m);
    expect(said).toMatch(/^backlog: Backlog\.md "Shop"\n {2}a new run: 1 task,[^]*1 not taken$/m);
    expect(said).toContain("ROADMAP.md was not read: it holds no tasks that Baton can read.");
    expect(said).toContain("backlog/tasks/epics was not read: it lies below the tasks of Backlog.md");
    expect(said).not.toContain("check list");
    expect(said).not.toContain("plan.md");
    expect(await run("import", "specs", "--apply")).toMatch(/run run_\w+ started: 2 tasks/);
  });

  test("reads the backup that beads keeps in a repository, unless an export lies beside it", async () => {
    const issue = (id: string) =>
      `${JSON.stringify({ id, title: id, status: "open", issue_type: "task", ephemeral: 0 })}\n`;
    const backup = {
      ".beads/backup/issues.jsonl": `${issue("a-1")}${issue("a-2")}`,
      ".beads/backup/dependencies.jsonl": '{"issue_id":"a-2","depends_on_id":"a-1","type":"blocks"}\n',
      ".beads/backup/labels.jsonl": '{"issue_id":"a-2","label":"ui"}\n',
      ".beads/backup/events.jsonl": '{"id":1,"issue_id":"a-1","event_type":"created"}\n',
    };
    expect(await repository(backup).run("import")).toMatch(
      /^\.beads\/backup: beads "beads"\n {2}a new run: 2 tasks, 1 dependencies, 1 without an open dependency\n/,
    );
    const both = await repository({ ...backup, ".beads/issues.jsonl": issue("a-3") }).run("import");
    expect(both).toMatch(/^\.beads\/issues\.jsonl: beads "beads"\n {2}a new run: 1 task,/);
    expect(both).not.toContain("backup");
  });

  test("makes a run with --apply alone, and again brings it up to date", async () => {
    const { fixture, run } = repository({ "docs/TODO.md": TODO });
    expect(await run("import", "docs")).toContain("a new run: 1 task");
    expect(await run("runs")).not.toContain("TODO");
    expect(await run("import", "docs/TODO.md", "--apply")).toMatch(/run run_\w+ started: 1 task/);
    expect(await run("import", "docs/TODO.md", "--apply")).toMatch(/run run_\w+ is up to date/);
    writeFileSync(path.join(fixture.cwd, "docs/TODO.md"), `${TODO.replace("[ ]", "[x]")}- [ ] Test it\n`);
    const updated = await run("import", "docs/TODO.md", "--apply");
    expect(updated).toMatch(/run run_\w+: 1 task added, 1 task completed, done at the source/);
    const tasks = await run("call", "list_tasks");
    expect(tasks).toMatch(/title Write the parser[^\n]*status succeeded/);
    expect(tasks).toMatch(/title Test it[^\n]*status ready/);
  });
});
