import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../src/config.js";
import { startServer } from "./support/client.js";
import { temporaryDirectory } from "./support/databases.js";

const write = (directory: string, data: unknown) =>
  writeFileSync(path.join(directory, "baton.json"), JSON.stringify(data));

describe("configuration", () => {
  test("of a fresh machine is the defaults: a file of the person's own, no commands", () => {
    const config = loadConfig({ flags: {}, env: {}, cwd: temporaryDirectory() });
    expect(config.database).toMatchObject({ kind: "sqlite", synchronous: "FULL" });
    expect(config.commands).toEqual({ kind: "off" });
    expect(config.settings.session_grace_ms).toBe(10_000);
    expect(config.origins["session_grace_ms"]).toBe("default");
    expect(Object.isFrozen(config) && Object.isFrozen(config.settings)).toBe(true);
  });

  test("comes from flags, then the environment, then the project's file, and says from where", () => {
    const cwd = temporaryDirectory();
    write(cwd, { tick_ms: 50, lease_ms: 70, toolsets: ["runs"] });
    const inner = path.join(cwd, "src/deep");
    mkdirSync(inner, { recursive: true });
    const env = { BATON_TICK_MS: "60", BATON_LOST_LEASE_COUNTS: "true", BATON_DB: "x.db", BATON_TOOLSETS: "" };
    const config = loadConfig({ flags: { toolsets: "locks, agents", allowCommands: true }, env, cwd: inner });
    expect(config.settings).toMatchObject({ tick_ms: 60, lease_ms: 70, lost_lease_counts: true });
    expect(config.toolsets).toEqual(["locks", "agents"]);
    expect(config.commands).toEqual({ kind: "all" });
    expect(config.database).toMatchObject({ file: path.join(inner, "x.db") });
    expect(config.origins).toMatchObject({
      tick_ms: "environment BATON_TICK_MS",
      lease_ms: path.join(cwd, "baton.json"),
      toolsets: "flag --toolsets",
    });
  });

  test("of a project does not reach beyond it: no commands, no database", () => {
    for (const beyond of [{ allow_commands: true }, { database_url: "postgres://x/y" }, { db: "/etc/x" }]) {
      const cwd = temporaryDirectory();
      write(cwd, beyond);
      expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow("beyond the project");
    }
  });

  test("above the git root is not the project's", () => {
    const outer = temporaryDirectory();
    write(outer, { tick_ms: 50 });
    const root = path.join(outer, "repository");
    mkdirSync(path.join(root, ".git"), { recursive: true });
    expect(loadConfig({ flags: {}, env: {}, cwd: root }).origins["tick_ms"]).toBe("default");
  });

  test("that is wrong is refused with its place, and the nearest name", () => {
    const cwd = temporaryDirectory();
    write(cwd, { tik_ms: 50 });
    expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow('"tik_ms" is no setting (did you mean "tick_ms"?)');
    const env = { BATON_TICK_MS: "soon" };
    expect(() => loadConfig({ flags: {}, env, cwd: temporaryDirectory() })).toThrow("environment BATON_TICK_MS");
    const url = { BATON_DATABASE_URL: "mysql://me:hunter22@x" };
    expect(() => loadConfig({ flags: {}, env: url, cwd: temporaryDirectory() })).toThrow("must begin with postgres://");
  });

  test("that is wrong keeps the server from starting, with a sentence on stderr and nothing on stdout", async () => {
    const server = startServer({ env: { BATON_TICK_MS: "soon" } });
    expect((await server.ended).code).toBe(2);
    expect(server.stderr()).toMatch(/^baton: The configuration was not taken\. tick_ms \(environment BATON_TICK_MS\)/);
    expect(server.stdout()).toBe("");
  });
});
