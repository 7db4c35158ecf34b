import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { McpError } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../support/servers/client.js";
import { migratedFile, temporaryDirectory } from "../support/databases/databases.js";
import { until } from "../support/until.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

const HOOK = `
import { register } from "node:module";
const hook = "export async function load(url, context, next) { process._rawDebug('loads ' + url); return next(url, context); }";
register("data:text/javascript," + encodeURIComponent(hook));
`;

/** Scripts are known at the end alone. */
const SCRIPTS = `process.on("exit", () => Object.keys(require.cache).forEach((file) => process._rawDebug("loads file://" + file)));`;

/** The sources of each file of the build. */
const MODULES = JSON.parse(readFileSync(path.join(ROOT, "dist/chunks.json"), "utf8")) as Record<string, string[]>;

test.each([[[]], [["serve"]], [["--toolsets", "locks"]], [["--read-only"]]])(
  "a plain start (%j) loads no command line, no engine and no database before it has answered",
  async (args) => {
    const hook = path.join(temporaryDirectory(), "hook.mjs");
    writeFileSync(hook, HOOK);
    const server = startServer({ args, env: { NODE_OPTIONS: `--import ${hook}` } });
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    await server.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
    await server.next((message) => "id" in message && message.id === 1);
    // Two pipes: what was written first need not be read first.
    await until("it has said what it loads", () => /dist\/lib\/stdio-/.test(server.stderr()));
    const files = [...server.stderr().matchAll(/^loads (.*)$/gm)].map(([, url = ""]) =>
      path.relative(ROOT, new URL(url).pathname),
    );
    const loaded = files.flatMap((file) => MODULES[path.relative("dist", file)] ?? [file]);
    expect(loaded).toContain("src/main.ts");
    expect(loaded).toContain("src/app/serving/stdio.ts");
    // Modules a plain start needs: errors, settings with their defaults, durations and modes, areas, the tests for an object and a directory, the
    // search for the nearest name, the word for questions and the types of events in a target's, random numbers, and the logger's redaction.
    const light = [
      "errors",
      "settings",
      "settings/defaults",
      "durations",
      "statuses",
      "names",
      "areas",
      "json",
      "directories",
      "notifications/event-types",
      "notifications/targets",
      "numbers/mulberry32",
      "secrets/forms",
      "secrets/redaction",
    ].map((name) => `src/base/${name}.ts`);
    const heavy = loaded.filter((file) =>
      /^src\/(?:cli|base|engine|store\/(?:sqlite|postgres))|node_modules\/(?:commander|better-sqlite3|pg|graphology)/.test(
        file,
      ),
    );
    expect(heavy.filter((file) => !light.includes(file))).toEqual([]);
  },
);

test("a hook loads neither the command line, nor the protocol, nor what checks what is written: it starts at each edit", () => {
  const directory = temporaryDirectory();
  const hook = path.join(directory, "hook.mjs");
  writeFileSync(hook, HOOK);
  const scripts = path.join(directory, "scripts.cjs");
  writeFileSync(scripts, SCRIPTS);
  const db = path.join(directory, "baton.db");
  cpSync(migratedFile(), db);
  const document = { session_id: "a", cwd: directory, hook_event_name: "PreToolUse", tool_name: "Edit" };
  const { stderr } = spawnSync(
    process.execPath,
    ["--import", hook, "--require", scripts, "dist/main.js", "guard", "claude-code"],
    {
      cwd: ROOT,
      env: { PATH: process.env["PATH"], HOME: directory, XDG_CONFIG_HOME: directory, BATON_DB: db },
      input: JSON.stringify({ ...document, tool_input: { file_path: "a.ts" } }),
      encoding: "utf8",
    },
  );
  const loaded = [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url = ""]) => url);
  expect(loaded).toContainEqual(expect.stringMatching(/node_modules\/better-sqlite3\//));
  expect(loaded).not.toContainEqual(
    expect.stringMatching(/node_modules\/(?:zod|commander|@modelcontextprotocol|@marcbachmann|yaml|pg|graphology)/),
  );
  expect(stderr).not.toContain("could not be asked");
});

test("mcp.json is a client configuration that works as it is, in a checkout that is built", async () => {
  const { mcpServers } = JSON.parse(readFileSync(path.join(ROOT, "mcp.json"), "utf8")) as {
    mcpServers: { baton: { command: string; args: string[] } };
  };
  const { command, args } = mcpServers.baton;
  const env = { PATH: process.env["PATH"]!, BATON_DB: path.join(temporaryDirectory(), "baton.db") };
  // Clients start the servers of a project's configuration in the project's root.
  const transport = new StdioClientTransport({ command, args, cwd: ROOT, env, stderr: "ignore" });
  const client = new Client({ name: "test", version: "1" });
  onTestFinished(() => client.close());
  await client.connect(transport);
  expect(client.getServerVersion()?.name).toBe("baton");
  const { structuredContent } = await client.callTool({ name: "get_system_status", arguments: {} });
  expect(structuredContent).toMatchObject({ database: { backend: "sqlite" } });
});

// The first call loads what words answers, the first that needs the database what opens it.
test.each([[undefined], ["find_operations"]])(
  "a server whose program was replaced while it ran says so (after %s)",
  async (first) => {
    const home = temporaryDirectory();
    for (const part of ["dist/main.js", "dist/lib", "dist/tools.jsonl", "dist/tools-listed.jsonl", "package.json"])
      cpSync(path.join(ROOT, part), path.join(home, part), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules"), path.join(home, "node_modules"));
    const env = { PATH: process.env["PATH"]!, BATON_DB: path.join(home, "baton.db") };
    const args = [path.join(home, "dist/main.js")];
    const client = new Client({ name: "test", version: "1" });
    onTestFinished(() => client.close());
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, cwd: home, env, stderr: "ignore" }),
    );
    if (first !== undefined) await client.callTool({ name: first, arguments: { query: "tasks" } });
    rmSync(path.join(home, "dist"), { recursive: true });
    const answer = await client.callTool({ name: "get_system_status", arguments: {} }).then(
      ({ structuredContent }) => (structuredContent as { error: object }).error,
      ({ message, data }: McpError) => ({ ...(data as object), message }),
    );
    expect(answer).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/was updated[^]*restart this MCP server/),
    });
  },
);
