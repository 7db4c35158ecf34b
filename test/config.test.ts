import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../src/config.js";
import { startServer } from "./support/servers/client.js";
import { temporaryDirectory } from "./support/databases/databases.js";

const write = (directory: string, data: unknown) =>
  writeFileSync(path.join(directory, "baton.json"), JSON.stringify(data));

describe("configuration", () => {
  test("the configuration of a fresh machine is the defaults: a file of the person's own, no commands", () => {
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

  test("a project's configuration does not reach beyond the project: no commands, no database", () => {
    for (const beyond of [
      { allow_commands: true },
      { database_url: "postgres://x/y" },
      { db: "/etc/x" },
      { mcpServers: {} },
    ]) {
      const cwd = temporaryDirectory();
      write(cwd, beyond);
      expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow("beyond the project");
    }
  });

  test("takes former names of settings, and prefers present ones beside them", () => {
    const cwd = temporaryDirectory();
    write(cwd, { letter_replays: 2, letter_replay_delay_ms: 70, dead_letter_replay_delay_ms: 80 });
    const env = { BATON_LETTER_RETENTION_MS: "60" };
    const config = loadConfig({ flags: {}, env, cwd });
    const { dead_letter_replays: replays, dead_letter_replay_delay_ms: delay } = config.settings;
    expect({ replays, delay, retention: config.settings.dead_letter_retention_ms }).toEqual({
      replays: 2,
      delay: 80,
      retention: 60,
    });
    expect(config.origins["dead_letter_retention_ms"]).toBe("environment BATON_LETTER_RETENTION_MS");
    const both = { ...env, BATON_DEAD_LETTER_RETENTION_MS: "61" };
    expect(loadConfig({ flags: {}, env: both, cwd }).settings.dead_letter_retention_ms).toBe(61);
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
    expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow(
      'unknown setting "tik_ms" (did you mean "tick_ms"?).',
    );
    const env = { BATON_TICK_MS: "soon" };
    expect(() => loadConfig({ flags: {}, env, cwd: temporaryDirectory() })).toThrow("environment BATON_TICK_MS");
    const url = { BATON_DATABASE_URL: "mysql://me:hunter22@x" };
    expect(() => loadConfig({ flags: {}, env: url, cwd: temporaryDirectory() })).toThrow("must begin with postgres://");
  });

  test("of MCP servers is what clients write: from the environment, a file named on the command line, or one's own", () => {
    const cwd = temporaryDirectory();
    const mcpServers = {
      files: { command: "npx", args: ["-y", "files"], env: { A: "b" }, cwd: "sub", tools: ["read_*"] },
      web: { type: "streamable-http", url: "https://example.com/mcp", headers: { "X-Key": "k" } },
      off: { command: "off", disabled: true },
    };
    const expected = [
      {
        name: "files",
        type: "stdio",
        command: "npx",
        args: ["-y", "files"],
        env: { A: "b" },
        cwd: path.join(cwd, "sub"),
        tools: ["read_*"],
      },
      { name: "web", type: "http", url: "https://example.com/mcp", headers: { "X-Key": "k" } },
    ];
    const env = { BATON_MCP_SERVERS: JSON.stringify(mcpServers) };
    const config = loadConfig({ flags: {}, env, cwd });
    expect(config.mcpServers).toEqual(expected);
    expect(config.origins["mcpServers"]).toBe("environment BATON_MCP_SERVERS");
    writeFileSync(path.join(cwd, "clients.json"), JSON.stringify({ mcpServers, other: 1 }));
    expect(loadConfig({ flags: { mcpConfig: "clients.json" }, env: {}, cwd }).mcpServers).toEqual(expected);
    const own = { XDG_CONFIG_HOME: process.env["XDG_CONFIG_HOME"] };
    const home = temporaryDirectory();
    mkdirSync(path.join(home, "baton"));
    write(path.join(home, "baton"), { mcpServers });
    process.env["XDG_CONFIG_HOME"] = home;
    try {
      expect(loadConfig({ flags: {}, env: {}, cwd }).mcpServers).toEqual(expected);
    } finally {
      if (own.XDG_CONFIG_HOME === undefined) delete process.env["XDG_CONFIG_HOME"];
      else process.env["XDG_CONFIG_HOME"] = own.XDG_CONFIG_HOME;
    }
  });

  test.each([
    [{ "a/b": { command: "x" } }, /mcpServers\.a\/b .*a server's name needs/],
    [{ a: { comand: "x" } }, /mcpServers\.a .*has either a command, or a url/],
    [{ a: { command: "x", url: "https://x" } }, /mcpServers\.a .*has either a command, or a url/],
    [{ a: { command: "x", tols: ["y"] } }, /mcpServers\.a .*"tols"/],
    [{ a: { command: "x", env: { KEY: 5 } } }, /mcpServers\.a\.env\.KEY .*expected string/],
    [{ a: { url: "ftp://hunter22@x" } }, /mcpServers\.a\.url .*must be a URL that begins with/],
    [{ a: { type: "sse", url: "https://x" } }, /mcpServers\.a .*"sse" is the old one/],
    [{ a: { url: "https://x", headers: ["hunter22"] } }, /mcpServers\.a\.headers/],
    ["hunter22", /mcpServers .*expected record/],
  ])("of MCP servers that is wrong is refused with its place and without its values: %j", (servers, message) => {
    const env = { BATON_MCP_SERVERS: JSON.stringify(servers) };
    const load = () => loadConfig({ flags: {}, env, cwd: temporaryDirectory() });
    expect(load).toThrow(message);
    expect(load).not.toThrow(/hunter22/);
  });

  test("that is wrong keeps the server from starting, with a sentence on stderr and nothing on stdout", async () => {
    const server = startServer({ env: { BATON_TICK_MS: "soon" } });
    expect((await server.ended).code).toBe(2);
    expect(server.stderr()).toMatch(/^baton: Invalid configuration: tick_ms \(environment BATON_TICK_MS\)/);
    expect(server.stdout()).toBe("");
  });
});
