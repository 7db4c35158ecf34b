import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { connectClient } from "../support/servers/client.js";
import {
  baton as batonProcess,
  type CommandLineFixture,
  startCommandLineFixture,
} from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";
import { makePostgres } from "../support/databases/databases.js";

const report = z.object({
  ok: z.boolean(),
  findings: z.array(
    z.object({ check: z.string(), verdict: z.string(), says: z.string(), remedy: z.string().optional() }),
  ),
});

async function doctor(fixture: CommandLineFixture): Promise<z.output<typeof report>> {
  return report.parse(await batonJson(fixture, ["doctor"]));
}

/** A fixture whose database holds one run that has ended. */
async function used(more: Parameters<typeof startCommandLineFixture>[0] = {}): Promise<CommandLineFixture> {
  const fixture = startCommandLineFixture(more);
  const definition = JSON.stringify({ name: "done", steps: [{ key: "a", prompt: "Do it" }] });
  const started = await batonJson(fixture, ["call", "execute_workflow", "--definition", definition]);
  const { run } = resultOf("execute_workflow", started);
  await batonJson(fixture, ["call", "control_run", "--run", run.id, "--action", "cancel"]);
  return fixture;
}

describe("doctor", () => {
  test("finds a used database in order, and says so with exit code 0", async () => {
    const fixture = await used();
    const { code, stdout } = await batonProcess(fixture, ["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok {4}database integrity/);
    expect((await doctor(fixture)).ok).toBe(true);
  });

  test("does not make a database that is not there", async () => {
    const fixture = startCommandLineFixture();
    const { findings } = await doctor(fixture);
    expect(findings.find(({ check }) => check === "database file")?.says).toContain("not there yet");
    expect(existsSync(fixture.database)).toBe(false);
  });

  test("sees what is wrong, with what to do, and ends with 1", async () => {
    const fixture = startCommandLineFixture({ env: { BATON_DATABSE_URL: "x" } });
    writeFileSync(fixture.database, "no database at all, but long enough to be read as one ".repeat(40));
    const { ok, findings } = await doctor(fixture);
    expect(ok).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ check: "database file", verdict: "fail" }));
    expect(findings).toContainEqual(
      expect.objectContaining({ verdict: "warn", says: expect.stringContaining('did you mean "BATON_DATABASE_URL"') }),
    );
    expect((await batonProcess(fixture, ["doctor"])).code).toBe(1);
  });

  test("warns of a file that others can read", async () => {
    const fixture = await used();
    chmodSync(fixture.database, 0o644);
    const { findings } = await doctor(fixture);
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "database permissions",
        verdict: "warn",
        remedy: expect.stringContaining("chmod 600"),
      }),
    );
  });

  test("knows which clients start Baton, and whether what they start is there", async () => {
    const fixture = startCommandLineFixture();
    const entry = { mcpServers: { baton: { command: "node", args: ["/nowhere/dist/main.js"] } } };
    writeFileSync(path.join(fixture.cwd, ".mcp.json"), JSON.stringify(entry));
    mkdirSync(path.join(fixture.env["HOME"]!, ".codex"));
    writeFileSync(path.join(fixture.env["HOME"]!, ".codex", "config.toml"), '[mcp_servers.baton]\ncommand = "npx"\n');
    const { findings } = await doctor(fixture);
    expect(findings).toContainEqual(expect.objectContaining({ check: "client Claude Code", verdict: "fail" }));
    expect(findings).toContainEqual(expect.objectContaining({ check: "client Codex", verdict: "ok" }));
  });

  test("says that a PostgreSQL does not answer, without its password", async () => {
    const fixture = startCommandLineFixture({ database: "postgres://baton:geheim1@127.0.0.1:1/none" });
    const { code, stdout } = await baton(fixture, ["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/fail {2}database reachable/);
    expect(stdout).not.toContain("geheim1");
  });
});

describe("reset", () => {
  test("deletes the file and what stands beside it", async () => {
    const fixture = await used();
    const { removed } = (await batonJson(fixture, ["reset", "--yes"])) as { removed: string[] };
    expect(removed).toContain(fixture.database);
    expect(existsSync(fixture.database)).toBe(false);
    expect(resultOf("list_runs", await batonJson(fixture, ["call", "list_runs"])).runs).toEqual([]);
  });

  test("refuses while a server process uses it, unless forced", async () => {
    const fixture = await used();
    const client = await connectClient({ database: fixture.database, clientName: "editor" });
    await client.call("call_operation", { name: "register_agent", arguments: { name: "eve", capabilities: [] } });
    const { code, stderr } = await batonProcess(fixture, ["reset", "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`editor (process ${client.server.pid}`);
    expect(existsSync(fixture.database)).toBe(true);
    expect((await batonProcess(fixture, ["reset", "--yes", "--force"])).code).toBe(0);
    expect(existsSync(fixture.database)).toBe(false);
  });

  test("takes a damaged file away", async () => {
    const fixture = startCommandLineFixture();
    writeFileSync(fixture.database, "damaged ".repeat(100));
    expect((await baton(fixture, ["reset", "--yes"])).code).toBe(0);
    expect(existsSync(fixture.database)).toBe(false);
  });

  test("drops the tables of a PostgreSQL, and doctor sees the difference", async () => {
    const fixture = await used({ database: await makePostgres() });
    expect((await doctor(fixture)).findings).toContainEqual(
      expect.objectContaining({ check: "database schema", says: expect.stringMatching(/^schema \d/) }),
    );
    const { removed } = (await batonJson(fixture, ["reset", "--yes"])) as { removed: string[] };
    expect(removed).toEqual(expect.arrayContaining(["runs", "tasks", "events", "baton_schema"]));
    expect((await doctor(fixture)).findings).toContainEqual(
      expect.objectContaining({ check: "database schema", says: expect.stringContaining("no tables") }),
    );
  });
});

describe("prune", () => {
  test("removes what ended longer ago than the retention, and nothing else", async () => {
    const fixture = await used();
    for (const name of ["over", "open"]) await batonJson(fixture, ["call", "create_session", "--name", name]);
    await batonJson(fixture, ["call", "close_session", "--session", "over"]);
    expect(await batonJson(fixture, ["prune"])).toMatchObject({ runs: 0, sessions: 0 });
    const impatient = { ...fixture, env: { ...fixture.env, BATON_RETENTION_MS: "0" } };
    const before = statSync(fixture.database).size;
    const pruned = await batonJson(impatient, ["prune"]);
    // Pages that the removal wrote into the log were not there before.
    const bytes = Math.max(0, before - statSync(fixture.database).size);
    expect(pruned).toMatchObject({ runs: 1, sessions: 1, retention_ms: 0, bytes });
    const { sessions } = await batonJson(fixture, ["call", "list_sessions", "--all", "true"]);
    expect(sessions).toMatchObject([{ name: "open" }]);
    expect(resultOf("list_runs", await batonJson(fixture, ["call", "list_runs"])).runs).toEqual([]);
  });

  test("says that there is no database", async () => {
    const { code, stderr } = await batonProcess(startCommandLineFixture(), ["prune"]);
    expect(code).toBe(1);
    expect(stderr).toContain("nothing to prune");
  });
});
