import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { makePostgres } from "../support/databases/databases.js";
import { connectClient } from "../support/servers/client.js";
import {
  baton as batonProcess,
  type CommandLineFixture,
  startCommandLineFixture,
} from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";

async function titles(fixture: CommandLineFixture): Promise<string[]> {
  const { tasks } = resultOf("list_tasks", await batonJson(fixture, ["call", "list_tasks", "--limit", "200"]));
  return tasks.map(({ title }) => title).toSorted();
}

/** The same person with another database. */
function withDatabase(fixture: CommandLineFixture, database: string): CommandLineFixture {
  const { BATON_DB: _, BATON_DATABASE_URL: __, ...env } = fixture.env;
  const named: Record<string, string> = database.startsWith("postgres")
    ? { BATON_DATABASE_URL: database }
    : { BATON_DB: database };
  return { ...fixture, database, env: { ...env, ...named } };
}

describe("backup", () => {
  test("copies a database whole while a server writes, and the copy is a database of its own", async () => {
    const fixture = startCommandLineFixture();
    const client = await connectClient({ database: fixture.database });
    const write = (title: string) => client.call("create_task", { title, prompt: "Do it" });
    for (let at = 0; at < 20; at++) await write(`before ${at}`);
    const copying = batonProcess(fixture, ["backup", "copy.db"]);
    const ended = copying.then(() => true);
    let written = 0;
    for (let over = false; !over; over = await Promise.race([ended, Promise.resolve(false)]))
      await write(`meanwhile ${written++}`);
    const file = path.join(fixture.cwd, "copy.db");
    const { code, stdout } = await copying;
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(`BATON_DB=${file}`) });
    expect(written).toBeGreaterThan(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const copy = withDatabase(fixture, file);
    const kept = await titles(copy);
    expect(kept.filter((title) => title.startsWith("before"))).toHaveLength(20);
    // Tasks that were written meanwhile are there without a gap.
    const meanwhile = kept.filter((title) => title.startsWith("meanwhile"));
    expect(meanwhile).toEqual(Array.from(meanwhile, (_, at) => `meanwhile ${at}`).toSorted());
    expect((await baton(copy, ["doctor"])).stdout).toMatch(/ok {4}database integrity/);
  });

  test("replaces no file and makes none without a database", async () => {
    const fixture = startCommandLineFixture();
    expect(await baton(fixture, ["backup", "copy.db"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nothing to back up"),
    });
    await batonJson(fixture, ["call", "create_task", "--title", "a", "--prompt", "b"]);
    copyFileSync(fixture.database, path.join(fixture.cwd, "other.txt"));
    const { code, stderr } = await baton(fixture, ["backup", "other.txt"]);
    expect(code).toBe(1);
    expect(stderr).toContain("exists already and is left as it is");
    expect(execFileSync("ls", ["-A", fixture.cwd], { encoding: "utf8" })).toBe("other.txt\n");
  });

  test("names pg_dump for a PostgreSQL, without its password", async () => {
    const fixture = startCommandLineFixture({ database: "postgres://baton:geheim1@127.0.0.1:1/none" });
    const { code, stderr } = await baton(fixture, ["backup", "copy.db"]);
    expect(code).toBe(2);
    expect(stderr).toContain("pg_dump --format=custom");
    expect(stderr).not.toContain("geheim1");
  });
});

describe("export and import", () => {
  test("carry a database from SQLite to PostgreSQL, where work goes on with the same tasks", async () => {
    const fixture = startCommandLineFixture();
    for (const title of ["one", "two"])
      await batonJson(fixture, ["call", "create_task", "--title", title, "--prompt", "Do it"]);
    const claimed = resultOf("claim_task", await batonJson(fixture, ["call", "claim_task", "--project", "personal"]));
    const [id, token] = [String(claimed.task?.id), String(claimed.lease?.token)];
    const { code } = await baton(fixture, ["export", "all.jsonl"]);
    expect(code).toBe(0);
    const file = path.join(fixture.cwd, "all.jsonl");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toMatch(/^\{"baton":"export"/);

    const team = withDatabase(fixture, await makePostgres());
    const imported = await baton(team, ["import", "all.jsonl"]);
    expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Imported \d+ rows from .*\.$/m) });
    expect(await titles(team)).toEqual(["one", "two"]);
    expect(await batonJson(team, ["call", "complete_task", "--task", id, "--token", token])).toMatchObject({
      task: { id, status: "succeeded" },
    });
    expect(await baton(team, ["import", "all.jsonl"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not empty"),
    });
  });
});

describe("export of a run", () => {
  async function startRun() {
    const fixture = startCommandLineFixture();
    writeFileSync(
      path.join(fixture.cwd, "plan.yaml"),
      'name: plan\nsteps:\n  - {key: a, title: "A, first", prompt: do a}\n  - {key: b, prompt: do b, needs: [a]}\n',
    );
    await baton(fixture, ["run", "plan.yaml", "--detach"]);
    return fixture;
  }

  test("goes to stdout byte for byte, of the newest run as of a named one", async () => {
    const fixture = await startRun();
    const csv = await baton(fixture, ["export", "--format", "csv"]);
    expect(csv).toMatchObject({ code: 0, stderr: "" });
    expect(csv.stdout.split("\r\n").map((line) => line.split(",")[0])).toEqual(["key", "a", "b", ""]);
    const { stdout } = await baton(fixture, ["export", "--run", "plan"]);
    expect(stdout).toContain('- [ ] b <!-- baton {"key":"b","needs":["a"],"status":"pending"} -->');
    const json = JSON.parse((await baton(fixture, ["export", "--format", "json", "-"])).stdout) as { tasks: unknown[] };
    expect(json).toMatchObject({ baton: "run", tasks: [{ key: "a" }, { key: "b", needs: ["a"] }] });
  });

  test("goes into a new file and replaces none", async () => {
    const fixture = await startRun();
    expect(await batonJson(fixture, ["export", "--run", "plan", "plan.md"])).toMatchObject({ tasks: 2 });
    const file = path.join(fixture.cwd, "plan.md");
    const before = readFileSync(file, "utf8");
    expect(before).toBe((await baton(fixture, ["export", "--run", "plan"])).stdout);
    expect(await baton(fixture, ["export", "--format", "csv", "plan.md"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("exists already"),
    });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("needs a run, and the whole database a file", async () => {
    const fixture = startCommandLineFixture();
    expect(await baton(fixture, ["export", "--format", "csv"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("There are no runs yet"),
    });
    expect(await baton(fixture, ["export"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("baton export --format markdown"),
    });
  });
});
