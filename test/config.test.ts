import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { defaultSettings } from "../src/base/settings/defaults.js";
import { loadConfig } from "../src/config.js";
import { LOWERABLE } from "../src/config/repository-file.js";
import { startServer } from "./support/servers/client.js";
import { temporaryDirectory } from "./support/databases/databases.js";

const write = (directory: string, data: unknown) =>
  writeFileSync(path.join(directory, "baton.json"), JSON.stringify(data));

/** A git root with this baton.json, or without one. */
function repository(data: unknown): string {
  const root = temporaryDirectory();
  mkdirSync(path.join(root, ".git"));
  if (data !== undefined) write(root, data);
  return root;
}

/** Runs with this baton.json as the person's own. */
function withOwnFile<T>(data: unknown, run: () => T): T {
  const before = process.env["XDG_CONFIG_HOME"];
  const home = temporaryDirectory();
  mkdirSync(path.join(home, "baton"));
  write(path.join(home, "baton"), data);
  process.env["XDG_CONFIG_HOME"] = home;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env["XDG_CONFIG_HOME"];
    else process.env["XDG_CONFIG_HOME"] = before;
  }
}

describe("configuration", () => {
  test("the configuration of a fresh machine is the defaults: a file of the person's own, no commands", () => {
    const config = loadConfig({ flags: {}, env: {}, cwd: temporaryDirectory() });
    expect(config.database).toMatchObject({ kind: "sqlite", synchronous: "FULL" });
    expect(config.commands).toEqual({ kind: "off" });
    expect(config.settings.session_grace_ms).toBe(10_000);
    expect(config.origins["session_grace_ms"]).toBe("default");
    expect(Object.isFrozen(config) && Object.isFrozen(config.settings)).toBe(true);
  });

  test("comes from flags, then the environment, then the person's own file, and says from where", () => {
    const cwd = temporaryDirectory();
    const env = {
      BATON_TICK_MS: "60",
      BATON_LOST_LEASE_COUNTS: "true",
      BATON_DB: path.join(cwd, "x.db"),
      BATON_TOOLSETS: "",
    };
    const flags = { toolsets: "locks, agents", allowCommands: true };
    const own = withOwnFile({ tick_ms: 50, lease_ms: 70, toolsets: ["runs"] }, () => loadConfig({ flags, env, cwd }));
    expect(own.settings).toMatchObject({ tick_ms: 60, lease_ms: 70, lost_lease_counts: true });
    expect(own.toolsets).toEqual(["locks", "agents"]);
    expect(own.commands).toEqual({ kind: "all" });
    expect(own.database).toMatchObject({ file: path.join(cwd, "x.db"), isDefault: false });
    expect(own.origins).toMatchObject({
      tick_ms: "environment BATON_TICK_MS",
      lease_ms: expect.stringMatching(/baton\.json$/) as string,
      toolsets: "flag --toolsets",
    });
  });

  test("a repository's file lowers limits, raises none, and lists toolsets", () => {
    const cwd = repository({ patterns_max: 10, depth_max: 99_999, toolsets: ["runs"] });
    const inner = path.join(cwd, "src/deep");
    mkdirSync(inner, { recursive: true });
    const config = loadConfig({ flags: {}, env: { BATON_PATTERNS_MAX: "500" }, cwd: inner });
    expect(config.settings).toMatchObject({ patterns_max: 10, depth_max: 1_000 });
    expect(config.toolsets).toEqual(["runs"]);
    expect(config.origins).toMatchObject({
      patterns_max: path.join(cwd, "baton.json"),
      depth_max: "default",
      toolsets: path.join(cwd, "baton.json"),
    });
    expect(loadConfig({ flags: {}, env: { BATON_PATTERNS_MAX: "5" }, cwd }).settings.patterns_max).toBe(5);
  });

  const beyond = [
    ...Object.entries(defaultSettings).filter(([name]) => !LOWERABLE.some((lowerable) => lowerable === name)),
    ...Object.entries({
      allow_commands: true,
      database_url: "postgres://x/y",
      db: "/etc/x",
      mcpServers: {},
      allowed_roots: ["/"],
    }),
    ...Object.entries({
      log_level: "debug",
      output_directory: "/x",
      templates_directory: "/x",
      sqlite_synchronous: "NORMAL",
    }),
  ];
  test.each(beyond)("a repository's file cannot set %s", (name, value) => {
    const cwd = repository({ [name]: value });
    expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow(`"${name}" reaches beyond this repository`);
  });

  test("a repository's file is left out with a warning unless it is regular, small and of this user", () => {
    const content = JSON.stringify({ patterns_max: 10 });
    const link = repository(undefined);
    symlinkSync("/dev/zero", path.join(link, "baton.json"));
    const pipe = repository(undefined);
    execFileSync("mkfifo", [path.join(pipe, "baton.json")]);
    const large = repository(undefined);
    writeFileSync(path.join(large, "baton.json"), content.padEnd(1_048_577));
    const foreign = repository(undefined);
    writeFileSync(path.join(foreign, "baton.json"), content);
    if (process.getuid?.() === 0) chownSync(path.join(foreign, "baton.json"), 12_345, 12_345);
    const load = (cwd: string) => loadConfig({ flags: {}, env: {}, cwd });
    for (const [cwd, why] of [
      [link, "not a regular file"],
      [pipe, "not a regular file"],
      [large, "larger than 1048576 bytes"],
      ...(process.getuid?.() === 0 ? [[foreign, "belongs to user 12345"] as const] : []),
    ] as const) {
      const { settings, warnings } = load(cwd);
      expect(settings.patterns_max).toBe(1_000);
      expect(warnings).toEqual([expect.stringContaining(why)]);
    }
  });

  test("outside git only the working directory's own file counts", () => {
    const outer = temporaryDirectory();
    write(outer, { patterns_max: 10 });
    const inner = path.join(outer, "inner");
    mkdirSync(inner);
    expect(loadConfig({ flags: {}, env: {}, cwd: inner }).settings.patterns_max).toBe(1_000);
    expect(loadConfig({ flags: {}, env: {}, cwd: outer }).settings.patterns_max).toBe(10);
  });

  test("takes former names of settings, and prefers present ones beside them", () => {
    const cwd = temporaryDirectory();
    const env = { BATON_LETTER_RETENTION_MS: "60" };
    const written = { letter_replays: 2, letter_replay_delay_ms: 70, dead_letter_replay_delay_ms: 80 };
    const config = withOwnFile(written, () => loadConfig({ flags: {}, env, cwd }));
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
    write(outer, { patterns_max: 50 });
    const root = path.join(outer, "repository");
    mkdirSync(path.join(root, ".git"), { recursive: true });
    expect(loadConfig({ flags: {}, env: {}, cwd: root }).origins["patterns_max"]).toBe("default");
  });

  test("that is wrong is refused with its place, and the nearest name", () => {
    const cwd = temporaryDirectory();
    expect(() => withOwnFile({ tik_ms: 50 }, () => loadConfig({ flags: {}, env: {}, cwd }))).toThrow(
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
    const whole = { BATON_MCP_SERVERS: JSON.stringify({ mcpServers }) };
    expect(loadConfig({ flags: {}, env: whole, cwd }).mcpServers).toEqual(expected);
    writeFileSync(path.join(cwd, "clients.json"), JSON.stringify({ mcpServers, other: 1 }));
    expect(loadConfig({ flags: { mcpConfig: "clients.json" }, env: {}, cwd }).mcpServers).toEqual(expected);
    const own = withOwnFile({ mcpServers }, () => loadConfig({ flags: {}, env: {}, cwd }));
    expect(own.mcpServers).toEqual(expected);
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

  test.each([
    ["~/x.db", path.join(os.homedir(), "x.db")],
    ["~", os.homedir()],
    ["/a/../b.db", "/b.db"],
  ])("the database %s is %s", (text, file) => {
    expect(loadConfig({ flags: {}, env: { BATON_DB: text }, cwd: "/" }).database).toMatchObject({ file });
    expect(loadConfig({ flags: { db: text }, env: {}, cwd: "/" }).database).toMatchObject({ file });
  });

  test.each([
    ["$HOME/x.db", "holds a variable"],
    ["${HOME}/x.db", "holds a variable"],
    ["%APPDATA%\\x.db", "holds a variable"],
    ["~root/x.db", "begins with ~ and a name"],
    [" ", "is blank"],
    ['"/tmp/x.db"', "stands in quotes"],
    [":memory:", "of each process alone"],
    ["file:x.db", "is a URI"],
    ["file:///x.db?mode=memory", "is a URI"],
    ["postgres://me:hunter22@x/y", "belongs into BATON_DATABASE_URL"],
    ["x.db", `write ${path.resolve("x.db")}`],
    ["./x.db", `write ${path.resolve("x.db")}`],
  ])("the database %s is refused: it would be another one in each place", (text, why) => {
    const load = () => loadConfig({ flags: {}, env: { BATON_DB: text }, cwd: temporaryDirectory() });
    expect(load).toThrow(why);
    expect(load).toThrow("environment BATON_DB");
    expect(load).not.toThrow("hunter22");
  });

  test("a relative database is the command line's beside its directory, and the own file's beside that file", () => {
    const cwd = temporaryDirectory();
    expect(loadConfig({ flags: { db: "x.db" }, env: {}, cwd }).database).toMatchObject({
      file: path.join(cwd, "x.db"),
    });
    const own = withOwnFile({ db: "x.db" }, () => loadConfig({ flags: {}, env: {}, cwd }));
    expect(own.database).toMatchObject({ file: path.join(path.dirname(String(own.origins["db"])), "x.db") });
  });
});

describe("a client's file of MCP servers", () => {
  const load = (text: string, env: Record<string, string> = {}) => {
    const cwd = temporaryDirectory();
    writeFileSync(path.join(cwd, "clients.json"), text);
    const { mcpServers, warnings } = loadConfig({ flags: { mcpConfig: "clients.json" }, env, cwd });
    return {
      servers: mcpServers,
      warnings: warnings.map((warning) => warning.replace(`${cwd}/clients.json: `, "")),
      cwd,
    };
  };

  test("is read with comments, trailing commas, a byte order mark, and VS Code's own key", () => {
    const text = `\uFEFF{
      // the servers, "quoted"
      "servers": { /* one */ "web": { "type": "http", "url": "https://example.com/a//b,}", "headers": {"A": "/* b */"}, }, },
    }`;
    const { servers, warnings } = load(text);
    const web = { name: "web", type: "http", url: "https://example.com/a//b,}", headers: { A: "/* b */" } };
    expect({ servers, warnings }).toEqual({ servers: [web], warnings: [] });
  });

  test("has its variables filled in, and loses the server whose variable is not set", () => {
    const servers = {
      a: {
        command: "${BIN:-npx}",
        args: ["${workspaceFolder}/x", "$HOME", "${env:TOKEN}"],
        env: { TOKEN: "Bearer ${TOKEN}", NONE: "${EMPTY:-}" },
      },
      b: { url: "https://example.com/${MISSING}" },
      c: { command: "x", args: ["${input:key}"] },
    };
    const { servers: found, warnings, cwd } = load(JSON.stringify({ mcpServers: servers }), { TOKEN: "hunter22" });
    expect(found).toMatchObject([
      { command: "npx", args: [`${cwd}/x`, "$HOME", "hunter22"], env: { TOKEN: "Bearer hunter22", NONE: "" } },
    ]);
    expect(warnings).toEqual([
      'the server "b" is left out: the variable MISSING is not set.',
      'the server "c" is left out: ${input:key} is nothing that Baton fills in.',
    ]);
  });

  test("keeps its good servers beside bad ones, and other clients' keys are not used", () => {
    const servers = {
      good: { command: "x", autoApprove: ["a"], timeout: 5, alwaysAllow: [], enabled: true },
      windsurf: { serverUrl: "https://example.com/mcp" },
      old: { type: "sse", url: "https://example.com/sse" },
      typo: { command: "x", tols: ["read"] },
      off: { command: "x", enabled: false },
      "a/b": { command: "x" },
      none: 5,
    };
    const { servers: found, warnings } = load(JSON.stringify({ mcpServers: servers }));
    expect(found).toMatchObject([{ name: "good" }, { name: "windsurf", url: "https://example.com/mcp" }]);
    expect(warnings).toEqual([
      'the server "good": autoApprove, timeout, alwaysAllow is not used here.',
      expect.stringContaining('the server "old" is left out: the transport "sse" is the old one'),
      'the server "typo" is left out: Unrecognized key: "tols".',
      expect.stringContaining('the server "a/b" is left out: a server\'s name needs letters'),
      expect.stringContaining('the server "none" is left out: Invalid input: expected object'),
    ]);
  });
});

test.each([
  ["{ bad }", ":1:3: not valid JSON: a key in double quotes is expected."],
  ['{\n "mcpServers" {} }', ":2:15: not valid JSON: a colon is expected."],
  ['{ "a": 1 "b": 2 }', ":1:10: not valid JSON: a comma or a closing bracket is expected."],
  ['{ "a": "hunter22 }', ": not valid JSON: a text is not closed by its double quote."],
  ['{ "a": hunter22 }', ": not valid JSON: a text stands in double quotes."],
  ['{ "a": 1 } }', ": not valid JSON: nothing may follow the closing bracket."],
])("a file that is no JSON, %j, is refused with the place and what is expected there", (text, said) => {
  const cwd = temporaryDirectory();
  writeFileSync(path.join(cwd, "clients.json"), text);
  const flags = { mcpConfig: path.join(cwd, "clients.json") };
  let told = "";
  try {
    loadConfig({ flags, env: {}, cwd });
  } catch (error) {
    told = String(error);
  }
  expect(told).toContain(said);
  expect(told).not.toContain("hunter22");
});

describe("notifications", () => {
  const key = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const load = (notifications: unknown, env: Record<string, string> = {}) =>
    withOwnFile({ notifications }, () => loadConfig({ flags: {}, env, cwd: temporaryDirectory() }).notifications);

  test("are the person's: variables of the environment are filled in, and what is off is left out", () => {
    const hooks = {
      ops: { url: "https://ops.example.com/${PLACE:-a}", secret: "${HOOK}", events: ["run.*", "workflow_completed"] },
    };
    const slack = { url: "https://hooks.slack.com/services/T/B/x", enabled: false };
    const email = { to: "team@example.com", host: "smtp.example.com" };
    expect(load({ slack, email, webhooks: hooks }, { HOOK: key })).toMatchObject([
      { kind: "email", to: ["team@example.com"], port: 587, tls: "starttls", events: ["questions"] },
      { kind: "webhook", name: "ops", url: "https://ops.example.com/a", events: ["run.*", "run.finished"] },
    ]);
    const targets = [load({ email }), load({ email }), load({ email: { ...email, to: "ops@example.com" } })];
    const [first, same, other] = targets.map(([target]) => target?.id);
    expect(first).toBe(same);
    expect(other).not.toBe(first);
  });

  test("are not taken from a repository's file", () => {
    const root = repository({ notifications: { slack: { url: "https://evil.example.com" } } });
    expect(() => loadConfig({ flags: {}, env: {}, cwd: root })).toThrow(
      '"notifications" reaches beyond this repository',
    );
  });

  test.each([
    [
      "an address that is read on its way",
      { slack: { url: "http://hooks.example.com/x" } },
      "slack.url.*write https://",
    ],
    ["a variable that is not set", { slack: { url: "${NOT_SET_ANYWHERE}" } }, "NOT_SET_ANYWHERE is not set"],
    ["a key that is too short", { webhooks: { ops: { url: "https://a.example", secret: "whsec_AAAA" } } }, "24 to 512"],
    ["a webhook without a key", { webhooks: { ops: { url: "https://a.example" } } }, "webhooks.ops.secret"],
    ["a misspelt key", { email: { to: "a@example.com", smtp: "x", host: "h" } }, 'Unrecognized key: "smtp"'],
    [
      "a password without TLS",
      { email: { to: "a@example.com", host: "h", tls: "none", user: "u", password: "p" } },
      "without TLS",
    ],
  ])("refuse %s with its place", (_, notifications, message) => {
    expect(() => load(notifications)).toThrow(new RegExp(message));
  });
});
